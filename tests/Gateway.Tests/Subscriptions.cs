using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>/v1/subscriptions (contract 12.1 to 12.3).</summary>
public abstract class SubscriptionsContract(Store store) : ContractTests(store)
{
    private const string Path = "/v1/subscriptions";

    [Fact]
    [Checklist("beadhub", 247)]
    public async Task The_alias_is_the_stored_one()
    {
        var agent = await NewProject().Agent("alice");

        var made = await agent.Post(Path, new { workspace_id = agent.Id, bead_id = "bd-1", alias = "mallory" }).Ok();

        made.Text("subscription_id").ShouldBeUuid();
        (made.Text("workspace_id"), made.Text("alias"), made.Text("bead_id"), made.Maybe("repo"))
            .ShouldBe((agent.Id, "alice", "bd-1", null));
        made.Texts("event_types").ShouldBe(["status_change"]);
        made.Text("created_at").ShouldBeTimestamp();
    }

    [Fact]
    [Checklist("beadhub", 248)]
    public async Task Nobody_subscribes_for_another()
    {
        var (alice, bob) = await Two();
        var stranger = await NewProject().Agent();

        await Subscribe(alice, "bd-1", workspace: bob.Id).Refused(403, "workspace_id does not match API key identity");
        await alice.Get($"{Path}?workspace_id={bob.Id}").Refused(403, "workspace_id does not match API key identity");
        await alice.Delete($"{Path}/{Guid.NewGuid()}?workspace_id={bob.Id}").Refused(403, "workspace_id does not match API key identity");
        await Proxied(alice).Post(Path, new { workspace_id = stranger.Id, bead_id = "bd-1" })
            .Refused(403, "Workspace not found or does not belong to your project");
        await Api.Post(Path, new { workspace_id = alice.Id, bead_id = "bd-1" }).Unauthorized();
        await Api.Get($"{Path}?workspace_id={alice.Id}").Unauthorized();
        await Api.Delete($"{Path}/{Guid.NewGuid()}?workspace_id={alice.Id}").Unauthorized();
        await PublicReader(alice).Post(Path, new { workspace_id = alice.Id, bead_id = "bd-1" }).RefusedWith(403, "Public readers");
        await alice.Delete($"/v1/workspaces/{bob.Id}").Ok();
        await Proxied(alice).Get($"{Path}?workspace_id={bob.Id}").Refused(403, "Workspace not found or does not belong to your project");
    }

    [Fact]
    [Checklist("beadhub", 249)]
    [Checklist("beadhub", 250)]
    public async Task The_same_again_replaces_the_event_types()
    {
        var agent = await NewProject().Agent("alice");
        var first = await Subscribe(agent, "bd-1", "github.com/a/b", types: new[] { "status_change", "priority_change" }).Ok();
        first.Text("repo").ShouldBe("github.com/a/b");
        first.Texts("event_types").ShouldBe(["status_change", "priority_change"]);

        var again = await Subscribe(agent, "bd-1", "github.com/a/b", types: new[] { "all", "all" }).Ok();
        var empty = await Subscribe(agent, "bd-1", types: Array.Empty<string>()).Ok();

        again.Text("subscription_id").ShouldBe(first.Text("subscription_id"));
        again.Texts("event_types").ShouldBe(["all"]);
        again.Text("created_at").ShouldBe(first.Text("created_at"));
        empty.Text("subscription_id").ShouldNotBe(first.Text("subscription_id"));
        empty.Items("event_types").ShouldBeEmpty();
        (await Subscribe(agent, "bd-1", "").Ok()).Text("subscription_id").ShouldBe(empty.Text("subscription_id"));
    }

