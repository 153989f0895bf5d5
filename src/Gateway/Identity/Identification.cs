using Beadhub.Gateway.Http;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway.Identity;

/// <summary>Finds out who asks: signed proxy headers when they are there and a secret is set, otherwise a bearer key (contract 1.1).</summary>
internal sealed class Identification(BearerKeys keys, IGrainFactory grains, GatewaySettings settings)
{
    /// <summary>Who asks; a public reader who would write is refused (contract 1.7).</summary>
    /// <exception cref="ApiException">401, or 403 for a writing public reader.</exception>
    public ValueTask<ProjectIdentity> Of(HttpContext http)
    {
        var request = http.Request;
        if (settings.InternalAuthSecret is not { } secret || !request.Headers.ContainsKey(ProxyHeaders.Signature))
            return keys.Identify(request);
        var who = ProxyHeaders.Identify(request.Headers, secret);
        return who.Mode == AuthMode.PublicReader && !HttpMethods.IsGet(request.Method)
            ? throw ApiException.Forbidden("Public readers may not write")
            : new(who);
    }

    /// <summary>The agent behind a bearer key; signed headers alone are not enough here (contract 1.6).</summary>
    public async ValueTask<(ProjectIdentity Who, string AgentId)> AgentOf(HttpContext http)
    {
        var who = await keys.Identify(http.Request);
        return (who, who.AgentId ?? throw ApiException.Unauthorized("Invalid API key"));
    }

    /// <summary>The agent that the caller acts as (protocol 1.4): the one of the key or of the signed headers, never one that the request names.</summary>
    /// <exception cref="ApiException">401; 403 when the key is bound to no agent, and for public readers; 404 when the agent was deleted.</exception>
    public async ValueTask<Actor> ActorOf(HttpContext http)
    {
        var who = await Of(http);
        if (who.Mode == AuthMode.PublicReader) throw ApiException.Forbidden("Public readers may not act as an agent");
        if (who.AgentId is not { } id) throw ApiException.Forbidden("API key is not bound to an agent");
        var agent = await grains.GetGrain<IProjectGrain>(who.ProjectId).Agent(id);
        return agent is { IsLiving: true } ? new(who, agent) : throw ApiException.NotFound("Agent not found");
    }

    /// <summary>Whether any credentials were sent.</summary>
    public static bool HasCredentials(HttpContext http) =>
        http.Request.Headers.ContainsKey("Authorization") || http.Request.Headers.ContainsKey(ProxyHeaders.Signature);
}
