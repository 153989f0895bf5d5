using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Invites;
using Beadhub.Projects;
using Microsoft.AspNetCore.Hosting.Server;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>Who may join a project that exists (<c>BEADHUB_JOIN</c>).</summary>
public enum JoinMode
{
    /// <summary>Whoever knows its slug, as on the reference server.</summary>
    Open,

    /// <summary>Who has a key of the project, the administrators' key, or a single-use invite.</summary>
    Invite,
}

/// <summary>
/// Decides who may join: with which right a <c>POST /v1/init</c> comes, and whether one is wanted. Unless it is set, none is wanted while
/// only this machine can reach the server: it listens on the loopback alone, and no proxy brings requests there.
/// </summary>
internal sealed class Joining(
    IServer server, GatewaySettings settings, Identification identification, Tokens tokens, IGrainFactory grains)
{
    private bool? _isPrivate;

    /// <summary>What the request brings.</summary>
    public async ValueTask<JoinRight> RightOf(HttpContext http)
    {
        var isOpen = IsOpen(http);
        var header = http.Request.Headers.Authorization.ToString();
        if (header.StartsWith(BearerKeys.Scheme, StringComparison.Ordinal)
            && tokens.KindOf(header.AsSpan(BearerKeys.Scheme.Length)) == TokenKind.Administrator)
            return new(isOpen) { IsAdministrator = true };
        return new(isOpen) { Member = await MemberOf(http), Invite = await InviteOf(http) };
    }

    private bool IsOpen(HttpContext http) => settings.Join switch
    {
        JoinMode.Open => true,
        JoinMode.Invite => false,
        // Only a server that has started knows where it listens.
        _ => (_isPrivate ??= settings.TrustedProxies.IsEmpty && settings.AllowedHosts.IsEmpty && HostCheck.ListensOnLoopbackOnly(server))
            && !LocalCallers.IsForwarded(http.Request.Headers),
    };

    // Credentials that are not good make nobody more than a stranger: clients send what they have.
    private async ValueTask<ProjectIdentity?> MemberOf(HttpContext http)
    {
        if (!Identification.HasCredentials(http)) return null;
        try
        {
            return await identification.WithStanding(await identification.WriterOf(http));
        }
        catch (ApiException)
        {
            return null;
        }
    }

    private async ValueTask<OpenInvite?> InviteOf(HttpContext http)
    {
        if (!InviteCode.TryRead(http.Features.Get<BroughtInvite>()?.Code, out var code)) return null;
        if (await grains.GetGrain<IInvitesGrain>(code.ProjectId).Find(code.Hash) is not { } invite) return null;
        // Who has left the team invites nobody any more.
        var isGood = invite.CreatedBy is not { } agent
            || await grains.GetGrain<IProjectGrain>(code.ProjectId).Agent(agent) is { IsLiving: true };
        return isGood ? new(code, invite.Alias, invite.CreatedBy) : null;
    }
}

/// <summary>An invite that may be used.</summary>
/// <param name="Code">Project and hash.</param>
/// <param name="Alias">The only alias for which it is good; null for any.</param>
/// <param name="MadeBy">The agent that made it; null for an administrator.</param>
internal sealed record OpenInvite(InviteCode Code, string? Alias, string? MadeBy);

/// <summary>The right with which somebody wants to join.</summary>
/// <param name="IsOpen">Whether no right is wanted.</param>
internal sealed record JoinRight(bool IsOpen)
{
    public bool IsAdministrator { get; init; }

    /// <summary>The member of a project whose key was sent.</summary>
    public ProjectIdentity? Member { get; init; }

    public OpenInvite? Invite { get; init; }

    /// <summary>Whether nothing is known of who asks.</summary>
    public bool IsStranger => !IsAdministrator && Member is null && Invite is null;

    /// <summary>Whether a project may be joined without an invite.</summary>
    public bool NeedsNoInvite(string projectId) => IsOpen || IsAdministrator || IsMemberOf(projectId);

    /// <summary>Whether a key of the project was sent.</summary>
    public bool IsMemberOf(string projectId) => Member?.ProjectId == projectId;

    /// <summary>In whose right a member lets somebody in: a key that is no agent's is nobody's. Null for who needs none.</summary>
    public string? SponsorFor(string projectId) =>
        !IsOpen && !IsAdministrator && IsMemberOf(projectId) && !Member!.Leads ? Member.AgentId ?? "" : null;
}