    [Fact]
    [Checklist("beadhub", 251)]
    [OnAnyStore]
    public async Task Bead_and_event_types_are_checked()
    {
        var agent = await NewProject().Agent("alice");
        foreach (var bad in new[] { "bad id!", "a.b", "-x", "a:b:c", ":b", "a:", new string('x', 101), "a\n", "a\0b" })
            await Subscribe(agent, bad).RefusedWith(400, "Invalid bead_id format");
        await Subscribe(agent, "").Invalid("bead_id", "string_too_short");
        await Subscribe(agent, "my-repo:bd-1").Ok();
        await Subscribe(agent, "bd-1", types: new[] { "status_change", "foo" }).RefusedWith(400, "Invalid event_type");
        await Subscribe(agent, "bd-1", types: new object[] { 1 }).Invalid("event_types", "string_type");
        await Subscribe(agent, "bd-1", types: "all").Invalid("event_types", "list_type");
        await Subscribe(agent, "bd-1", types: Enumerable.Repeat("all", 17)).Invalid("event_types", "too_long");
        await Subscribe(agent, "bd-1", new string('r', 256)).Invalid("repo");
        await Subscribe(agent, "bd-1", "a\0b").Invalid("repo");
        await Subscribe(agent, "bd-1", workspace: "x").Invalid("workspace_id");
        await agent.Post(Path, new { workspace_id = agent.Id }).Invalid("bead_id", "missing");
    }

    [Fact]
    [Checklist("beadhub", 252)]
    public async Task The_list_is_newest_first()
    {
        var (alice, bob) = await Two();
        (await List(alice)).Number("count").ShouldBe(0);
        await Subscribe(alice, "bd-1").Ok();
        await Subscribe(alice, "bd-2").Ok();
        await Subscribe(bob, "bd-3").Ok();

        var list = await List(alice);

        list.Pluck("subscriptions", "bead_id").ShouldBe(["bd-2", "bd-1"]);
        list.Pluck("subscriptions", "alias").ShouldBe(["alice", "alice"]);
        list.Number("count").ShouldBe(2);
        await alice.Get(Path).Invalid("workspace_id", "missing");
        await alice.Get($"{Path}?workspace_id=").Invalid("workspace_id");
        await alice.Get($"{Path}?workspace_id=x").RefusedWith(422, "workspace_id");
    }

    [Fact]
    [Checklist("beadhub", 253)]
    public async Task A_subscription_ends()
    {
        var (alice, bob) = await Two();
        var other = await NewProject().Agent();
        var id = (await Subscribe(alice, "bd-1").Ok()).Text("subscription_id");

        await other.Delete($"{Path}/{id}?workspace_id={other.Id}").Refused(404, "Subscription not found");
        await bob.Delete($"{Path}/{id}?workspace_id={bob.Id}").Refused(404, "Subscription not found");
        (await List(alice)).Number("count").ShouldBe(1);
        await alice.Delete($"{Path}/not-a-uuid?workspace_id={alice.Id}").Refused(400, "Invalid subscription_id format");
        await alice.Delete($"{Path}/{id}?workspace_id=x").RefusedWith(422, "workspace_id");
        await alice.Delete($"{Path}/{id}").Invalid("workspace_id", "missing");

        var ended = await alice.Delete($"{Path}/{id}?workspace_id={alice.Id}").Ok();

        (ended.Text("subscription_id"), ended.Flag("deleted")).ShouldBe((id, true));
        (await List(alice)).Number("count").ShouldBe(0);
        await alice.Delete($"{Path}/{id}?workspace_id={alice.Id}").Refused(404, "Subscription not found");
    }

    private static Task<Answer> Subscribe(Agent agent, string bead, string? repo = null, object? types = null, string? workspace = null) =>
        agent.Post(Path, new { workspace_id = workspace ?? agent.Id, bead_id = bead, repo, event_types = types });

    private static Task<JsonElement> List(Agent agent) => agent.Get($"{Path}?workspace_id={agent.Id}").Ok();

    private async Task<(Agent Alice, Agent Bob)> Two()
    {
        var project = NewProject();
        return (await project.Agent("alice"), await project.Agent("bob"));
    }
}
