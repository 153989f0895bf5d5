// Opens the event log that the first argument names and appends with 32 writers until it is killed. Each acknowledged append is told on
// a line of standard output: key, version of its first event, its position, number of events.

using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Hosting.EventLogs;
using Microsoft.Extensions.Logging.Abstractions;

const int Writers = 32;
const string Project = "project";

await using var log = await EventLogStore.Open(args[0], cluster: false, new Nobody(), NullLoggerFactory.Instance, TimeProvider.System);
using var output = Console.OpenStandardOutput();
var gate = new Lock();
await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() => Write(writer))));

async Task Write(int writer)
{
    var key = "stream-" + writer;
    var version = 0L;
    while (true)
    {
        // Every event says how many its append has, so that half an append would be seen.
        var count = 1 + (int)(version % 3);
        var data = $$"""{"append":"{{Guid.NewGuid()}}","of":{{count}}}""";
        var events = Enumerable.Repeat(new NewEvent("test.written.v1", data, DateTimeOffset.UtcNow), count).ToArray();
        var snapshot = $$"""{"version":{{version + count}}}""";
        var result = await log.Append(new StreamAppend(Project, new StreamKey("test", key), version, events, snapshot));
        if (!result.Written) throw new InvalidOperationException($"{key} was refused at version {version}.");
        lock (gate) output.Write(System.Text.Encoding.ASCII.GetBytes($"{key} {version + 1} {result.FirstPosition} {count}\n"));
        version += count;
    }
}

internal sealed class Nobody : IFeedPublisher
{
    public void Publish(string project, IReadOnlyList<FeedEvent> events) { }
}
