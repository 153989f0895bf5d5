using Beadhub.Gateway.Http;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway.Identity;

/// <summary>
/// Finds out who asks: signed proxy headers when they are there and a secret is set, otherwise a bearer token (contract 1.1), of a kind
/// that its form tells (<see cref="Tokens"/>).
/// </summary>
/// <remarks>
/// Whether a caller may read or write at all is decided here and nowhere else: one whose agent has ended reads its project while its key
/// lives, and writes nothing (contract 1.8); nobody writes in an archived project; no public reader sees a private one; a gateway that
/// signs for a tenant sees that tenant's projects only.
/// </remarks>
internal sealed class Identification(
    BearerKeys keys, Tokens tokens, StreamTickets tickets, IGrainFactory grains, GatewaySettings settings)
{
    // What a gateway sends that signs for a tenant and for no project yet.
    private const string NoProject = "00000000-0000-0000-0000-000000000000";

    /// <summary>Who asks. Whatever is not a GET counts as a write; what only reads by another method asks <see cref="ReaderOf"/>.</summary>
    /// <exception cref="ApiException">
    /// 401; 403 for a writing public reader (contract 1.7); 404 where the project is not the caller's to see; 410 for a write in the name
    /// of an agent that was deregistered, or to an archived project.
    /// </exception>
    public ValueTask<ProjectIdentity> Of(HttpContext http) => HttpMethods.IsGet(http.Request.Method) ? ReaderOf(http) : WriterOf(http);

    /// <summary>Who asks to read, by whatever method.</summary>
    /// <exception cref="ApiException">401; 403 for a public reader that does not send a GET; 404.</exception>
    public async ValueTask<ProjectIdentity> ReaderOf(HttpContext http) => WithLivingKey(await Known(http));

    /// <summary>Who asks to write.</summary>
    /// <exception cref="ApiException">401; 403 for a public reader; 404; 410 when its agent was deregistered or the project is
    /// archived.</exception>
    public async ValueTask<ProjectIdentity> WriterOf(HttpContext http)
    {
        var who = await Member(http);
        return who.Standing.Agent switch
        {
            _ when Idempotency.IsAnsweredAgain(http) => who,
            { KeysRevoked: true } => throw ApiException.Gone("Workspace was deleted"),
            { IsLiving: false } => throw ApiException.Gone("Agent has been deregistered"),
            _ => Writing(who),
        };
    }

    /// <summary>Who asks to change what only those may who lead the project.</summary>
    /// <exception cref="ApiException">401; 403 for all others; 404; 410.</exception>
    public async ValueTask<ProjectIdentity> LeadOf(HttpContext http) =>
        await (HttpMethods.IsGet(http.Request.Method) ? WithStanding(await ReaderOf(http)) : WriterOf(http)) is { Leads: true } who
            ? who
            : throw ProjectIdentity.NotLead("This is for those who lead the project");

    /// <summary>
    /// Who asks, though its agent may have ended: for <c>/v1/bdh</c>, which tells such a client so by a 410, at which it stops; at a 401 it
    /// would run on without coordination (contract 8.2).
    /// </summary>
    /// <exception cref="ApiException">401; 403 for a public reader; 404; 410 when a proxy acts for an agent that has ended: it may name any
    /// workspace.</exception>
    public async ValueTask<ProjectIdentity> EvenEndedOf(HttpContext http) =>
        await Known(http) is { Mode: AuthMode.Bearer } who ? Writing(InUse(who)) : await WriterOf(http);

    /// <summary>
    /// Who asks to restore a workspace: a key may not restore its own, a gateway may in the name of the very agent that ended (contract
    /// 5.5).
    /// </summary>
    /// <exception cref="ApiException">401; 403 for a public reader; 404; 410 when the agent of the key was deregistered or the project is
    /// archived.</exception>
    public async ValueTask<ProjectIdentity> RestorerOf(HttpContext http) =>
        await Member(http) is { Mode: AuthMode.Proxy } who ? who : await LeadOf(http);

    /// <summary>The agent behind a bearer key; signed headers alone are not enough here (contract 1.6).</summary>
    /// <param name="http">The request.</param>
    /// <param name="evenObserver">Whether it may be one that reads only.</param>
    /// <param name="evenArchived">Whether its project may be archived: nothing is changed.</param>
    /// <exception cref="ApiException">401; 403 for an observer; 410 when the project is archived.</exception>
    public async ValueTask<(ProjectIdentity Who, string AgentId)> AgentOf(HttpContext http, bool evenObserver = false,
        bool evenArchived = false)
    {
        var who = WithLivingKey(await keys.Identify(http.Request));
        // What has been archived may still be read.
        if (!evenArchived && !HttpMethods.IsGet(http.Request.Method)) InUse(who);
        if (!evenObserver) Writing(who);
        return (who, who.AgentId ?? throw BearerKeys.UnknownKey());
    }

    /// <summary>
    /// The agent that the caller acts as (protocol 1.4): the one of the key or of the signed headers, never one that the request names.
    /// </summary>
    /// <exception cref="ApiException">
    /// 401; 403 when the key is bound to no agent, and for public readers; 404 when the agent was deleted; 410 for a write to an archived
    /// project.
    /// </exception>
    public async ValueTask<Actor> ActorOf(HttpContext http)
    {
        var who = HttpMethods.IsGet(http.Request.Method) ? await ReaderOf(http) : await Member(http);
        if (who.Mode == AuthMode.PublicReader) throw ApiException.Forbidden("Public readers may not act as an agent");
        if (who.AgentId is null) throw ApiException.Forbidden("API key is not bound to an agent");
        who = await WithStanding(who);
        if (!HttpMethods.IsGet(http.Request.Method)) Writing(who);
        return who.Standing.Agent is { } agent && (agent.IsLiving || Idempotency.IsAnsweredAgain(http))
            ? new(who, agent) : throw ApiException.NotFound("Agent not found");
    }

    /// <summary>
    /// Lets administrators through and nobody else: those who have the administrators' key or, while the server was given none, those on
    /// this machine.
    /// </summary>
    /// <exception cref="ApiException">401 without credentials where a key is wanted; 403.</exception>
    public void MustBeAdmin(HttpContext http)
    {
        if (!tokens.HasAdminKey)
        {
            if (LocalCallers.IsLocal(http) && LocalCallers.NamesThisMachine(http.Request)) return;
            throw ApiException.Forbidden(
                "Administrators only: ask on the server's own machine, or set BEADHUB_ADMIN_KEY there and send it as a bearer token");
        }

        var header = http.Request.Headers.Authorization.ToString();
        if (header.Length == 0) throw ApiException.Unauthorized();
        if (!header.StartsWith(BearerKeys.Scheme, StringComparison.Ordinal)
            || tokens.KindOf(header.AsSpan(BearerKeys.Scheme.Length)) != TokenKind.Administrator)
            throw new ApiException(StatusCodes.Status403Forbidden, "Administrators only") { IsRefusedLogin = true };
    }

    /// <summary>
    /// The tenant, and the project if any, that a gateway has signed for on a request which needs no caller; nothing when none has signed
    /// for a tenant.
    /// </summary>
    /// <exception cref="ApiException">401; 403 for a public reader.</exception>
    public (string? TenantId, string? ProjectId) SignedTenantOf(HttpContext http)
    {
        var headers = http.Request.Headers;
        if (settings.InternalAuthSecret is not { } secret || !ProxyHeaders.NameTenant(headers)) return (null, null);
        var who = ProxyHeaders.Identify(headers, secret);
        if (who.Mode == AuthMode.PublicReader) throw ApiException.Forbidden("Public readers may not write");
        return (who.TenantId, who.ProjectId == NoProject ? null : who.ProjectId);
    }

    /// <summary>The tenant of the caller's project: slugs that the caller names are of it.</summary>
    public async ValueTask<string?> TenantOf(ProjectIdentity who) =>
        who.Mode == AuthMode.Bearer
            ? who.Standing.TenantId
            : who.TenantId ?? (await WithStanding(who)).Standing.TenantId;

    /// <summary>Whether any credentials were sent.</summary>
    public static bool HasCredentials(HttpContext http) =>
        http.Request.Headers.ContainsKey("Authorization") || http.Request.Headers.ContainsKey(ProxyHeaders.Signature);

    private ValueTask<ProjectIdentity> Known(HttpContext http) =>
        settings.InternalAuthSecret is { } secret && http.Request.Headers.ContainsKey(ProxyHeaders.Signature)
            ? VouchedFor(ProxyHeaders.Identify(http.Request.Headers, secret), http.Request.Method)
            : tickets.KeyOf(http) is { } key ? keys.IdentifyByHash(key)
            : keys.Identify(http.Request);

    /// <summary>
    /// Somebody for whom a proxy vouches. How they stand is asked only where it matters: a proxy's word is enough for members who read.
    /// </summary>
    private async ValueTask<ProjectIdentity> VouchedFor(ProjectIdentity who, string method)
    {
        if (who.Mode == AuthMode.PublicReader && !HttpMethods.IsGet(method)) throw ApiException.Forbidden("Public readers may not write");
        if (who is { Mode: AuthMode.Proxy, TenantId: null } && HttpMethods.IsGet(method)) return who;
        who = await WithStanding(who);
        var isHidden = (who.Mode == AuthMode.PublicReader && who.Standing.IsPrivate)
            || (who.TenantId is { } tenant && tenant != who.Standing.TenantId);
        return isHidden ? throw ApiException.NotFound("Project not found") : who;
    }

    /// <summary>The caller with its standing, which of one for whom a proxy vouches may not have been asked yet.</summary>
    public async ValueTask<ProjectIdentity> WithStanding(ProjectIdentity who) =>
        who.Standing.Exists ? who : who with { Standing = await grains.GetGrain<IProjectGrain>(who.ProjectId).Standing(who.AgentId) };

    private async ValueTask<ProjectIdentity> Member(HttpContext http) =>
        WithLivingKey(await Known(http)) is var who && Idempotency.IsAnsweredAgain(http) ? who : InUse(who);

    private static ProjectIdentity WithLivingKey(ProjectIdentity who) =>
        who is { Mode: AuthMode.Bearer, Standing.Agent.KeysRevoked: true } ? throw BearerKeys.UnknownKey() : who;

    private static ProjectIdentity Writing(ProjectIdentity who) =>
        who.Observes ? throw ApiException.Forbidden("Observers read only: ask who leads the project for another role") : who;

    private static ProjectIdentity InUse(ProjectIdentity who) => who.Standing.IsArchived ? throw ApiException.Gone(Standing.Archived) : who;
}
