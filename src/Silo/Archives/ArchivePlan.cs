using Beadhub.Beads;
using Beadhub.EventLog;
using Beadhub.History;
using Beadhub.Mail;
using Beadhub.Notifications;
using Beadhub.Silo.Administration;

namespace Beadhub.Silo.Archives;

/// <summary>What of a project can be archived.</summary>
/// <param name="Leaving">Positions of the events that leave the log, in order.</param>
/// <param name="Emptied">Positions of events that are archived too and of which a row stays: a stream's first, by which it is
/// found.</param>
/// <param name="Snapshots">Snapshots that have to be there first, so that nobody needs the events.</param>
/// <param name="Beads">How many beads it concerns.</param>
/// <param name="Mails">How many mails leave.</param>
/// <param name="Cursors">How many notes leave of how far webhooks and notifications had come.</param>
internal sealed record ArchivePlan(IReadOnlyList<long> Leaving, IReadOnlyList<long> Emptied, IReadOnlyList<DueSnapshot> Snapshots,
    int Beads, int Mails, int Cursors)
{
    private const int PageSize = 500;

    /// <summary>All of them, in order.</summary>
    public IReadOnlyList<long> Archived { get; } = [.. Leaving.Concat(Emptied).Order()];

    /// <summary>
    /// Looks for what nobody reads any more: events, decided before a time, that the snapshot of their stream reflects and to which nothing
    /// points: of closed beads all but the newest and those that hold their lines; read mails that are not among the newest of a box;
    /// superseded cursors.
    /// Events that a webhook or the notifier has not yet seen stay, and so do a bead's events that a request's key finds. In a project
    /// with commits all lines stay, since a commit's tree names old ones by their places.
    /// </summary>
    public static async Task<ArchivePlan> Of(HeldLog held, string project, DateTimeOffset before, CancellationToken cancellation)
    {
        var webhooks = await Loaded<Webhooks.Webhooks>(held, project, cancellation);
        var notifier = await Loaded<Notifier>(held, project, cancellation);
        // An event at or below this was seen by all who follow the project.
        var seen = webhooks?.State.All.Where(static webhook => webhook.IsActive).Select(static webhook => webhook.Position)
            .Append(long.MaxValue).Min() ?? long.MaxValue;
        if (notifier is { State.Position: > 0 and var notified }) seen = Math.Min(seen, notified);

        var hasCommits = await Loaded<HistoryBook>(held, project, cancellation) is { State.Commits.IsEmpty: false };
        var plan = new Builder(held, before, seen, hasCommits);
        await foreach (var stored in held.Log.LoadAll<Bead>(project, cancellation)) await plan.AddBead(stored, cancellation);
        await foreach (var stored in held.Log.LoadAll<Mailbox>(project, cancellation)) await plan.AddMailbox(stored, cancellation);
        if (webhooks is not null) 
            await plan.AddCursors<Webhooks.Webhooks>(webhooks.Stored, ["webhook.delivered.v1", "webhook.failed.v1"], cancellation);
        if (notifier is not null) await plan.AddCursors<Notifier>(notifier.Stored, ["notifier.advanced.v1"], cancellation);
        return plan.Build();
    }

    private static async Task<LoadedState<TState>?> Loaded<TState>(HeldLog held, string key, CancellationToken cancellation)
        where TState : class, IEventSourced<TState> =>
        await held.Log.Load<TState>(key, cancellation) is { Version: > 0 } stored ? new(stored, stored.Fold<TState>()) : null;

    private sealed record LoadedState<TState>(StoredStream Stored, TState State);

    private sealed record Row(long Position, long Version, string Type, DateTimeOffset At, bool IsMarked);

    private sealed class Builder(HeldLog held, DateTimeOffset before, long seen, bool hasCommits)
    {
        private readonly List<long> _leaving = [];
        private readonly List<long> _emptied = [];
        private readonly List<DueSnapshot> _snapshots = [];
        private int _beads;
        private int _mails;
        private int _cursors;

        public ArchivePlan Build()
        {
            _leaving.Sort();
            _emptied.Sort();
            return new(_leaving, _emptied, _snapshots, _beads, _mails, _cursors);
        }

        public async Task AddBead(StoredStream stored, CancellationToken cancellation)
        {
            if (stored.Version < 2 || stored.Tail.HoldUnknown()) return;
            var bead = stored.Fold<Bead>();
            if (bead.HoldsUnknown || !bead.Claims.IsEmpty
                || bead.Records.Any(static record => record.Status is not ("closed" or "tombstone"))) return;
            var stream = new StreamKey(Bead.Kind.Name, stored.Key);
            var rows = await Rows(stream, cancellation);
            // It was closed a moment ago, or something has come to it since.
            if (rows[^1].At >= before) return;
            var places = bead.Records.Select(static record => record.Version).ToHashSet();
            var lines = await held.Log.ReadEvents([.. places.Select(version => new EventPlace(stream, version))], cancellation);
            // Where a line is not where the bead says, it is looked for in all events.
            if (lines.Any(static line => line is not { } found || EventTypes.Parse(found.Type, found.Data) is not IIssueStored)) return;
            var leaving = rows.Where(row => May(row, stored) && !IsFound(row)).Select(static row => row.Position).ToList();
            var first = rows[0];
            var empties = first.Version == 1 && first.Type != ArchivedEvents.Type && IsOld(first) && !IsFound(first);
            if (leaving.Count == 0 && !empties) return;
            _leaving.AddRange(leaving);
            if (empties) _emptied.Add(first.Position);
            Snapshot(stored, bead);
            _beads++;

            bool IsFound(Row row) =>
                row.IsMarked || places.Contains(row.Version) || (hasCommits && EventTypes.Are<IIssueStored>(row.Type));
        }

        public async Task AddMailbox(StoredStream stored, CancellationToken cancellation)
        {
            if (stored.Version < 2 || stored.Tail.HoldUnknown()) return;
            var box = stored.Fold<Mailbox>();
            var stream = new StreamKey(Mailbox.Kind.Name, stored.Key);
            var rows = (await Rows(stream, cancellation)).Where(row => May(row, stored)).ToDictionary(static row => row.Version);
            var newest = Enumerable.Range(0, box.Newest.Length / 2).Select(i => box.Newest[2 * i]).ToHashSet();
            // A mail leaves with its acknowledgement, and neither without the other.
            var reads = rows.Values.Where(static row => row.Type == "mail.read.v1").Select(static row => row.Version).ToArray();
            var mails = _mails;
            foreach (var some in reads.Chunk(PageSize))
            {
                foreach (var found in await held.Log.ReadEvents([.. some.Select(version => new EventPlace(stream, version))], cancellation))
                {
                    if (found is not { } there || EventTypes.Parse(there.Type, there.Data) is not MailRead { MailVersion: var of }
                        || newest.Contains(of) || box.Unread.Contains(of)
                        || rows.GetValueOrDefault(of) is not { Type: "mail.delivered.v1" } mail) continue;
                    _leaving.Add(mail.Position);
                    _leaving.Add(rows[there.Version].Position);
                    _mails++;
                }
            }

            if (_mails > mails) Snapshot(stored, box);
        }

        public async Task AddCursors<TState>(StoredStream stored, string[] types, CancellationToken cancellation)
            where TState : class, IEventSourced<TState>
        {
            if (stored.Tail.HoldUnknown()) return;
            var leaving = (await Rows(new(TState.Kind.Name, stored.Key), cancellation))
                .Where(row => May(row, stored) && types.Contains(row.Type)).Select(static row => row.Position).ToList();
            if (leaving.Count == 0) return;
            _leaving.AddRange(leaving);
            _cursors += leaving.Count;
            Snapshot(stored, stored.Fold<TState>());
        }

        // The first event says that there is the stream, the newest how far it has come.
        private bool May(Row row, StoredStream stored) => row.Version > 1 && row.Version < stored.Version && IsOld(row);

        private bool IsOld(Row row) => row.At < before && row.Position <= seen;

        private void Snapshot<TState>(StoredStream stored, TState state) where TState : class, IEventSourced<TState>
        {
            // What has no tail was read from a snapshot of this fold.
            if (stored is { Snapshot: not null, Tail.Count: 0 }) return;
            var snapshot = TState.Kind.Save(state);
            if (TState.Kind.Save(TState.Kind.Restore(snapshot)) != snapshot)
                throw new CommandFailedException(
                    $"{TState.Kind.Name}/{stored.Key} does not come back from its snapshot; nothing was changed");
            _snapshots.Add(new(new(TState.Kind.Name, stored.Key), stored.Version, snapshot));
        }

        private Task<List<Row>> Rows(StreamKey stream, CancellationToken cancellation) => held.Rows(
            "SELECT position, version, type, at, CASE WHEN mark IS NULL THEN 0 ELSE 1 END FROM events WHERE kind = @kind AND key = @key "
            + "ORDER BY version",
            row => new Row(row.GetInt64(0), row.GetInt64(1), row.GetString(2), held.Time(row, 3), row.GetInt64(4) != 0), cancellation,
            ("kind", stream.Kind), ("key", stream.Key));
    }
}

/// <summary>A snapshot of a stream at its newest event.</summary>
internal sealed record DueSnapshot(StreamKey Stream, long Version, string Snapshot);
