using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
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

    // Text stays readable: nothing here is ever put into HTML.
    private static BeadJson Json => new(new JsonSerializerOptions(BeadJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>A bead's first event carries all of it, so that a snapshot pays only after some changes.</summary>
    public static StreamKind<Bead> Kind { get; } = new("bead", Json.Bead, SnapshotEvery: 16, ProjectOf: key => key[..key.IndexOf('/')]);

    /// <inheritdoc cref="Bead"/>
    public ImmutableArray<BeadRecord> Records { get; init; } = Complete(Records);

    /// <inheritdoc cref="Bead"/>
    public ImmutableArray<BeadClaim> Claims { get; init; } = Claims.OrEmpty();

    /// <inheritdoc cref="Bead"/>
    public ImmutableArray<BeadRelease> Releases { get; init; } = Releases.OrEmpty();

    /// <summary>Bead id in a grain's key: what follows the project id.</summary>
    public static string IdOf(string key) => key[(key.IndexOf('/') + 1)..];

    /// <summary>What others see of it.</summary>
    public BeadView View(string beadId, long version) => new(beadId, version, Records, Claims, Releases);

    /// <inheritdoc/>
    public Bead Apply(IEvent @event) => @event switch
    {
        BeadStored stored => this with { Records = Put(Records, stored.Record.Complete()) },
        BeadRemoved removed => this with { Records = Records.RemoveAll(r => r.Repo == removed.Repo && r.Branch == removed.Branch) },
        BeadClaimed claimed => this with
        {
            Claims = [.. Claims.Where(c => c.WorkspaceId != claimed.WorkspaceId), new(claimed.WorkspaceId, claimed.Alias, claimed.HumanName, claimed.At, claimed.Apex, claimed.Title)],
        },
        BeadReleased released => this with
        {
            Claims = Claims.RemoveAll(c => c.WorkspaceId == released.WorkspaceId),
            Releases = [.. Releases.Where(r => r.WorkspaceId != released.WorkspaceId), new(released.WorkspaceId, released.At)],
        },
        _ => this,
    };

    /// <summary>Stores, removes, claims and releases, in this order (contract 7.3, 8.3, 9.2). Parts that would change nothing raise no event.</summary>
    public Decision<Outcome> Change(ChangeBead command, DateTimeOffset now)
    {
        var events = ImmutableArray.CreateBuilder<IEvent>();
        var bead = this;
        var stored = StoreResult.None;
        var statusChanged = false;
        if (command.Store is { } pushed)
        {
            var (result, @event) = bead.Store(pushed.Complete(), command, now);
            stored = result;
            statusChanged = @event is { ChangesStatus: true };
            bead = Raise(bead, @event);
        }

        // A removal takes the title away, but the releases that follow it still name the bead by it.
        var title = bead.Records.Latest()?.Title ?? command.Title;
        var removed = false;
        if (command.Remove is { } remove && bead.Records.In(remove.Repo, remove.Branch) is not null)
        {
            removed = true;
            bead = Raise(bead, new BeadRemoved(remove.Repo, remove.Branch, command.WorkspaceId, command.Alias, now));
        }

        BeadClaim? heldBy = null;
        if (command is { Claim: true, WorkspaceId: { } claimant })
        {
            heldBy = bead.HeldByOther(claimant);
            if (heldBy is null && !(command.OnlyIfFree && bead.Claims.Any(c => c.WorkspaceId == claimant)))
                bead = Raise(bead, new BeadClaimed(claimant, command.Alias, command.HumanName, command.Apex, bead.Records.Latest()?.Title ?? command.Title, now));
        }

        if (command.ReleaseAll)
            foreach (var claim in bead.Claims) bead = Raise(bead, new BeadReleased(claim.WorkspaceId, claim.Alias, title, now));

        if (command.ReleaseOf is { } gone && bead.Claims.Any(c => c.WorkspaceId == gone))
            bead = Raise(bead, new BeadReleased(gone, "", title, now));

        return new(events.DrainToImmutable(), new(stored, statusChanged, removed, heldBy));

        Bead Raise(Bead before, IEvent? @event)
        {
            if (@event is null) return before;
            events.Add(@event);
            return before.Apply(@event);
        }
    }

    /// <summary>The newest claim of another workspace than this one; null when it may claim.</summary>
    public BeadClaim? HeldByOther(string workspaceId)
    {
        for (var i = Claims.Length - 1; i >= 0; i--)
            if (Claims[i].WorkspaceId != workspaceId) return Claims[i];
        return null;
    }

    /// <summary>Contract 7.3: a stored issue gives way unless it is newer; a creator once known is kept.</summary>
    private (StoreResult Result, BeadStored? Event) Store(BeadRecord pushed, ChangeBead command, DateTimeOffset now)
    {
        var have = Records.In(pushed.Repo, pushed.Branch);
        if (have is null) return (StoreResult.Added, new(pushed, null, command.WorkspaceId, command.Alias, now));
        if (have.IsNewerThan(pushed)) return (StoreResult.Conflict, null);
        var next = pushed.CreatedBy is null ? pushed with { CreatedBy = have.CreatedBy } : pushed;
        return (StoreResult.Updated, next.SaysTheSameAs(have) ? null : new(next, have.Status, command.WorkspaceId, command.Alias, now));
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
        records.IsDefaultOrEmpty ? [] : records.All(r => ReferenceEquals(r, r.Complete())) ? records : [.. records.Select(r => r.Complete())];

    /// <summary>What a change did, less the bead itself, whose version only its grain knows.</summary>
    public sealed record Outcome(StoreResult Stored, bool StatusChanged, bool Removed, BeadClaim? HeldBy);
}

/// <summary>JSON of a bead's snapshot.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Bead))]
internal sealed partial class BeadJson : JsonSerializerContext;
