using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary><c>GET /v1/beads/insights</c>, and by what claim-next chooses.</summary>
public abstract class PlansContract(Store store) : ContractTests(store)
{
    private static string Issue(string id, int minutes, string status = "open", params string[] blockers) =>
        JsonSerializer.Serialize(new
        {
            id,
            title = $"Title of {id}",
            status,
            priority = 2,
            estimated_minutes = minutes,
            created_at = DateTimeOffset.UtcNow.AddHours(-10),
            updated_at = DateTimeOffset.UtcNow.AddMinutes(-1),
            closed_at = status == "closed" ? DateTimeOffset.UtcNow.AddHours(-4) : (DateTimeOffset?)null,
            dependencies = blockers.Select(blocker => new { depends_on_id = blocker, type = "blocks" }),
        });

    [Fact]
    [OnAnyStore]
    public async Task They_tell_the_longest_chain_circles_tracks_and_pace()
    {
        var project = NewProject();
        var alice = await project.Agent("alice");
        await alice.Sync(string.Join('\n', Issue("p-1", 30), Issue("p-2", 20, "open", "p-1"), Issue("p-3", 5, "open", "p-2"),
            Issue("p-4", 10), Issue("p-5", 1, "open", "p-6"), Issue("p-6", 1, "open", "p-5"), Issue("p-0", 3, "closed"))).Ok();

        var plan = await alice.Get("/v1/beads/insights?agents=2").Ok();

        plan.Number("open_beads").ShouldBe(6);
        plan.Number("stuck_beads").ShouldBe(2);
        plan.Number("work_minutes").ShouldBe(65);
        plan.At("critical_path").Number("minutes").ShouldBe(55);
        plan.At("critical_path").Items("beads").Select(bead => bead.At("bead").Text("bead_id")).ShouldBe(["p-1", "p-2", "p-3"]);
        plan.Items("cycles").Single().EnumerateArray().Select(id => id.GetString()).ShouldBe(["p-5", "p-6"]);
        plan.Items("articulation_beads").Select(id => id.GetString()).ShouldBe(["p-2"]);
        var first = plan.Items("beads").First();
        first.At("bead").Text("bead_id").ShouldBe("p-1");
        first.Number("unblocks").ShouldBe(2);
        plan.At("tracks").Number("makespan_minutes").ShouldBe(55);
        plan.At("tracks").Number("lower_bound_minutes").ShouldBe(55);
        plan.At("tracks").Items("beads_of_agents").Count().ShouldBe(2);
        plan.At("throughput").Number("closed_7_days").ShouldBe(1);
        plan.At("throughput").Number("lead_time_median_hours").ShouldBe(6);
        plan.At("forecast").Text("likely").ShouldNotBeEmpty();
        plan.Items("stale_claims").ShouldBeEmpty();
    }

    [Fact]
    [OnAnyStore]
    public async Task A_claimed_bead_whose_agent_waits_for_a_person_is_told_to_members_only()
    {
        var project = NewProject();
        var alice = await project.Agent("alice");
        await alice.Sync(Issue("w-1", 5)).Ok();
        (await alice.Post("/v1/beads/claim-next", new { }).Ok()).Text("why").ShouldStartWith("Nothing more urgent");
        await alice.Post("/v1/escalations", new
        {
            workspace_id = alice.Id, alias = "alice", subject = "Which port?", situation = "Two are free.",
        }).Ok();

        var waiting = (await alice.Get("/v1/beads/insights").Ok()).Items("waiting_for_human").Single();
        waiting.Text("bead_id").ShouldBe("w-1");
        waiting.Text("subject").ShouldBe("Which port?");
    }

    [Fact]
    public async Task Claim_next_takes_what_the_strategy_says_and_tells_why_again_when_it_is_repeated()
    {
        var project = NewProject();
        var alice = await project.Agent("alice");
        await alice.Sync(string.Join('\n', Issue("s-1", 5), Issue("s-2", 5), Issue("s-3", 50, "open", "s-2"))).Ok();

        var first = await Keyed(alice);
        var claimed = first.Ok();
        claimed.At("bead").Text("bead_id").ShouldBe("s-2");
        claimed.Text("why").ShouldContain("55 minutes");
        (await Keyed(alice)).Text.ShouldBe(first.Text);

        (await alice.Post("/v1/beads/claim-next", new { strategy = "unblok" })).Status.ShouldBe(422);
    }

    private static Task<Answer> Keyed(Api caller)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/beads/claim-next")
        {
            Content = Api.Content(new { strategy = "unblock" }),
        };
        request.Headers.Add("Idempotency-Key", "k1");
        return caller.Send(request);
    }
}
