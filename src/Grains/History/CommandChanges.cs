using Beadhub.Beads;
using Beadhub.EventLog;
using Beadhub.Feed;

namespace Beadhub.History;

/// <summary>What one command has changed: the lines of one sync, upload or edit.</summary>
/// <param name="By">Who has run it.</param>
/// <param name="Message">The command line; null where it is not known.</param>
/// <param name="At">When it began.</param>
internal sealed record CommandChanges(HistoryAuthor By, string? Message, DateTimeOffset At)
{
    private const int PageSize = 1000;
    private const int MostEvents = 50_000;

    // What a sync stores and what it removes is decided one after the other.
    private static readonly TimeSpan OneCommand = TimeSpan.FromSeconds(5);

    /// <summary>Its lines; null where one is gone.</summary>
    public Dictionary<TreeKey, TreeEntry?> Lines { get; } = [];

    /// <summary>What it is called when nobody says more.</summary>
    public string Usual => Lines.Count == 1 ? $"change {Lines.Keys.First().BeadId}"
        : $"change {Lines.Count} beads of {Lines.Keys.First().Repo} {Lines.Keys.First().Branch}";

    /// <summary>
    /// What was changed between two positions of a project's feed, command by command in the order in which they began. Commands that meet
    /// are told apart; only where both have changed one bead, what the first has changed afterwards is apart from what it has changed
    /// before.
    /// </summary>
    /// <returns>Null when that is too much, or when some of the feed was archived.</returns>
    public static async ValueTask<IReadOnlyList<CommandChanges>?> Since(IEventLog log, string project, long after, long to)
    {
        if (after <= 0 || to - after > MostEvents) return null;
        var all = new List<CommandChanges>();
        while (after < to)
        {
            var page = await log.ReadFeed(project, after, (int)Math.Min(PageSize, to - after));
            if (page.Count == 0 || page[^1].Position - after != page.Count) return null;
            foreach (var @event in page) Add(all, @event);
            after = page[^1].Position;
        }

        return all;
    }

    private static void Add(List<CommandChanges> all, FeedEvent @event)
    {
        if (@event.Kind != Bead.Kind.Name) return;
        var id = Bead.IdOf(@event.Key);
        var (change, key, line) = EventTypes.Parse(@event.Type, @event.Data) switch
        {
            IIssueStored e => (new CommandChanges(new(e.Alias, e.WorkspaceId), Line((e as IssueStored)?.Command), e.SyncedAt),
                new TreeKey(e.Repo, e.Branch, id), ObjectHash.Of(HistoryObjects.LineOf(e))),
            BeadRemoved e => (new CommandChanges(new(e.Alias, e.WorkspaceId), Line(e.Command), e.At), new(e.Repo, e.Branch, id),
                default(ObjectHash?)),
            _ => default((CommandChanges?, TreeKey, ObjectHash?)),
        };
        if (change is null) return;
        var at = all.FindLastIndex(one => one.By == change.By && one.Message == change.Message
            && (one.At - change.At).Duration() < OneCommand);
        // A later one has changed this line between.
        if (at < 0 || all.FindLastIndex(one => one.Lines.ContainsKey(key)) > at)
        {
            all.Add(change);
            at = all.Count - 1;
        }

        all[at].Lines[key] = line is { } hash ? TreeEntry.Of(key, hash, @event.Version) : null;

        static string? Line(string? command) => command is { Length: > 0 } ? command : null;
    }
}
