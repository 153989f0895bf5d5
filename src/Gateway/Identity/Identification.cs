using Beadhub.Gateway.Http;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway.Identity;

/// <summary>Finds out who asks: signed proxy headers when they are there and a secret is set, otherwise a bearer key (contract 1.1).</summary>
/// <remarks>
/// Whether a caller whose agent has ended may do what it asks for is decided here and nowhere else: it reads its project while its key lives, and writes nothing
/// (contract 1.8).
/// </remarks>
internal sealed class Identification(BearerKeys keys, IGrainFactory grains, GatewaySettings settings)
{
    /// <summary>Who asks. Whatever is not a GET counts as a write; what only reads by another method asks <see cref="ReaderOf"/>.</summary>
    /// <exception cref="ApiException">401; 403 for a writing public reader (contract 1.7); 410 for a write in the name of an agent that was deregistered.</exception>
    public ValueTask<ProjectIdentity> Of(HttpContext http) => HttpMethods.IsGet(http.Request.Method) ? ReaderOf(http) : WriterOf(http);

    /// <summary>Who asks to read, by whatever method.</summary>
    /// <exception cref="ApiException">401; 403 for a public reader that does not send a GET.</exception>
    public async ValueTask<ProjectIdentity> ReaderOf(HttpContext http) => WithLivingKey(await Known(http));

    /// <summary>Who asks to write.</summary>
    /// <exception cref="ApiException">401; 403 for a public reader; 410 when its agent was deregistered.</exception>
    public async ValueTask<ProjectIdentity> WriterOf(HttpContext http)
    {
        var who = WithLivingKey(await Known(http));
        if (who is { Mode: AuthMode.Proxy, AgentId: { } actor })
            who = who with { Standing = await grains.GetGrain<IProjectGrain>(who.ProjectId).Standing(actor) };
        return who.Standing.Agent is AgentStanding.Deregistered or AgentStanding.Revoked ? throw ApiException.Gone("Agent has been deregistered") : who;
    }

    /// <summary>
    /// Who asks, though its agent may have ended: for <c>/v1/bdh</c>, which tells such a client so by a 410, at which it stops; at a 401 it would run on
    /// without coordination (contract 8.2).
    /// </summary>
    /// <exception cref="ApiException">401; 403 for a public reader; 410 when a proxy acts for an agent that has ended: it may name any workspace.</exception>
    public async ValueTask<ProjectIdentity> EvenEndedOf(HttpContext http) =>
        await Known(http) is { Mode: AuthMode.Bearer } who ? who : await WriterOf(http);

    /// <summary>Who asks to restore a workspace: a key may not restore its own, a gateway may in the name of the very agent that ended (contract 5.5).</summary>
    /// <exception cref="ApiException">401; 403 for a public reader; 410 when the agent of the key was deregistered.</exception>
    public async ValueTask<ProjectIdentity> RestorerOf(HttpContext http) =>
        await Known(http) is { Mode: AuthMode.Proxy } who ? who : await WriterOf(http);

    /// <summary>The agent behind a bearer key; signed headers alone are not enough here (contract 1.6).</summary>
    public async ValueTask<(ProjectIdentity Who, string AgentId)> AgentOf(HttpContext http)
    {
        var who = WithLivingKey(await keys.Identify(http.Request));
        return (who, who.AgentId ?? throw BearerKeys.UnknownKey());
    }

    /// <summary>The agent that the caller acts as (protocol 1.4): the one of the key or of the signed headers, never one that the request names.</summary>
    /// <exception cref="ApiException">401; 403 when the key is bound to no agent, and for public readers; 404 when the agent was deleted.</exception>
    public async ValueTask<Actor> ActorOf(HttpContext http)
    {
        var who = await ReaderOf(http);
        if (who.Mode == AuthMode.PublicReader) throw ApiException.Forbidden("Public readers may not act as an agent");
        if (who.AgentId is not { } id) throw ApiException.Forbidden("API key is not bound to an agent");
        var agent = await grains.GetGrain<IProjectGrain>(who.ProjectId).Agent(id);
        return agent is { IsLiving: true } ? new(who, agent) : throw ApiException.NotFound("Agent not found");
    }

    /// <summary>Whether any credentials were sent.</summary>
    public static bool HasCredentials(HttpContext http) =>
        http.Request.Headers.ContainsKey("Authorization") || http.Request.Headers.ContainsKey(ProxyHeaders.Signature);

    private ValueTask<ProjectIdentity> Known(HttpContext http)
    {
        var request = http.Request;
        if (settings.InternalAuthSecret is not { } secret || !request.Headers.ContainsKey(ProxyHeaders.Signature)) return keys.Identify(request);
        var who = ProxyHeaders.Identify(request.Headers, secret);
        return who.Mode == AuthMode.PublicReader && !HttpMethods.IsGet(request.Method)
            ? throw ApiException.Forbidden("Public readers may not write")
            : new(who);
    }

    private static ProjectIdentity WithLivingKey(ProjectIdentity who) =>
        who is { Mode: AuthMode.Bearer, Standing.Agent: AgentStanding.Revoked } ? throw BearerKeys.UnknownKey() : who;
}
