using Beadhub.Mail;
using Beadhub.Identities;
using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>What a project decides on its agents and their keys (protocol 6, 12).</summary>
public class IdentityTests
{
    private static readonly Seal Seal = new([.. Enumerable.Repeat((byte)1, 32)]);
    private static readonly byte[] SeedA = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] SeedB = [.. Enumerable.Range(32, 32).Select(i => (byte)i)];
    private static readonly DidKey KeyA = DidKey.OfSeed(SeedA);
    private static readonly DidKey KeyB = DidKey.OfSeed(SeedB);

    private readonly Story _story = new();

    [Fact]
    public void A_change_changes_what_is_given_and_the_same_again_is_no_event_P47()
    {
        var agent = _story.Init("alice").Agent;

        var changed = Do(new ChangeAgent(agent.Id, AccessModes.ContactsOnly, "reviewer", "claude", "{}"));
        (changed.AccessMode, changed.Role, changed.Program, changed.Context).ShouldBe(("contacts_only", "reviewer", "claude", "{}"));

        Do(new ChangeAgent(agent.Id, AccessModes.ContactsOnly, Role: "reviewer"));
        _story.Events.ShouldBeEmpty();
        Do(new ChangeAgent(agent.Id, Program: "codex")).Role.ShouldBe("reviewer");

        AgentIdentity Do(ChangeAgent command) => _story.Do((project, now) => project.Change(command, now));
    }

    [Fact]
    public void Deregistration_ends_workspace_and_alias_but_not_the_api_keys_P50()
    {
        var agent = _story.Init("alice", Story.RepoA).Agent;

        _story.Do((project, now) => project.Deregister(agent.Id, now));

        var left = _story.Project.Roster.Find(agent.Id)!;
        (left.Status, left.KeysRevoked, left.IsLiving, left.DeletedAt).ShouldBe(("deregistered", false, false, _story.Now));
        left.Workspace!.ChangedAt.ShouldBe(_story.Now);
        _story.Project.Roster.Named("alice").ShouldBeNull();
        _story.Project.UnclearedWorkspaces.ShouldBe([agent.Id]);
        Refused(() => _story.Project.Deregister(agent.Id, _story.Now), RefusalKind.NotFound, "Agent not found");
    }

    [Fact]
    public void An_agent_without_workspace_may_leave_too_F115()
    {
        var agent = _story.Init("alice").Agent;

        _story.Do((project, now) => project.Deregister(agent.Id, now));

        _story.Project.Roster.Find(agent.Id)!.Identity().Status.ShouldBe("deregistered");
    }

    [Fact]
    public void A_persistent_agent_does_not_deregister_P52()
    {
        var agent = Persistent("alice");

        Refused(() => _story.Project.Deregister(agent.Id, _story.Now), RefusalKind.Mismatch,
            "Cannot deregister a persistent agent. Use the retire endpoint instead.");
    }

    [Theory]
    [InlineData(null, "ephemeral", true, true, "Ephemeral agents must be custodial")]
    [InlineData("self", "ephemeral", false, false, "Ephemeral agents must be custodial")]
    [InlineData("self", "persistent", true, false, "Self-custodial agents require both did and public_key")]
    [InlineData("self", "persistent", false, true, "Self-custodial agents require both did and public_key")]
    [InlineData("custodial", "persistent", true, true, "Custodial agents must not provide did/public_key")]
    [InlineData("custodial", "ephemeral", true, false, "Custodial agents must not provide did/public_key")]
    public void A_bootstrap_brings_a_whole_key_or_none_P167(string? custody, string lifetime, bool did, bool publicKey, string says) =>
        Refused(() => Join("alice", custody, lifetime, did ? KeyA.Did : null, publicKey ? KeyA.PublicKey : null), RefusalKind.Invalid,
            says);

    [Fact]
    public void A_bootstraps_key_must_be_one_and_belong_to_its_did()
    {
        Refused(() => Join("alice", "self", "persistent", KeyA.Did, "AAAA"), RefusalKind.Invalid,
            "public_key must be a base64-encoded 32-byte Ed25519 public key (url-safe or standard)");
        Refused(() => Join("alice", null, "persistent", KeyA.Did, KeyB.PublicKey), RefusalKind.Invalid, "DID does not match public_key");

        var agent = Join("alice", null, "persistent", KeyA.Did, KeyA.PublicKey);
        (agent.Did, agent.PublicKey, agent.Custody, agent.Lifetime, agent.SealedSeed)
            .ShouldBe((KeyA.Did, KeyA.PublicKey, "self", "persistent", null));
        Refused(() => Join("bob", null, "persistent", KeyA.Did, KeyA.PublicKey), RefusalKind.Conflict,
            "Another agent of the project has this DID");
    }

    [Fact]
    public void A_key_may_come_later_and_stays_P12_3()
    {
        var agent = Join("alice", "self", "persistent", null, null);
        (agent.Did, agent.StableId, agent.Custody).ShouldBe((null, null, "self"));

        var bound = Claim(agent.Id, KeyA);
        (bound.Did, bound.PublicKey, bound.StableId, bound.Custody, bound.Lifetime)
            .ShouldBe((KeyA.Did, KeyA.PublicKey, StableId.Of(KeyA.PublicKey), "self", "persistent"));
        Claim(agent.Id, KeyA);
        _story.Events.ShouldBeEmpty();
        Refused(() => Claim(agent.Id, KeyB), RefusalKind.Conflict, "Identity already claimed with a different DID");
        Refused(() => _story.Project.ClaimIdentity(new(agent.Id, KeyA.Did, "x"), _story.Now), RefusalKind.Mismatch,
            "public_key must be a base64-encoded 32-byte Ed25519 key");
        Refused(() => _story.Project.ClaimIdentity(new(agent.Id, KeyA.Did, KeyB.PublicKey), _story.Now), RefusalKind.Mismatch,
            "DID does not match public_key");
    }

    [Fact]
    public void A_reset_takes_the_key_away_and_another_may_come()
    {
        var agent = Persistent("alice");

        var reset = _story.Do((project, now) => project.ResetIdentity(agent.Id, now));
        (reset.Did, reset.PublicKey, reset.StableId, reset.Custody).ShouldBe((null, null, null, null));
        _story.Do((project, now) => project.ResetIdentity(agent.Id, now));
        _story.Events.ShouldBeEmpty();

        Claim(agent.Id, KeyB).StableId.ShouldBe(StableId.Of(KeyB.PublicKey));
    }

    [Fact]
    public void An_agent_changes_its_key_with_the_old_keys_signature_and_keeps_its_stable_id_P12_7()
    {
        var agent = Join("alice", null, "persistent", KeyA.Did, KeyA.PublicKey);

        var rotated = Rotate(Rotation(agent, SeedA));

        rotated.ShouldBe(new KeyRotation(KeyA.Did, KeyB.Did, KeyB.PublicKey, "self"));
        var after = _story.Project.Roster.Find(agent.Id)!.Identity();
        (after.Did, after.PublicKey, after.StableId).ShouldBe((KeyB.Did, KeyB.PublicKey, StableId.Of(KeyA.PublicKey)));
    }

    [Fact]
    public void A_change_of_key_is_refused_for_whom_it_is_not_P12_7()
    {
        var ephemeral = _story.Init("eph").Agent;
        Refused(() => Rotate(Rotation(ephemeral, SeedA)), RefusalKind.Mismatch,
            "Cannot rotate key for an ephemeral agent. Deregister and create a new agent instead.");

        var unbound = Persistent("unbound");
        _story.Do((project, now) => project.ResetIdentity(unbound.Id, now));
        Refused(() => Rotate(Rotation(unbound, SeedA)), RefusalKind.Forbidden, "Agent custody is not configured for rotation");

        var later = Join("later", "self", "persistent", null, null);
        Refused(() => Rotate(Rotation(later, SeedA)), RefusalKind.Forbidden, "Agent has no DID to rotate");

        var agent = Join("alice", null, "persistent", KeyA.Did, KeyA.PublicKey);
        var good = Rotation(agent, SeedA);
        Refused(() => Rotate(good with { Custody = "custodial", NewDid = null, NewPublicKey = null }), RefusalKind.Mismatch,
            "Cannot change a self-custodial agent back to custodial via rotate");
        Refused(() => Rotate(good with { NewPublicKey = "AA" }), RefusalKind.Mismatch,
            "new_public_key must be a base64-encoded 32-byte Ed25519 key (url-safe or standard)");
        Refused(() => Rotate(good with { NewDid = KeyA.Did }), RefusalKind.Mismatch, "DID does not match new_public_key");
        Refused(() => Rotate(good with { Signature = null }), RefusalKind.Invalid, "rotation_signature is required");
        Refused(() => Rotate(good with { Signature = "no" }), RefusalKind.Forbidden, "Malformed rotation proof encoding");
        Refused(() => Rotate(good with { Timestamp = "2026-01-01T00:00:01Z" }), RefusalKind.Forbidden, "Invalid rotation proof");
        Refused(() => Rotate(Rotation(agent, SeedB)), RefusalKind.Forbidden, "Invalid rotation proof");
        Refused(() => Rotate(good with { AgentId = "nobody" }), RefusalKind.NotFound, "Agent not found");
    }

    [Fact]
    public void The_server_signs_for_whom_it_keeps_the_key_P12_7()
    {
        var agent = Custodial("alice", Seal);
        var oldKey = DidKey.Parse(agent.PublicKey!)!;

        var rotated = Rotate(new(agent.Id, "custodial", "2026-01-01T00:00:00Z", null, null, null));
        var e = _story.Events.OfType<KeyRotated>().Single();
        Signing.Verify(oldKey, CanonicalJson.Of(("new_did", rotated.NewDid), ("old_did", agent.Did!),
            ("timestamp", "2026-01-01T00:00:00Z")), Signing.Decode(e.Signature)!)
            .ShouldBeTrue();
        Seal.Open(_story.Project.Roster.Find(agent.Id)!.SealedSeed!).ShouldNotBeNull();

        Rotate(new(agent.Id, "self", "t", KeyB.Did, KeyB.PublicKey, null)).Custody.ShouldBe("self");
        _story.Project.Roster.Find(agent.Id)!.SealedSeed.ShouldBeNull();
    }

    [Fact]
    public void Without_a_custody_key_the_server_signs_for_nobody_P12_7()
    {
        var agent = Persistent("alice");

        Refused(() => Rotate(new(agent.Id, "custodial", "t", null, null, null)), RefusalKind.NotConfigured, "Custody key not configured");
        Refused(() => Rotate(new(agent.Id, "self", "t", KeyB.Did, KeyB.PublicKey, null)), RefusalKind.NotConfigured,
            "Custody key not configured");
    }

    [Fact]
    public void Others_are_told_of_each_change_of_key_for_a_day_until_they_show_that_they_know_P12_7()
    {
        var alice = Custodial("alice", Seal);
        var bob = _story.Init("bob").Agent;
        var first = Rotate(new(alice.Id, "custodial", "1", null, null, null));
        var second = Rotate(new(alice.Id, "custodial", "2", null, null, null));

        News(bob).Select(n => (n.AgentId, n.OldDid, n.NewDid, n.Timestamp)).ShouldBe([(alice.Id, first.OldDid, first.NewDid, "1")]);
        News(alice).ShouldBeEmpty();

        Acknowledge(bob);
        News(bob).Single().NewDid.ShouldBe(second.NewDid);
        Acknowledge(bob);
        News(bob).ShouldBeEmpty();
        Acknowledge(bob);
        _story.Events.ShouldBeEmpty();

        var carol = _story.Init("carol").Agent;
        News(carol).ShouldHaveSingleItem();
        News(carol, TimeSpan.FromHours(25)).ShouldBeEmpty();

        RotationNotice[] News(Agent agent, TimeSpan later = default) => [.. _story.Project.RotationsFor(agent.Id, _story.Now + later)];
        void Acknowledge(Agent by) => _story.Do((project, now) => project.AcknowledgeRotation(alice.Id, by.Id, now));
    }

    [Fact]
    public void An_agent_retires_with_its_signature_in_favour_of_another_P168()
    {
        var agent = Join("alice", null, "persistent", KeyA.Did, KeyA.PublicKey);
        var successor = _story.Init("bob").Agent;
        var proof = Signing.Sign(SeedA, CanonicalJson.Of(
            ("operation", "retire"), ("successor_address", "demo/bob"), ("successor_did", successor.Did!), ("timestamp", "t")));

        Refused(() => Retire(new(agent.Id, successor.Id, null, "t")), RefusalKind.Invalid,
            "retirement_proof is required for self-custodial agents");
        Refused(() => Retire(new(agent.Id, successor.Id, "no", "t")), RefusalKind.Forbidden, "Malformed retirement proof encoding");
        Refused(() => Retire(new(agent.Id, successor.Id, proof, "u")), RefusalKind.Forbidden, "Invalid retirement proof");
        Refused(() => Retire(new(agent.Id, agent.Id, proof, "t")), RefusalKind.Mismatch,
            "An agent cannot name itself as its own successor");
        Refused(() => Retire(new(agent.Id, "nobody", proof, "t")), RefusalKind.NotFound, "Successor agent not found in this project");
        Refused(() => Retire(new(successor.Id, agent.Id, null, null)), RefusalKind.Mismatch,
            "Cannot retire an ephemeral agent. Use the deregister endpoint instead.");

        var retired = Retire(new(agent.Id, successor.Id, proof, "t"));
        (retired.Status, retired.SuccessorAgentId, retired.IsLiving, retired.IsRetired).ShouldBe(("retired", successor.Id, true, true));
        _story.Project.Roster.Named("alice")!.Id.ShouldBe(agent.Id);
        Refused(() => Retire(new(agent.Id, successor.Id, proof, "t")), RefusalKind.Mismatch, "Agent is already retired");
    }

    [Fact]
    public void A_custodial_agent_retires_without_a_proof_of_its_own()
    {
        var agent = Persistent("alice");
        var unbound = Persistent("bob");
        _story.Do((project, now) => project.ResetIdentity(unbound.Id, now));
        Refused(() => Retire(new(agent.Id, unbound.Id, null, null)), RefusalKind.Invalid, "Successor agent has no DID");

        Retire(new(agent.Id, _story.Init("carol").Agent.Id, null, null)).Status.ShouldBe("retired");
    }

    [Fact]
    public void A_retired_agent_whose_workspace_is_restored_stays_retired()
    {
        var agent = _story.Do((project, now) =>
            project.Init(Story.ProjectId, Story.Command("alice", Story.RepoA) with { Lifetime = "persistent" }, _story.Fresh(), now)).Agent;
        Retire(new(agent.Id, _story.Init("bob").Agent.Id, null, null));

        _story.Do((project, now) => project.DeleteWorkspace(agent.Id, now));
        _story.Do((project, now) => project.RestoreWorkspace(agent.Id, now));

        _story.Project.Roster.Find(agent.Id)!.Status.ShouldBe("retired");
    }

    [Fact]
    public void The_log_tells_what_happened_to_each_agent_P166()
    {
        var log = AgentLog.Empty;
        var version = 0L;
        var alice = Keep(() => Custodial("alice", Seal));
        var bob = Keep(() => _story.Init("bob", Story.RepoA).Agent);
        var carol = Keep(() => _story.Init("carol", Story.RepoA).Agent);
        var rotated = Keep(() => Rotate(new(alice.Id, "custodial", "1", null, null, null)));
        Keep(() => Retire(new(alice.Id, bob.Id, null, null)));
        Keep(() => _story.Do((project, now) => project.ResetIdentity(alice.Id, now)));
        Keep(() => Claim(alice.Id, KeyA));
        Keep(() => _story.Do((project, now) => project.DeleteWorkspace(bob.Id, now)));
        Keep(() => _story.Do((project, now) => project.RestoreWorkspace(bob.Id, now)));
        Keep(() => _story.Do((project, now) => project.Deregister(carol.Id, now)));
        Keep(() => _story.Do((project, now) => project.DeleteRepo(_story.Project.Repos.Keys.Single(), now)));

        log.Entries[alice.Id].Select(e => (e.Operation, e.OldDid, e.NewDid, e.SignedBy)).ShouldBe(
        [
            ("create", null, alice.Did, null), ("rotate", alice.Did, rotated.NewDid, alice.Did),
            ("retire", rotated.NewDid, null, rotated.NewDid),
            ("reset_identity", rotated.NewDid, null, null), ("claim_identity", null, KeyA.Did, null),
        ]);
        log.Entries[bob.Id].Select(e => e.Operation).ShouldBe(["create", "workspace_cleanup", "restore", "workspace_cleanup"]);
        log.Entries[carol.Id].Select(e => (e.Operation, e.OldDid)).ShouldBe([("create", null), ("deregister", carol.Did)]);
        log.Entries[alice.Id][3].Metadata
            .ShouldBe($"{{\"old_public_key\":\"{rotated.NewPublicKey}\",\"old_stable_id\":\"{StableId.Of(alice.PublicKey!)}\"}}");
        var ids = log.Entries.Values.SelectMany(entries => entries).Select(entry => entry.LogId).ToArray();
        ids.Distinct().Count().ShouldBe(ids.Length);
        ids.All(id => Guid.TryParseExact(id, "D", out _)).ShouldBeTrue();

        T Keep<T>(Func<T> happens)
        {
            var result = happens();
            foreach (var e in _story.Events) log = log.Apply(e, ++version);
            return result;
        }
    }

    [Fact]
    public void Every_event_is_kept_under_its_name()
    {
        var at = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        foreach (var e in new IEvent[]
        {
            new AgentChanged("a", "open", "r", "p", "{}", at), new AgentDeregistered("a", at), new AgentRetired("a", "b", "s", "t", at),
                new IdentityClaimed("a", "d", "k", at),
            new IdentityReset("a", at), new KeyRotated("a", "r", "d", "e", "k", "self", null, "t", "s", at),
            new RotationAcknowledged("a", "r", "b"),
        })
            EventTypes.Parse(EventTypes.NameOf(e), EventTypes.Serialize(e)).ShouldBe(e);
    }

    [Fact]
    public void A_snapshot_keeps_keys_and_news()
    {
        var alice = Custodial("alice", Seal);
        Rotate(new(alice.Id, "custodial", "1", null, null, null));
        var bob = _story.Init("bob").Agent;

        var json = System.Text.Json.JsonSerializer.Serialize(_story.Project, Project.Kind.Snapshot);
        var read = System.Text.Json.JsonSerializer.Deserialize(json, Project.Kind.Snapshot)!;

        read.RotationsFor(bob.Id, _story.Now).ShouldBe(_story.Project.RotationsFor(bob.Id, _story.Now));
        read.Roster.Find(alice.Id)!.Identity().ShouldBe(_story.Project.Roster.Find(alice.Id)!.Identity());
    }

    [Fact]
    public void The_server_signs_messages_for_whose_key_it_keeps_and_for_nobody_else()
    {
        var (kept, own) = (Custodial("alice", Seal), Join("bob", null, "persistent", KeyA.Did, KeyA.PublicKey));
        var unkept = Custodial("carol", Seal.None);
        var mail = new UnsignedMail("m1", "s", "b é 🎯",
            DateTimeOffset.Parse("2026-03-01T12:00:00.5Z", System.Globalization.CultureInfo.InvariantCulture));

        var signature = SignedBy(kept.Id)!;

        (signature.FromDid, signature.SigningKeyId, signature.ToDid).ShouldBe((kept.Did, kept.Did, own.Did));
        (signature.FromStableId, signature.ToStableId).ShouldBe((kept.StableId, own.StableId));
        var payload = new SignedMessage(
            "mail", $"{_story.Project.Slug}/alice", kept.Did!, $"{_story.Project.Slug}/bob", own.Did!, "s", "b é 🎯",
            "2026-03-01T12:00:00Z", "m1", kept.StableId!, own.StableId!).Payload();
        Signing.Verify(DidKey.Parse(kept.PublicKey!)!, payload, Signing.Decode(signature.Signature!)!).ShouldBeTrue();
        SignedBy(own.Id).ShouldBeNull();
        SignedBy(unkept.Id).ShouldBeNull();
        SignedBy("nobody").ShouldBeNull();
        SignedBy(kept.Id, new Seal([.. Enumerable.Repeat((byte)2, 32)])).ShouldBeNull();
        SignedBy(kept.Id, Seal.None).ShouldBeNull();
        Address(new(kept.Id, null, "bob", null)).Signature.ShouldBeNull();

        MessageSignature? SignedBy(string sender, Seal? seal = null) => Address(new(sender, own.Id, null, mail), seal).Signature;
    }

    [Fact]
    public void A_mail_finds_its_recipient_and_what_its_sender_must_know_in_one_answer()
    {
        var (alice, bob, carol) = (Custodial("alice", Seal), Join("bob", null, "persistent", KeyA.Did, KeyA.PublicKey),
            Custodial("carol", Seal));

        Address(new(alice.Id, bob.Id, "carol", null)).Recipient!.Alias.ShouldBe("bob", "the id goes before the alias");
        Address(new(alice.Id, null, "carol", null)).Recipient!.AgentId.ShouldBe(carol.Id);
        Address(new(alice.Id, null, "nobody", null)).ShouldBe(new Addressed(null, null, null, false));
        Address(new(alice.Id, null, null, null)).Recipient.ShouldBeNull();

        Rotate(new(carol.Id, "custodial", "1", null, null, null));
        Address(new(alice.Id, carol.Id, null, null)).HasRotated.ShouldBeTrue();
        _story.Do((project, now) => project.AcknowledgeRotation(carol.Id, alice.Id, now));
        Address(new(alice.Id, carol.Id, null, null)).HasRotated.ShouldBeFalse();

        _story.Do((project, now) => project.Retire(new(carol.Id, bob.Id, null, null), Seal, now));
        var retired = Address(new(alice.Id, carol.Id, null, new("m", "", "", _story.Now)));
        (retired.Recipient!.IsRetired, retired.SuccessorAlias, retired.Signature).ShouldBe((true, "bob", null));
    }

    private Addressed Address(AddressMail mail, Seal? seal = null) =>
        _story.Project.Address(mail, agent => agent.Identity(), seal ?? Seal, _story.Now);

    private Agent Persistent(string alias) => Join(alias, null, "persistent", null, null);

    private Agent Custodial(string alias, Seal seal)
    {
        var fresh = Fresh(seal);
        return _story.Do((project, now) =>
            project.Init(Story.ProjectId, Story.Command(alias) with { Lifetime = "persistent" }, fresh, now)).Agent;
    }

    private Agent Join(string alias, string? custody, string lifetime, string? did, string? publicKey)
    {
        var fresh = Fresh(Seal.None);
        return _story.Do((project, now) => project.Init(
            Story.ProjectId, Story.Command(alias) with { Custody = custody, Lifetime = lifetime, Did = did, PublicKey = publicKey }, fresh,
            now)).Agent;
    }

    private FreshIdentity Fresh(Seal seal)
    {
        var (key, sealedSeed) = DidKey.Make(seal);
        return new(_story.NextId("a"), _story.NextId("b"), key, sealedSeed);
    }

    private AgentIdentity Claim(string agentId, DidKey key) =>
        _story.Do((project, now) => project.ClaimIdentity(new(agentId, key.Did, key.PublicKey), now));

    private static RotateKey Rotation(Agent agent, byte[] seed)
    {
        const string timestamp = "2026-01-01T00:00:00Z";
        var payload = CanonicalJson.Of(("new_did", KeyB.Did), ("old_did", agent.Did ?? ""), ("timestamp", timestamp));
        return new(agent.Id, "self", timestamp, KeyB.Did, KeyB.PublicKey, Signing.Sign(seed, payload));
    }

    private KeyRotation Rotate(RotateKey command)
    {
        var fresh = Fresh(Seal);
        return _story.Do((project, now) => project.Rotate(command, fresh, Seal, now));
    }

    private AgentIdentity Retire(RetireAgent command) => _story.Do((project, now) => project.Retire(command, Seal, now));

    private static void Refused(Action act, RefusalKind kind, string says)
    {
        var refused = Should.Throw<RefusedException>(act);
        (refused.Kind, refused.Message).ShouldBe((kind, says));
    }
}
