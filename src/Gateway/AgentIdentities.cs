using System.Collections.Immutable;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/agents/me/…</c>: an agent's key, its changes, its retirement and the log of all that (protocol 12).</summary>
internal sealed class AgentIdentities(IGrainFactory grains, Identification identification)
{
    private const int MaxDid = 256;
    private const int MaxPublicKey = 64;
    private const int MaxSignature = 512;
    private const int MaxTimestamp = 64;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<AgentIdentities>();
        var group = routes.MapGroup("/v1/agents/me").WithTags("identity");
        group.Put("/identity", endpoints.Claim).Says("Bind a key of one's own to an agent that has none", 400, 401, 403, 404, 409, 422);
        group.Post("/identity/reset", endpoints.Reset).Says("Give the key up", 400, 401, 403, 404, 422);
        group.Put("/rotate", endpoints.Rotate).Says("Change the key", 400, 401, 403, 404, 409, 422, 501);
        group.Put("/retire", endpoints.Retire).Says("Retire a persistent agent in favour of a successor", 400, 401, 403, 404, 422);
        group.Get("/log", endpoints.Log).Says("What happened to the caller's identity, oldest first", 401, 403, 404);
    }

    private async Task<Answer<BoundIdentity>> Claim(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("did", "public_key", "custody", "lifetime");
        var did = body.Required("did", 1, MaxDid);
        var publicKey = body.Required("public_key", 1, MaxPublicKey);
        body.OneOf("custody", [Custodies.Self], required: true);
        body.OneOf("lifetime", [Lifetimes.Persistent], required: true);
        body.Done();

        var actor = await identification.ActorOf(http);
        var agent = await grains.GetGrain<IProjectGrain>(actor.ProjectId).ClaimIdentity(new(actor.Id, did, publicKey));
        return Answer.Of(
            new BoundIdentity(agent.AgentId, agent.Alias, agent.Did, agent.PublicKey, agent.StableId, agent.Custody, agent.Lifetime), Wire.Types.BoundIdentity);
    }

    private async Task<Answer<BoundIdentity>> Reset(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("confirm");
        var confirm = body.RequiredFlag("confirm");
        body.Done();
        if (!confirm) throw new ApiException(StatusCodes.Status400BadRequest, "confirm must be true to reset identity");

        var actor = await identification.ActorOf(http);
        var agent = await grains.GetGrain<IProjectGrain>(actor.ProjectId).ResetIdentity(actor.Id);
        return Answer.Of(new BoundIdentity(agent.AgentId, agent.Alias, null, null, null, null, null), Wire.Types.BoundIdentity);
    }

    private async Task<Answer<RotatedAnswer>> Rotate(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("custody", "timestamp", "new_did", "new_public_key", "rotation_signature");
        var custody = body.OneOf("custody", [Custodies.Self, Custodies.Custodial], required: true);
        var timestamp = body.Required("timestamp", 1, MaxTimestamp);
        var newDid = body.Optional("new_did", 0, MaxDid);
        var newPublicKey = body.Optional("new_public_key", 0, MaxPublicKey);
        var signature = body.Optional("rotation_signature", 0, MaxSignature);
        if (CommonFields.HasControl(timestamp, linesAllowed: false)) body.Fail("timestamp", "timestamp must not contain control characters");
        if (custody == Custodies.Self && newDid is null) body.Fail("new_did", "new_did is required when custody is 'self'");
        if (custody == Custodies.Self && newPublicKey is null) body.Fail("new_public_key", "new_public_key is required when custody is 'self'");
        if (custody == Custodies.Custodial && newDid is not null) body.Fail("new_did", "new_did must not be given when custody is 'custodial'");
        if (custody == Custodies.Custodial && newPublicKey is not null) body.Fail("new_public_key", "new_public_key must not be given when custody is 'custodial'");
        body.Done();

        var actor = await identification.ActorOf(http);
        var rotated = await grains.GetGrain<IProjectGrain>(actor.ProjectId).RotateKey(new(actor.Id, custody!, timestamp, newDid, newPublicKey, signature));
        return Answer.Of(new RotatedAnswer("rotated", rotated.OldDid, rotated.NewDid, rotated.NewPublicKey, rotated.Custody), Wire.Types.RotatedAnswer);
    }

    private async Task<Answer<RetiredAnswer>> Retire(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("successor_agent_id", "retirement_proof", "timestamp");
        var text = body.Required("successor_agent_id");
        if (!Names.TryNormalizeUuid(text, out var successor) && body.Has("successor_agent_id")) body.Fail("successor_agent_id", "Invalid successor_agent_id format");
        var proof = body.Optional("retirement_proof", 0, MaxSignature);
        var timestamp = body.Optional("timestamp", 0, MaxTimestamp);
        if (timestamp is not null && CommonFields.HasControl(timestamp, linesAllowed: false)) body.Fail("timestamp", "timestamp must not contain control characters");
        body.Done();

        var actor = await identification.ActorOf(http);
        var agent = await grains.GetGrain<IProjectGrain>(actor.ProjectId).Retire(new(actor.Id, successor!, proof, timestamp));
        return Answer.Of(new RetiredAnswer(agent.Status, agent.AgentId, agent.SuccessorAgentId), Wire.Types.RetiredAnswer);
    }

    private async Task<Answer<AgentLogAnswer>> Log(HttpContext http)
    {
        // Also those who have left may read how it came to that.
        var who = await identification.WithStanding(await identification.Of(http));
        if (who.AgentId is not { } agentId) throw ApiException.Forbidden("API key is not bound to an agent");
        var agent = who.Standing.Agent ?? throw ApiException.NotFound("Agent not found");
        var log = await grains.GetGrain<IAgentLogGrain>(who.ProjectId).Of(agentId);
        return Answer.Of(new AgentLogAnswer(agentId, Addresses.Of(who.Standing.Slug!, agent.Alias), log), Wire.Types.AgentLogAnswer);
    }
}

/// <summary>An agent's key (protocol 12.3); all null after a reset.</summary>
internal sealed record BoundIdentity(string AgentId, string Alias, string? Did, string? PublicKey, string? StableId, string? Custody, string? Lifetime);

/// <summary>A changed key (protocol 12.7).</summary>
internal sealed record RotatedAnswer(string Status, string OldDid, string NewDid, string NewPublicKey, string Custody);

/// <summary>A retired agent (protocol 12.8).</summary>
internal sealed record RetiredAnswer(string Status, string AgentId, string? SuccessorAgentId);

/// <summary>The log of an agent (protocol 12.9).</summary>
internal sealed record AgentLogAnswer(string AgentId, string Address, ImmutableArray<AgentLogEntry> Log);
