using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.Invites;

/// <inheritdoc cref="IInvitesGrain"/>
public sealed class InvitesGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<InviteBook>(log), IInvitesGrain
{
    private static readonly Func<InviteBook, InviteBook> Whole = book => book;

    /// <inheritdoc/>
    public Task<InviteView> Make(MakeInvite command) => Transact(book => book.Make(command, time.Now()));

    /// <inheritdoc/>
    public Task<InviteView?> Revoke(string inviteId) => Transact(book => book.Revoke(inviteId, time.Now()));

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<InviteView>> List() => (await Read(Whole)).List(time.Now());

    /// <inheritdoc/>
    public async ValueTask<InviteView?> Find(string hash)
    {
        var book = await Read(Whole);
        // Anybody may send any code: what is not there must not stay in memory.
        if (book.Invites.IsEmpty) DeactivateOnIdle();
        return book.Find(hash, time.Now());
    }

    /// <inheritdoc/>
    public Task<bool> Use(UseInvite command) => Transact(book => book.Use(command, time.Now()));

    /// <inheritdoc/>
    public Task GiveBack(string hash, string useId) => Transact(book => book.GiveBack(hash, useId, time.Now()));
}

/// <summary>The invites of a project, by the hash of their code. Pure.</summary>
public sealed record InviteBook(ImmutableDictionary<string, Invite> Invites) : IEventSourced<InviteBook>
{
    /// <summary>The most invites that may be open at a time.</summary>
    public const int MostOpen = 1000;

    private static readonly TimeSpan Shown = TimeSpan.FromDays(30);

    /// <inheritdoc/>
    public static InviteBook Empty { get; } = new(ImmutableDictionary<string, Invite>.Empty);

    /// <inheritdoc/>
    public static StreamKind<InviteBook> Kind { get; } = new("invites", InvitesJson.Default.InviteBook, SnapshotEvery: 64, key => key);

    /// <inheritdoc/>
    public InviteBook Apply(IEvent @event) => @event switch
    {
        // What has ended long ago goes when the next one comes: the book does not grow without end.
        InviteMade e => new(Invites.RemoveRange(Invites.Where(pair => pair.Value.EndedAt + Shown < e.At).Select(pair => pair.Key))
            .SetItem(e.Hash, new(e.InviteId, e.Alias, e.MadeBy, e.At, e.ExpiresAt))),
        InviteUsed e => With(e.InviteId, invite => invite with { UsedAt = e.At, UseId = e.UseId }),
        InviteGivenBack e => With(e.InviteId, invite => invite with { UsedAt = null, UseId = null }),
        InviteRevoked e => With(e.InviteId, invite => invite with { RevokedAt = e.At }),
        _ => this,
    };

    /// <summary>Makes an invite.</summary>
    public Decision<InviteView> Make(MakeInvite command, DateTimeOffset now)
    {
        if (Invites.Values.Count(invite => invite.StatusAt(now) == Invite.Open) >= MostOpen)
            throw new RefusedException(RefusalKind.Invalid, $"A project has at most {MostOpen} open invites: revoke some");
        var made = new InviteMade(command.InviteId, command.Hash, command.Alias, command.MadeBy, now + command.Lifetime, now);
        return Decision.Accept(Apply(made).Invites[command.Hash].View(now), made);
    }

    /// <summary>Revokes an invite that is open; null when there is none with this id.</summary>
    public Decision<InviteView?> Revoke(string inviteId, DateTimeOffset now)
    {
        if (Invites.Values.FirstOrDefault(invite => invite.InviteId == inviteId) is not { } found)
            return Decision.None<InviteView?>(null);
        return found.StatusAt(now) == Invite.Open
            ? Decision.Accept<InviteView?>((found with { RevokedAt = now }).View(now), new InviteRevoked(inviteId, now))
            : Decision.None<InviteView?>(found.View(now));
    }

    /// <summary>Uses an invite up, unless it was; the same use again is the same.</summary>
    public Decision<bool> Use(UseInvite command, DateTimeOffset now) =>
        !Invites.TryGetValue(command.Hash, out var invite) ? Decision.None(false)
        : invite.UseId == command.UseId ? Decision.None(true)
        : invite.StatusAt(now) != Invite.Open ? Decision.None(false)
        : Decision.Accept(true, new InviteUsed(invite.InviteId, command.UseId, now));

    /// <summary>Undoes this use, and no other.</summary>
    public Decision<bool> GiveBack(string hash, string useId, DateTimeOffset now) =>
        Invites.TryGetValue(hash, out var invite) && invite.UseId == useId
            ? Decision.Accept(true, new InviteGivenBack(invite.InviteId, now))
            : Decision.None(false);

    /// <summary>The invite with this hash, if it may be used.</summary>
    public InviteView? Find(string hash, DateTimeOffset now) =>
        Invites.TryGetValue(hash, out var invite) && invite.StatusAt(now) == Invite.Open ? invite.View(now) : null;

    /// <summary>All of them, newest first.</summary>
    public ImmutableArray<InviteView> List(DateTimeOffset now) =>
    [
        .. Invites.Values.Where(invite => invite.StatusAt(now) == Invite.Open || invite.EndedAt + Shown >= now)
            .OrderByDescending(invite => invite.MadeAt).ThenBy(invite => invite.InviteId, StringComparer.Ordinal)
            .Select(invite => invite.View(now)),
    ];

    private InviteBook With(string inviteId, Func<Invite, Invite> change)
    {
        foreach (var (hash, invite) in Invites)
            if (invite.InviteId == inviteId) return new(Invites.SetItem(hash, change(invite)));
        return this;
    }
}

/// <summary>An invite.</summary>
/// <param name="InviteId">Its id.</param>
/// <param name="Alias">The only alias under which it lets somebody join; null for any.</param>
/// <param name="MadeBy">The agent that made it; null for an administrator.</param>
/// <param name="MadeAt">When it was made.</param>
/// <param name="ExpiresAt">Until when it may be used.</param>
/// <param name="UsedAt">When it was used.</param>
/// <param name="UseId">By which use.</param>
/// <param name="RevokedAt">When it was revoked.</param>
public sealed record Invite(
    string InviteId, string? Alias, string? MadeBy, DateTimeOffset MadeAt, DateTimeOffset ExpiresAt, DateTimeOffset? UsedAt = null,
    string? UseId = null, DateTimeOffset? RevokedAt = null)
{
    /// <summary>The status of an invite that may be used.</summary>
    public const string Open = "open";

    /// <summary>When it ended, or will.</summary>
    [JsonIgnore]
    public DateTimeOffset EndedAt => UsedAt ?? RevokedAt ?? ExpiresAt;

    /// <summary>What it is at a time.</summary>
    public string StatusAt(DateTimeOffset now) =>
        UsedAt is not null ? "used" : RevokedAt is not null ? "revoked" : now >= ExpiresAt ? "expired" : Open;

    /// <summary>As it is shown.</summary>
    public InviteView View(DateTimeOffset now) =>
        new(InviteId, Alias, MadeBy, MadeAt, ExpiresAt, UsedAt, RevokedAt, StatusAt(now));
}

/// <summary>JSON of the snapshots of invites.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(InviteBook))]
internal sealed partial class InvitesJson : JsonSerializerContext;
