using System.Buffers;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using Beadhub.Beads;
using Beadhub.EventLog;

namespace Beadhub.Boards;

/// <summary>The lines of a project's issues, read from the log by their places when somebody asks: in memory is only what lists
/// need.</summary>
internal sealed class IssueTexts(IEventLog log, string projectId)
{
    private const int FewLines = 8; // each may be of a mebibyte, and all are in memory at once
    private const int ManyLines = 128;
    private const int LightChunk = 256 * 1024; // in characters
    private const int PageSize = 512 * 1024; // in bytes
    private const int ScanSize = 64;

    /// <summary>An issue whole.</summary>
    public async ValueTask<IssueText> Of(BeadRecord record) => Text(await Find(record, (await log.ReadEvents([Place(record)]))[0]));

    /// <summary>The lines of issues after one of them, up to a page that is at most one line longer than some hundred kilobytes.</summary>
    /// <param name="issues">By bead id.</param>
    /// <param name="after">Bead id after which the page begins; null for the first.</param>
    public async ValueTask<ExportPage> Page(ImmutableArray<BeadRecord> issues, string? after)
    {
        var lines = new ArrayBufferWriter<byte>();
        var chunk = FewLines;
        for (var next = Start(issues, after); next < issues.Length;)
        {
            var places = issues.AsSpan(next, Math.Min(chunk, issues.Length - next)).ToArray().Select(Place).ToList();
            var events = await log.ReadEvents(places);
            for (var i = 0; i < places.Count; i++, next++)
            {
                if (lines.WrittenCount >= PageSize) return PageOf(lines, issues[next - 1].BeadId);
                Encoding.UTF8.GetBytes(Line(await Find(issues[next], events[i])), lines);
                lines.Write("\n"u8);
            }

            // Large lines are read a few at a time.
            chunk = events.Sum(e => (long)(e?.Data.Length ?? 0)) <= LightChunk ? ManyLines : FewLines;
        }

        return PageOf(lines, null);
    }

    private static int Start(ImmutableArray<BeadRecord> issues, string? after)
    {
        int low = 0, high = after is null ? 0 : issues.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (string.CompareOrdinal(issues[middle].BeadId, after) <= 0) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    private static ExportPage PageOf(ArrayBufferWriter<byte> lines, string? next) =>
        new(ImmutableCollectionsMarshal.AsImmutableArray(lines.WrittenSpan.ToArray()), next);

    private EventPlace Place(BeadRecord record) => new(Stream(record), record.Version);

    private StreamKey Stream(BeadRecord record) => new(Bead.Kind.Name, IBeadGrain.Key(projectId, record.BeadId));

    /// <summary>
    /// The event that stored an issue. Its place is exact unless the bead was read from a snapshot of a version that did not know it, or
    /// holds events that only a later version knows: then the newest of the stream is looked for.
    /// </summary>
    private async ValueTask<IIssueStored> Find(BeadRecord record, StoredEvent? found)
    {
        if (found is { } there && Parse(there, record) is { } stored && stored.SyncedAt == record.SyncedAt) return stored;
        IIssueStored? newest = null;
        for (long after = 0; ;)
        {
            var events = await log.ReadStream(Stream(record), after, ScanSize);
            foreach (var e in events)
                if (Parse(e, record) is { } one) newest = one;
            if (events.Count < ScanSize) break;
            after = events[^1].Version;
        }

        return newest ?? throw new EventLogUnavailableException($"{Stream(record)} has no issue of {record.Repo} {record.Branch}.");
    }

    private static IIssueStored? Parse(StoredEvent e, BeadRecord record) =>
        EventTypes.Parse(e.Type, e.Data) is IIssueStored stored && stored.Repo == record.Repo && stored.Branch == record.Branch
            ? stored : null;

    private static IssueText Text(IIssueStored stored) => stored switch
    {
        IssueStored e => new(StoredLine.Read(e, whole: true), e.Line),
        BeadStored e => new(e.Record.Complete(), StoredLine.Render(e.Record.Complete())),
        _ => throw new InvalidOperationException($"{stored.GetType()} holds no issue."),
    };

    private static string Line(IIssueStored stored) => stored is IssueStored e ? e.Line : Text(stored).Line;
}
