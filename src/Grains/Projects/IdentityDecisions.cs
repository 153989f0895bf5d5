using System.Collections.Immutable;
using System.Globalization;
using Beadhub.EventLog;
using Beadhub.Identities;
using Beadhub.Mail;

namespace Beadhub.Projects;

/// <summary>What a project decides on its agents and their keys (protocol 6, 12). Pure: the time, fresh ids and keys are
/// arguments.</summary>
internal static class IdentityDecisions
{
    private const string NotAKey = "public_key must be a base64-encoded 32-byte Ed25519 key";

    /// <summary>Changes what an agent tells of itself.</summary>
    public static Decision<AgentIdentity> Change(this Project project, ChangeAgent command, DateTimeOffset now)
    {
        var agent = project.LivingAgent(command.AgentId);
        var changed = new AgentChanged(
            agent.Id,
            New(command.AccessMode, agent.AccessMode),
            New(command.Role, agent.Role),
            New(command.Program, agent.Program),
            New(command.Context, agent.Context),
            now);
        return project.After(agent.Id, changed is { AccessMode: null, Role: null, Program: null, Context: null } ? null : changed);

        static string? New(string? given, string? stored) => given == stored ? null : given;
    }

    /// <summary>Ends an ephemeral agent (protocol 6.6).</summary>
    public static Decision<bool> Deregister(this Project project, string agentId, DateTimeOffset now)
    {
        var agent = project.LivingAgent(agentId);
        return agent.IsEphemeral
            ? Decision.Accept(true, new AgentDeregistered(agentId, now))
            : throw new RefusedException(RefusalKind.Mismatch, "Cannot deregister a persistent agent. Use the retire endpoint instead.");
    }

    /// <summary>
    /// The key that a bootstrap brings along (protocol 12.2). Null when the server is to make one; an agent that keeps its key itself may
    /// bring it later.
    /// </summary>
    public static OwnKey? KeyOf(InitAgent command, string custody)
    {
        if (custody == Custodies.Custodial)
        {
            return command is { Did: null, PublicKey: null }
                ? null
                : throw new RefusedException(RefusalKind.Invalid, "Custodial agents must not provide did/public_key");
        }

        if (command.Lifetime == Lifetimes.Ephemeral) throw new RefusedException(RefusalKind.Invalid, "Ephemeral agents must be custodial");
        if (command is { Did: null, PublicKey: null }) return new(null);
        if (command.Did is null || command.PublicKey is null)
            throw new RefusedException(RefusalKind.Invalid, "Self-custodial agents require both did and public_key");
        var key = DidKey.Parse(command.PublicKey)
            ?? throw new RefusedException(RefusalKind.Invalid, $"{NotAKey[..^3]}public key (url-safe or standard)");
        return key.Did == command.Did ? new(key) : throw new RefusedException(RefusalKind.Invalid, "DID does not match public_key");
    }

    /// <summary>Gives an agent without a key its own (protocol 12.3).</summary>
    public static Decision<AgentIdentity> ClaimIdentity(this Project project, ClaimIdentity command, DateTimeOffset now)
    {
        var key = DidKey.Parse(command.PublicKey) ?? throw new RefusedException(RefusalKind.Mismatch, NotAKey);
        if (key.Did != command.Did) throw new RefusedException(RefusalKind.Mismatch, "DID does not match public_key");
        var agent = project.LivingAgent(command.AgentId);
        if (agent.Did == key.Did) return Decision.None(agent.Identity(project.RoleOf(agent)));
        if (agent.Did is not null) throw new RefusedException(RefusalKind.Conflict, "Identity already claimed with a different DID");
        project.MustBeFree(key.Did, agent.Id);
        return project.After(agent.Id, new IdentityClaimed(agent.Id, key.Did, key.PublicKey, now));
    }

    /// <summary>Takes an agent's key away (protocol 12.3).</summary>
    public static Decision<AgentIdentity> ResetIdentity(this Project project, string agentId, DateTimeOffset now) =>
        project.After(agentId, project.LivingAgent(agentId).Did is null ? null : new IdentityReset(agentId, now));

