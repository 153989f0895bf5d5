using System.Collections.Immutable;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
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

    private static readonly Field<string> Did = InBody.Required("did", "did:key of the key", 1, MaxDid);
    private static readonly Field<string> PublicKey = InBody.Required("public_key", "Ed25519 public key, base64", 1, MaxPublicKey);
    private static readonly Field<string?> OwnCustody = InBody.RequiredWord("custody", "Who keeps the key", Custodies.Self);
    private static readonly Field<string?> OwnLifetime = InBody.RequiredWord("lifetime", "How long the agent lives", Lifetimes.Persistent);
    private static readonly Field<bool> Confirm = InBody.RequiredFlag("confirm", "Must be true")
        .BeforeCaller(static confirm =>
            confirm ? confirm : throw new ApiException(StatusCodes.Status400BadRequest, "confirm must be true to reset identity"));

    private static readonly Field<string?> Successor =
        InBody.Required("successor_agent_id", "Id of the agent that follows")
            .To<string?>(Names.TryNormalizeUuid!, "Invalid successor_agent_id format");

    private static readonly Field<string?> Proof =
        InBody.Optional("retirement_proof", "Signature by the agent's key, base64, unless the server keeps the key", max: MaxSignature);

    private static readonly Field<string?> RetiredAt = InBody.Optional("timestamp", "Time as signed", max: MaxTimestamp)
        .Must(static time => time is null || !CommonFields.HasControl(time, linesAllowed: false),
            "timestamp must not contain control characters");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<AgentIdentities>();
        var requests = new RequestGroup("/v1/agents/me", "identity", "An agent's key, its changes, its retirement and the log of all that");
        routes.Map(
            requests.Put("/identity", "claimIdentity", "Bind a key of one's own to an agent that has none")
                .Needs(Caller.Actor).Audited("identity.claimed")
                .TakesOnly(Did, PublicKey, OwnCustody, OwnLifetime)
                .Bind(static fields => (Did: fields.Get(Did), PublicKey: fields.Get(PublicKey)))
                .Answers(Wire.Types.BoundIdentity),
            async (key, actor) => BoundIdentity.Of(await endpoints.Project(actor).ClaimIdentity(new(actor.Id, key.Did, key.PublicKey))));
        routes.Map(
            requests.Post("/identity/reset", "resetIdentity", "Give the key up").Needs(Caller.Actor).Audited("identity.reset")
                .TakesOnly(Confirm)
                .Bind(static fields => fields.Get(Confirm))
                .Answers(Wire.Types.BoundIdentity),
            async (_, actor) =>
            {
                var agent = await endpoints.Project(actor).ResetIdentity(actor.Id);
                return new(agent.AgentId, agent.Alias, null, null, null, null, null);
            });
        routes.Map(
            requests.Put("/rotate", "rotateKey", "Change the key").Needs(Caller.Actor).Audited("identity.rotated")
                .TakesOnly(Rotation.Fields).Fails(501)
                .Bind(Rotation.Read)
                .Answers(Wire.Types.RotatedAnswer),
            endpoints.Rotate);
        routes.Map(
            requests.Put("/retire", "retireAgent", "Retire a persistent agent in favour of a successor")
                .Needs(Caller.Actor).Audited("agent.retired")
                .TakesOnly(Successor, Proof, RetiredAt)
                .Bind(static fields => new RetireAgent("", fields.Get(Successor)!, fields.Get(Proof), fields.Get(RetiredAt)))
                .Answers(Wire.Types.RetiredAnswer),
            endpoints.Retire);
        routes.Map(
            requests.Get("/log", "getAgentLog", "What happened to the caller's identity, oldest first").Needs(Caller.Reader)
                .Answers(Wire.Types.AgentLogAnswer),
            endpoints.Log);
    }

    private async Task<RotatedAnswer> Rotate(RotateKey rotation, Actor actor)
    {
        var rotated = await Project(actor).RotateKey(rotation with { AgentId = actor.Id });
        return new("rotated", rotated.OldDid, rotated.NewDid, rotated.NewPublicKey, rotated.Custody);
    }

    private async Task<RetiredAnswer> Retire(RetireAgent retirement, Actor actor)
    {
        var agent = await Project(actor).Retire(retirement with { AgentId = actor.Id });
        return new(agent.Status, agent.AgentId, agent.SuccessorAgentId);
    }

    // Also those who have left may read how it came to that.
    private async Task<AgentLogAnswer> Log(ProjectIdentity who)
    {
        if (who.AgentId is not { } agentId) throw ApiException.Forbidden("API key is not bound to an agent");
        who = await identification.WithStanding(who);
        var agent = who.Standing.Agent ?? throw ApiException.NotFound("Agent not found");
        return new(agentId, Addresses.Of(who.Standing.Slug!, agent.Alias),
            await grains.GetGrain<IAgentLogGrain>(who.ProjectId).Of(agentId));
    }

    private IProjectGrain Project(Actor actor) => grains.GetGrain<IProjectGrain>(actor.ProjectId);

    private static class Rotation
    {
        private static readonly Field<string?> Custody = InBody
            .RequiredWord("custody", "Who keeps the new key", Custodies.Self, Custodies.Custodial);
        private static readonly Field<string> SignedAt = InBody.Required("timestamp", "Time as signed", 1, MaxTimestamp)
            .Must(static time => !CommonFields.HasControl(time, linesAllowed: false), "timestamp must not contain control characters");

        private static readonly Field<string?> NewDid = InBody
            .Optional("new_did", "did:key of the new key, when the agent keeps it", max: MaxDid);
        private static readonly Field<string?> NewPublicKey = InBody
            .Optional("new_public_key", "The new key, when the agent keeps it", max: MaxPublicKey);

        private static readonly Field<string?> Signature =
            InBody.Optional("rotation_signature", "Signature by the old key, base64, unless the server keeps that", max: MaxSignature);

        public static readonly Field[] Fields = [Custody, SignedAt, NewDid, NewPublicKey, Signature];

        public static RotateKey Read(RequestFields fields)
        {
            var rotation = new RotateKey("", fields.Get(Custody) ?? "", fields.Get(SignedAt), fields.Get(NewDid), fields.Get(NewPublicKey),
                fields.Get(Signature));
            Check(NewDid, rotation.NewDid);
            Check(NewPublicKey, rotation.NewPublicKey);
            return rotation;

            void Check(Field field, string? value)
            {
                if (rotation.Custody == Custodies.Self && value is null)
                    fields.Fail(field, $"{field.Name} is required when custody is 'self'");
                if (rotation.Custody == Custodies.Custodial && value is not null)
                    fields.Fail(field, $"{field.Name} must not be given when custody is 'custodial'");
            }
        }
    }
}

/// <summary>An agent's key (protocol 12.3); all null after a reset.</summary>
internal sealed record BoundIdentity(string AgentId, string Alias, string? Did, string? PublicKey, string? StableId, string? Custody,
    string? Lifetime)
{
    public static BoundIdentity Of(AgentIdentity agent) =>
        new(agent.AgentId, agent.Alias, agent.Did, agent.PublicKey, agent.StableId, agent.Custody, agent.Lifetime);
}

/// <summary>A changed key (protocol 12.7).</summary>
internal sealed record RotatedAnswer(string Status, string OldDid, string NewDid, string NewPublicKey, string Custody);

/// <summary>A retired agent (protocol 12.8).</summary>
internal sealed record RetiredAnswer(string Status, string AgentId, string? SuccessorAgentId);

/// <summary>The log of an agent (protocol 12.9).</summary>
internal sealed record AgentLogAnswer(string AgentId, string Address, ImmutableArray<AgentLogEntry> Log);
