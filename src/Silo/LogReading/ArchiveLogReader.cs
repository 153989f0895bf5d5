using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Silo.Archives;

namespace Beadhub.Silo.LogReading;

/// <summary>A log together with archives of it: what was taken out stands where it stood. The archives' events of what is asked for are in
/// memory.</summary>
internal sealed class ArchiveLogReader(ILogReader log, IReadOnlyList<string> files) : ILogReader
{
    private readonly Dictionary<string, List<FeedEvent>> _archived = new(StringComparer.Ordinal);

    public Task<string?> FindProject(string slug, CancellationToken cancellation) => log.FindProject(slug, cancellation);

    public async Task<IReadOnlyList<FeedEvent>> Feed(string project, long after, int max, CancellationToken cancellation) => Merged(
        await Archived(project, archived => archived.ProjectId == project, static e => e.Position, cancellation),
        await log.Feed(project, after, max, cancellation), static e => e.Position, after, max);

    public async Task<IReadOnlyList<FeedEvent>> Stream(StreamKey stream, long after, int max, CancellationToken cancellation) => Merged(
        await Archived(stream.ToString(), archived => archived.Kind == stream.Kind && archived.Key == stream.Key, static e => e.Version,
            cancellation),
        await log.Stream(stream, after, max, cancellation), static e => e.Version, after, max);

    public ValueTask DisposeAsync() => log.DisposeAsync();

    private async Task<List<FeedEvent>> Archived(string name, Func<FeedEvent, bool> matches, Func<FeedEvent, long> number,
        CancellationToken cancellation)
    {
        if (_archived.TryGetValue(name, out var known)) return known;
        // The same event may be in several: what was put back is archived again.
        var found = new SortedDictionary<long, FeedEvent>();
        foreach (var file in files)
            await foreach (var archived in ArchiveFile.Read(file, cancellation))
                if (matches(archived.Event)) found[number(archived.Event)] = archived.Event;
        return _archived[name] = [.. found.Values];
    }

    private static List<FeedEvent> Merged(List<FeedEvent> archived, IReadOnlyList<FeedEvent> stored, Func<FeedEvent, long> number,
        long after, int max)
    {
        var merged = new SortedDictionary<long, FeedEvent>();
        foreach (var e in archived)
        {
            if (number(e) <= after) continue;
            if (merged.Count == max) break;
            merged[number(e)] = e;
        }

        // An archived event replaces what is left in its place.
        foreach (var e in stored) merged.TryAdd(number(e), e);
        return [.. merged.Values.Take(max)];
    }
}