    /// <summary>Changes an agent's key (protocol 12.7).</summary>
    /// <param name="project">The project.</param>
    /// <param name="command">What is asked.</param>
    /// <param name="fresh">A new key, should the server have to make one; its agent id serves as the id of the change.</param>
    /// <param name="seal">Opens the keys that the server keeps.</param>
    /// <param name="now">The time.</param>
    public static Decision<KeyRotation> Rotate(this Project project, RotateKey command, FreshIdentity fresh, Seal seal, DateTimeOffset now)
    {
        var agent = project.LivingAgent(command.AgentId);
        if (agent.IsEphemeral)
            throw new RefusedException(RefusalKind.Mismatch,
                "Cannot rotate key for an ephemeral agent. Deregister and create a new agent instead.");
        if (agent.Custody is null) throw new RefusedException(RefusalKind.Forbidden, "Agent custody is not configured for rotation");
        var staysCustodial = command.Custody == Custodies.Custodial;
        if (staysCustodial && agent.Custody == Custodies.Self)
            throw new RefusedException(RefusalKind.Mismatch, "Cannot change a self-custodial agent back to custodial via rotate");
        if (agent.Did is null) throw new RefusedException(RefusalKind.Forbidden, "Agent has no DID to rotate");
        if (agent.PublicKey is null || DidKey.Parse(agent.PublicKey) is not { } oldKey)
            throw new RefusedException(RefusalKind.Forbidden, "Agent has no public key to verify proof against");

        var newKey = staysCustodial ? fresh.Key : NewKey(command);
        if (newKey.Did == agent.Did) throw new RefusedException(RefusalKind.Mismatch, "The new key must differ from the current one");
        project.MustBeFree(newKey.Did, agent.Id);

        // A custodial agent cannot know the key that it is about to get: only the server can sign for that.
        if (staysCustodial && agent.SealedSeed is null) throw NoCustodyKey();
        var payload = CanonicalJson.Of(("new_did", newKey.Did), ("old_did", agent.Did), ("timestamp", command.Timestamp));
        var signature = command.Signature is { } given && !staysCustodial ? Proof(oldKey, payload, given, "rotation")
            : agent.Custody == Custodies.Self ? throw new RefusedException(RefusalKind.Invalid, "rotation_signature is required")
            : agent.SealedSeed is { } sealedSeed ? Signing.Sign(seal, sealedSeed, payload) ?? throw NoCustodyKey()
            : throw NoCustodyKey();
        return Decision.Accept(
            new KeyRotation(agent.Did, newKey.Did, newKey.PublicKey, command.Custody),
            new KeyRotated(agent.Id, fresh.AgentId, agent.Did, newKey.Did, newKey.PublicKey, command.Custody,
                staysCustodial ? fresh.SealedSeed : null,
                command.Timestamp, signature, now));
    }

    /// <summary>Retires a persistent agent (protocol 12.8).</summary>
    public static Decision<AgentIdentity> Retire(this Project project, RetireAgent command, Seal seal, DateTimeOffset now)
    {
        var agent = project.LivingAgent(command.AgentId);
        if (agent.IsEphemeral)
            throw new RefusedException(RefusalKind.Mismatch, "Cannot retire an ephemeral agent. Use the deregister endpoint instead.");
        if (agent.Status == AgentStatus.Retired) throw new RefusedException(RefusalKind.Mismatch, "Agent is already retired");
        if (command.SuccessorAgentId == agent.Id)
            throw new RefusedException(RefusalKind.Mismatch, "An agent cannot name itself as its own successor");
        if (project.Roster.Find(command.SuccessorAgentId) is not { IsLiving: true } successor)
            throw new RefusedException(RefusalKind.NotFound, "Successor agent not found in this project");
        if (successor.Did is null) throw new RefusedException(RefusalKind.Invalid, "Successor agent has no DID");

        var timestamp = command.Timestamp
            ?? (agent.Custody == Custodies.Custodial
            ? now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) : "");
        var payload = CanonicalJson.Of(
            ("operation", "retire"), ("successor_address", $"{project.Slug}/{successor.Alias}"), ("successor_did", successor.Did),
            ("timestamp", timestamp));
        string? signature = null;
        if (agent.Custody == Custodies.Custodial)
        {
            // The caller's API key says as much as the server's signature would; without a custody key there is none.
            if (agent.SealedSeed is { } sealedSeed) signature = Signing.Sign(seal, sealedSeed, payload);
        }
        else
        {
            if (command.Proof is null)
                throw new RefusedException(RefusalKind.Invalid, "retirement_proof is required for self-custodial agents");
            if (agent.PublicKey is null || DidKey.Parse(agent.PublicKey) is not { } key)
                throw new RefusedException(RefusalKind.Forbidden, "Agent has no public key to verify proof against");
            signature = Proof(key, payload, command.Proof, "retirement");
        }

