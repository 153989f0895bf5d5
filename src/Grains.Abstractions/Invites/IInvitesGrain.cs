using System.Buffers.Text;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Beadhub.ApiKeys;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Invites;

/// <summary>The invites of a project: each lets one agent join it, once. Key: project id.</summary>
[Alias("beadhub.invites")]
public interface IInvitesGrain : IGrainWithStringKey
{
    /// <summary>Makes an invite. The code itself is known to the caller alone: here is only its hash.</summary>
    /// <exception cref="RefusedException">Invalid: too many are open.</exception>
    Task<InviteView> Make(MakeInvite command);

    /// <summary>Ends an invite; null when there is none. One that has ended is not changed.</summary>
    [Repeatable]
    Task<InviteView?> Revoke(string inviteId);

    /// <summary>All invites, newest first; those that have ended for a month are left out.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<InviteView>> List();

    /// <summary>The invite with this hash if it may be used now; else null.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<InviteView?> Find(string hash);

    /// <summary>Uses an invite up. False when it may not be used (any more); a use that was noted before is true again.</summary>
    [Repeatable]
    Task<bool> Use(UseInvite command);

    /// <summary>Undoes a use of which nothing came: whoever wanted to join was refused.</summary>
    [Repeatable]
    Task GiveBack(string hash, string useId);
}

/// <summary>Makes an invite.</summary>
/// <param name="InviteId">Id for it.</param>
/// <param name="Hash">Hash of its code (<see cref="InviteCode"/>).</param>
/// <param name="Alias">The only alias under which it lets somebody join; null for any.</param>
/// <param name="MadeBy">The agent that makes it; null for an administrator.</param>
/// <param name="Lifetime">For how long it may be used.</param>
[GenerateSerializer, Immutable, Alias("invites.make.v1")]
public sealed record MakeInvite(
    [property: Id(0)] string InviteId,
    [property: Id(1)] string Hash,
    [property: Id(2)] string? Alias,
    [property: Id(3)] string? MadeBy,
    [property: Id(4)] TimeSpan Lifetime);

/// <summary>Uses an invite up.</summary>
/// <param name="Hash">Hash of its code.</param>
/// <param name="UseId">Tells this use from others.</param>
[GenerateSerializer, Immutable, Alias("invites.use.v1")]
public sealed record UseInvite([property: Id(0)] string Hash, [property: Id(1)] string UseId);

/// <summary>An invite, without its code.</summary>
/// <param name="InviteId">Its id.</param>
/// <param name="Alias">The only alias under which it lets somebody join; null for any.</param>
/// <param name="CreatedBy">Id of the agent that made it; null for an administrator.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="ExpiresAt">Until when it may be used.</param>
/// <param name="UsedAt">When it was used; null while it was not.</param>
/// <param name="RevokedAt">When it was revoked; null while it was not.</param>
/// <param name="Status">What it is now: <c>open</c>, <c>used</c>, <c>revoked</c> or <c>expired</c>.</param>
[GenerateSerializer, Immutable, Alias("invites.view.v1")]
public sealed record InviteView(
    [property: Id(0)] string InviteId,
    [property: Id(1)] string? Alias,
    [property: Id(2)] string? CreatedBy,
    [property: Id(3)] DateTimeOffset CreatedAt,
    [property: Id(4)] DateTimeOffset ExpiresAt,
    [property: Id(5)] DateTimeOffset? UsedAt,
    [property: Id(6)] DateTimeOffset? RevokedAt,
    [property: Id(7)] string Status);

/// <summary>
/// The code of an invite: 43 characters that may stand in a path. It begins with the project's id, so that the project which knows it is
/// found without a look into any directory; the other half is random. Only its hash is kept.
/// </summary>
/// <param name="ProjectId">The project.</param>
/// <param name="Hash">Hash of the whole code, in lower-case hex.</param>
public readonly record struct InviteCode(string ProjectId, string Hash)
{
    /// <summary>Length of a code.</summary>
    public const int Length = 43;

    private const int Half = 16;

    /// <summary>Makes a code for a project.</summary>
    public static string Make(string projectId)
    {
        Span<byte> bytes = stackalloc byte[2 * Half];
        Guid.Parse(projectId).TryWriteBytes(bytes, bigEndian: true, out _);
        RandomNumberGenerator.Fill(bytes[Half..]);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Reads a code; false for a text that is none.</summary>
    public static bool TryRead([NotNullWhen(true)] string? text, out InviteCode code)
    {
        code = default;
        Span<byte> bytes = stackalloc byte[2 * Half];
        if (text is not { Length: Length } || !Base64Url.IsValid(text)
            || !Base64Url.TryDecodeFromChars(text, bytes, out var read) || read != bytes.Length) return false;
        code = new(new Guid(bytes[..Half], bigEndian: true).ToString("D"), IApiKeyGrain.Key(text));
        return true;
    }
}

/// <summary>An invite was made.</summary>
[GenerateSerializer, Immutable, Alias("invite.made.v1")]
public sealed record InviteMade(
    [property: Id(0)] string InviteId,
    [property: Id(1)] string Hash,
    [property: Id(2)] string? Alias,
    [property: Id(3)] string? MadeBy,
    [property: Id(4)] DateTimeOffset ExpiresAt,
    [property: Id(5)] DateTimeOffset At) : IEvent;

/// <summary>An invite was used up.</summary>
[GenerateSerializer, Immutable, Alias("invite.used.v1")]
public sealed record InviteUsed(
    [property: Id(0)] string InviteId, [property: Id(1)] string UseId, [property: Id(2)] DateTimeOffset At) : IEvent;

/// <summary>A use came to nothing: the invite is open again.</summary>
[GenerateSerializer, Immutable, Alias("invite.given_back.v1")]
public sealed record InviteGivenBack([property: Id(0)] string InviteId, [property: Id(1)] DateTimeOffset At) : IEvent;

/// <summary>An invite was revoked.</summary>
[GenerateSerializer, Immutable, Alias("invite.revoked.v1")]
public sealed record InviteRevoked([property: Id(0)] string InviteId, [property: Id(1)] DateTimeOffset At) : IEvent;
