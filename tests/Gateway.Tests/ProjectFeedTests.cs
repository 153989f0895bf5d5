using System.Diagnostics.Metrics;
using Beadhub.Feed;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Streaming;
using Beadhub.Mail;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Beadhub.Gateway.Tests;

/// <summary>The frames of a project that are kept for its event streams.</summary>
public sealed class ProjectFeedTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public void Dispose() => _services.Dispose();

    [Fact]
    public async Task What_is_kept_is_bounded_in_bytes_and_what_is_not_is_read_from_the_log()
    {
        var log = new Log();
        var feed = new ProjectFeed(log, "slug", new StreamMetrics(_services.GetRequiredService<IMeterFactory>(), TimeProvider.System),
            NullLogger.Instance);
        feed.StartAt(0);
        // Mails with subjects as long as they may be: a thousand of them would be a hundred megabytes and more.
        for (var i = 0; i < 400; i++) await feed.Receive(log.Append(new('x', 64 * 1024)));

        log.Reads = 0;
        var (newest, reached) = await feed.Read(395);
        (newest.Count, reached, log.Reads).ShouldBe((5, 400L, 0));

        var (position, count) = (0L, 0);
        while (position < 400)
        {
            (var frames, position) = await feed.Read(position);
            count += frames.Count;
        }

        count.ShouldBe(400, "each once, from wherever it is");
        log.Reads.ShouldBeGreaterThan(5);
    }

    [Fact]
    public async Task Who_takes_no_part_sees_an_event_without_what_was_said()
    {
        var log = new Log();
        var feed = new ProjectFeed(log, "slug", new StreamMetrics(_services.GetRequiredService<IMeterFactory>(), TimeProvider.System),
            NullLogger.Instance);
        feed.StartAt(0);
        await feed.Receive(log.Append("said"));

        var frame = (await feed.Read(0)).Frames.Single();
        string For(ConversationReader reader) => System.Text.Encoding.UTF8.GetString(frame.For(reader).Span);
        For(new("a")).ShouldContain("\"subject\":\"said\"");
        For(new("b")).ShouldContain("\"subject\":\"said\"");
        For(new("c", Oversees: true)).ShouldContain("\"subject\":\"said\"");
        For(new("c")).ShouldContain("\"subject\":\"\"");
        For(ConversationReader.Outsider).ShouldContain("\"subject\":\"\"");
        For(ConversationReader.Of(new("p", "a", null, null, AuthMode.Bearer))).ShouldContain("said");
        For(ConversationReader.Of(new("p", "a", null, null, AuthMode.PublicReader))).ShouldNotContain("said");
        For(ConversationReader.Of(new("p", null, "key", null, AuthMode.Bearer))).ShouldNotContain("said");
    }

    private sealed class Log : IFeedGrain
    {
        private readonly List<FeedEvent> _events = [];

        public int Reads { get; set; }

        public FeedBatch Append(string subject)
        {
            var at = DateTimeOffset.UnixEpoch;
            var mail = new MailDelivered($"m{_events.Count}", "a", "alice", "b", "bob", subject, "text", "normal", null, at);
            _events.Add(new("p", _events.Count + 1, "mailbox", "p/b", _events.Count + 1, EventTypes.NameOf(mail),
                EventTypes.Serialize(mail), at));
            return new([_events[^1]]);
        }

        public ValueTask<long> Head() => new(_events.Count);

        public ValueTask<FeedBatch> Read(long after, int max)
        {
            Reads++;
            return new(new FeedBatch([.. _events.Skip((int)after).Take(max)]));
        }
    }
}