        return project.After(agent.Id, new AgentRetired(agent.Id, successor.Id, signature, signature is null ? null : timestamp, now));
    }

    /// <summary>Notes that an agent knows the earliest change of another's key that it was told of.</summary>
    public static Decision<bool> AcknowledgeRotation(this Project project, string ofAgentId, string byAgentId, DateTimeOffset now) =>
        project.NewsOf(ofAgentId, byAgentId, now) is { } rotation
            ? Decision.Accept(true, new RotationAcknowledged(ofAgentId, rotation.Id, byAgentId))
            : Decision.None(false);

    /// <summary>The changes of key that an agent is told of.</summary>
    public static ImmutableArray<RotationNotice> RotationsFor(this Project project, string agentId, DateTimeOffset now)
    {
        if (project.RotatedAgents is null or { IsEmpty: true }) return [];
        var notices = ImmutableArray.CreateBuilder<RotationNotice>();
        foreach (var id in project.RotatedAgents)
            if (id != agentId && project.NewsOf(id, agentId, now) is { } news)
                notices.Add(new(id, news.OldDid, news.NewDid, news.Timestamp, news.Signature));
        return notices.DrainToImmutable();
    }

    /// <summary>Finds a mail's recipient, and signs the mail for a sender whose key is under the seal.</summary>
    /// <param name="project">The project.</param>
    /// <param name="mail">The mail.</param>
    /// <param name="identityOf">The identity of an agent, which is asked for again and again.</param>
    /// <param name="seal">Opens the keys that the server keeps.</param>
    /// <param name="now">The time.</param>
    public static Addressed Address(this Project project, AddressMail mail, Func<Agent, AgentIdentity> identityOf, Seal seal,
        DateTimeOffset now)
    {
        var found = mail.ToAgentId is { } id ? project.Roster.Find(id) : mail.ToAlias is { } alias ? project.Roster.Named(alias) : null;
        if (found is null) return new(null, null, null, false);
        var recipient = identityOf(found);
        if (!recipient.IsLiving) return new(recipient, null, null, false);
        if (recipient.IsRetired)
            return new(recipient, recipient.SuccessorAgentId is { } next && project.Roster.Find(next) is { IsLiving: true } heir
                ? heir.Alias : null, null, false);
        var signature = mail.ToSign is { } text && project.Roster.Find(mail.FromAgentId) is { SealedSeed: { } sealedSeed } sender
            ? project.Sign(identityOf(sender), sealedSeed, recipient, text, seal)
            : null;
        return new(recipient, null, signature, recipient.AgentId != mail.FromAgentId && project.NewsOf(recipient.AgentId, mail.FromAgentId,
            now) is not null);
    }

    private static MessageSignature? Sign(this Project project, AgentIdentity sender, string sealedSeed, AgentIdentity to,
        UnsignedMail mail, Seal seal)
    {
        var message = new SignedMessage(
            "mail", $"{project.Slug}/{sender.Alias}", sender.Did!, $"{project.Slug}/{to.Alias}", to.Did ?? "", mail.Subject, mail.Body,
            mail.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture), mail.MessageId, sender.StableId ?? "",
            to.StableId ?? "");
        return Signing.Sign(seal, sealedSeed, message.Payload()) is { } signature
            ? new(sender.Did, to.Did, signature, sender.Did, sender.StableId, to.StableId)
            : null;
    }

    /// <summary>Refuses a key that another living agent of the project has.</summary>
    public static void MustBeFree(this Project project, string did, string agentId)
    {
        if (project.Roster.Living.Any(other => other.Did == did && other.Id != agentId))
            throw new RefusedException(RefusalKind.Conflict, "Another agent of the project has this DID");
    }

    private static Rotation? NewsOf(this Project project, string ofAgentId, string toAgentId, DateTimeOffset now) =>
        project.Roster.Find(ofAgentId)?.Rotations?.Find(rotation => rotation.IsNewsAt(now) && !rotation.KnownTo.Contains(toAgentId));

    private static DidKey NewKey(RotateKey command)
    {
        var key = DidKey.Parse(command.NewPublicKey!)
            ?? throw new RefusedException(RefusalKind.Mismatch, $"new_{NotAKey} (url-safe or standard)");
        return key.Did == command.NewDid ? key : throw new RefusedException(RefusalKind.Mismatch, "DID does not match new_public_key");
    }

    private static string Proof(DidKey key, byte[] payload, string given, string of)
    {
        var signature = Signing.Decode(given) ?? throw new RefusedException(RefusalKind.Forbidden, $"Malformed {of} proof encoding");
        return Signing.Verify(key, payload, signature)
            ? Convert.ToBase64String(signature).TrimEnd('=')
            : throw new RefusedException(RefusalKind.Forbidden, $"Invalid {of} proof");
    }

    private static RefusedException NoCustodyKey() => new(RefusalKind.NotConfigured, "Custody key not configured");

    private static Decision<AgentIdentity> After(this Project project, string agentId, IEvent? happens) => happens is null
        ? Decision.None(project.Roster.Agents[agentId].Identity(project.RoleOf(project.Roster.Agents[agentId])))
        : Decision.Accept(project.Apply(happens).Roster.Agents[agentId].Identity(project.RoleOf(project.Roster.Agents[agentId])), happens);

    /// <summary>A key that an agent brings, or that it will bring later.</summary>
    internal sealed record OwnKey(DidKey? Key);
}
