using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Beadhub.Boards;
using Beadhub.EventLog;

namespace Beadhub.Beads;

/// <summary>One bead id of a project: its issue in each repository and branch, its claims and the claims that ended. Pure.</summary>
/// <param name="Records">Issues with this id, ordered by repository and branch (ordinal).</param>
/// <param name="Claims">Claims, newest last.</param>
/// <param name="Releases">The claims that ended last, one a workspace.</param>
public sealed record Bead(ImmutableArray<BeadRecord> Records, ImmutableArray<BeadClaim> Claims, ImmutableArray<BeadRelease> Releases)
    : IEventSourced<Bead>
{
    /// <inheritdoc/>
    public static Bead Empty { get; } = new([], [], []);

    /// <summary>A bead's first event carries all of it, so that a snapshot pays only after some changes.</summary>
    public static StreamKind<Bead> Kind { get; } = new("bead", BeadJson.Default.Bead, SnapshotEvery: 16, ProjectOf: key =>
        key[..key.IndexOf('/')])
    {
        Fold = 4, // 1 skipped issues that were stored with their line, 2 kept digests of another hash, 3 knew no command lines
    };

    /// <inheritdoc cref="Bead"/>
    public ImmutableArray<BeadRecord> Records { get; init; } = Complete(Records);

    /// <summary>Number of events so far, by which the lines are found again.</summary>
    public long Events { get; init; }

    /// <summary>Whether one of the events is of a type that this version does not know: no snapshot is made then.</summary>
    [JsonIgnore]
    public bool HoldsUnknown { get; init; }

    /// <inheritdoc cref="Bead"/>
    public ImmutableArray<BeadClaim> Claims { get; init; } = Claims.OrEmpty();

    /// <inheritdoc cref="Bead"/>
    public ImmutableArray<BeadRelease> Releases { get; init; } = Releases.OrEmpty();

    /// <summary>Bead id in a grain's key: what follows the project id.</summary>
    public static string IdOf(string key) => key[(key.IndexOf('/') + 1)..];

    /// <summary>The bead that others see so: the view holds all of it.</summary>
    public static Bead Of(BeadView view) =>
        new(view.Records, view.Claims, view.Releases) { Events = view.Version, HoldsUnknown = view.HoldsUnknown };

    /// <summary>What others see of it.</summary>
    public BeadView View(string beadId, long version) => new(beadId, version, Records, Claims, Releases, HoldsUnknown);

    /// <inheritdoc/>
    public Bead Apply(IEvent @event) => Next(@event) with { Events = Events + 1 };

    private Bead Next(IEvent @event) => @event switch
    {
        IssueStored stored => this with { Records = Put(Records, StoredLine.Read(stored).Kept(Events + 1)) },
        // Stored without its line, which therefore counts as changed when it comes again.
        BeadStored stored =>
            this with { Records = Put(Records, (stored.Record with { Digest = default }).Complete().Bounded().Kept(Events + 1)) },
        BeadRemoved removed => this with { Records = Records.RemoveAll(r => r.Repo == removed.Repo && r.Branch == removed.Branch) },
        BeadClaimed claimed => this with
        {
            Claims = [.. Claims.Where(c => c.WorkspaceId != claimed.WorkspaceId), claimed.Claim()],
        },
        BeadReleased released => this with
        {
            Claims = Claims.RemoveAll(c => c.WorkspaceId == released.WorkspaceId),
            Releases = [.. Releases.Where(r => r.WorkspaceId != released.WorkspaceId), new(released.WorkspaceId, released.At)],
        },
        UnknownEvent => this with { HoldsUnknown = true },
        _ => this,
    };

    /// <summary>Stores, removes, claims and releases, in this order (contract 7.3, 8.3, 9.2). Parts that would change nothing raise no
    /// event.</summary>
    public Decision<Outcome> Change(ChangeBead command, DateTimeOffset now) => ChangeTo(command, now).Decision;

    /// <summary>The same, with the bead that it leads to.</summary>
    public (Decision<Outcome> Decision, Bead After) ChangeTo(ChangeBead command, DateTimeOffset now)
    {
        if (command.EditOf is { } place && command.Store is { } edited)
        {
            if ((Records.In(edited.Repo, edited.Branch)?.Version ?? 0) != place || (place == 0 && !Records.IsEmpty))
                return (Decision.None(new Outcome(StoreResult.Outdated, false, false, null)), this);
            if (command is { Claim: true, WorkspaceId: { } editor } && HeldByOther(Claims, editor) is { } holder)
                return (Decision.None(new Outcome(StoreResult.None, false, false, holder)), this);
        }

        var events = ImmutableArray.CreateBuilder<IEvent>();
        var bead = this;
        var stored = StoreResult.None;
        var statusChanged = false;
        int? news = null;
        if (command.Store is { } pushed)
        {
            var (result, next, @event) = bead.Store(pushed.Complete(), command, now);
            stored = result;
            if (@event is not null)
            {
                statusChanged = ((IIssueStored)@event).ChangesStatus;
                events.Add(@event);
                // What the event would be read as, without reading it.
                bead = bead with { Records = Put(bead.Records, next!.Kept(bead.Events + 1)), Events = bead.Events + 1 };
                if (((IIssueStored)@event).IsNews) news = events.Count;
            }
        }

        // A removal takes the title away, but the releases that follow it still name the bead by it.
        var title = bead.Records.Latest()?.Title ?? command.Title;
        var removed = false;
        if (command.Remove is { } remove && bead.Records.In(remove.Repo, remove.Branch) is { } gone)
        {
            removed = command.Based is not { } based || gone.Digest == based;
            if (removed) bead = Raise(bead, new BeadRemoved(remove.Repo, remove.Branch, command.WorkspaceId, command.Alias,
                now, command.Command));
            else stored = StoreResult.Conflict;
        }

        BeadClaim? heldBy = null, granted = null;
        if (command is { Claim: true, WorkspaceId: { } claimant })
        {
            (var may, heldBy) = bead.MayClaim(claimant, command.Terms);
            if (may)
            {
                var claimed = new BeadClaimed(claimant, command.Alias, command.HumanName, command.Apex, bead.Records.Latest()?.Title
                    ?? command.Title, now,
                    command.Terms?.Issue, command.Terms?.Role, command.Terms?.Note, command.Terms?.Why);
                bead = Raise(bead, claimed);
                granted = claimed.Claim();
            }
        }

        if (command.ReleaseAll)
            foreach (var claim in bead.Claims) bead = Raise(bead, new BeadReleased(claim.WorkspaceId, claim.Alias, title, now));

        if (command.ReleaseOf is { } ended && bead.Claims.Any(c => c.WorkspaceId == ended))
            bead = Raise(bead, new BeadReleased(ended, "", title, now));

        if (command is { ReleaseOwn: true, WorkspaceId: { } own } && bead.Claims.FirstOrDefault(c => c.WorkspaceId == own) is { } released)
            bead = Raise(bead, new BeadReleased(own, released.Alias, title, now));

        var outcome = new Outcome(stored, statusChanged, removed, heldBy, granted, NewsFromEnd: events.Count - news);
        var decision = new Decision<Outcome>(events.DrainToImmutable(), outcome);
        return (decision, bead);

        Bead Raise(Bead before, IEvent @event)
        {
            events.Add(@event);
            return before.Apply(@event);
        }
    }

    /// <summary>The newest claim of another workspace, which keeps this one from claiming; null when nobody else holds the bead or this one
    /// does so too.</summary>
    public static BeadClaim? HeldByOther(ImmutableArray<BeadClaim> claims, string workspaceId)
    {
        BeadClaim? other = null;
        foreach (var claim in claims)
        {
            if (claim.WorkspaceId == workspaceId) return null;
            other = claim;
        }

        return other;
    }

    private (bool May, BeadClaim? HeldBy) MayClaim(string workspaceId, ClaimTerms? terms)
    {
        switch (terms?.Kind)
        {
            case ClaimKind.Joining:
                return (true, null);
            case ClaimKind.Free:
                if (Claims is [.., var holder]) return (false, holder);
                return (terms.Issue is not { } issue || Records.In(issue.Repo, issue.Branch)?.Status == "open", null);
            default:
                var other = HeldByOther(Claims, workspaceId);
                return (other is null, other);
        }
    }

    /// <summary>Contract 7.3: a stored issue gives way unless it is newer; a creator once known is kept.</summary>
    private (StoreResult Result, BeadRecord? Next, IssueStored? Event) Store(BeadRecord pushed, ChangeBead command, DateTimeOffset now)
    {
        var have = Records.In(pushed.Repo, pushed.Branch);
        if (have is null) return (StoreResult.Added, pushed, Event(pushed, null));
        if (!command.Overrides && have.IsNewerThan(pushed) || command.Based is { } based && have.Digest != based)
            return (StoreResult.Conflict, null, null);
        var next = pushed.CreatedBy is null ? pushed with { CreatedBy = have.CreatedBy } : pushed;
        return next.SaysTheSameAs(have) ? (StoreResult.Updated, null, null) : (StoreResult.Updated, next, Event(next, have));

        IssueStored Event(BeadRecord issue, BeadRecord? before)
        {
            var isNews = before is not null && (issue.Priority != before.Priority || issue.Assignee != before.Assignee);
            return new(
                issue.Repo, issue.Branch, issue.Title, issue.Status, before?.Status, command.WorkspaceId, command.Alias, issue.SyncedAt,
                isNews ? new(before!.Priority, before.Assignee) : null, isNews ? new(issue.Priority, issue.Assignee) : null,
                pushed.CreatedBy is null ? issue.CreatedBy : null, issue.ElidedIds.IsEmpty ? null : issue.ElidedIds,
                command.Line ?? StoredLine.Render(pushed), command.Command);
        }
    }

    private static ImmutableArray<BeadRecord> Put(ImmutableArray<BeadRecord> records, BeadRecord record)
    {
        var at = 0;
        for (; at < records.Length; at++)
        {
            var order = string.CompareOrdinal(records[at].Repo, record.Repo);
            if (order == 0) order = string.CompareOrdinal(records[at].Branch, record.Branch);
            if (order == 0) return records.SetItem(at, record);
            if (order > 0) break;
        }

        return records.Insert(at, record);
    }

    private static ImmutableArray<BeadRecord> Complete(ImmutableArray<BeadRecord> records) =>
        records.IsDefaultOrEmpty ? [] : records.All(IsKept) ? records : [.. records.Select(r => r.Kept(r.Version))];

    // Snapshots of earlier versions hold more, and less.
    private static bool IsKept(BeadRecord record) =>
        record.Description is null && (record.Version > 0 || record.Digest == default) && ReferenceEquals(record, record.Complete());

    /// <summary>What a change did, less the bead itself, whose version only its grain knows. <c>NewsFromEnd</c>: how many events came after
    /// the one that subscribers may want to hear of.</summary>
    public sealed record Outcome(StoreResult Stored, bool StatusChanged, bool Removed, BeadClaim? HeldBy, BeadClaim? Granted = null,
        int? NewsFromEnd = null)
    {
        /// <summary>The outcome with the bead that it left.</summary>
        public BeadChange On(BeadView bead) =>
            new(bead, Stored, StatusChanged, Removed, HeldBy, Granted, NewsVersion: NewsFromEnd is { } back ? bead.Version - back : 0);
    }
}

/// <summary>JSON of a bead's snapshot.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Bead))]
[JsonSerializable(typeof(Bead.Outcome))]
internal sealed partial class BeadJson : JsonSerializerContext;
