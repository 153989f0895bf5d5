using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Native tasks in commits: compared, looked at as they were, restored, merged.</summary>
public abstract class TasksHistoryContract(Store store) : ContractTests(store)
{
    [Fact]
    public async Task Tasks_are_committed_compared_shown_as_they_were_and_restored()
    {
        var alice = await NewProject().Agent("alice");
        await alice.UploadJsonl("""{"id":"bd-1","title":"Lamp"}""", "github.com/o/r").Ok();
        var beads = await Commit(alice, "beads");
        // The root that these beads had before tasks were part of trees.
        beads.Text("root").ShouldBe("42c9ce75cb53eca7c108de898e642a012b15ab30ed2a2f2313e1a0b27c00ea97");
        var one = await alice.Post("/v1/tasks", new { title = "one", description = "D", labels = new[] { "b", "a" } }).Ok();
        var two = await alice.Post("/v1/tasks", new { title = "two", parent_task_id = one.Text("task_id") }).Ok();
        await alice.Post("/v1/tasks/2/deps", new { depends_on = "1" }).Ok();
        await alice.Post("/v1/tasks/1/comments", new { body = "hello" }).Ok();
        await Commit(alice, "tasks");
        await alice.Patch("/v1/tasks/1", new { title = "ONE", status = "in_progress", description = "E" }).Ok();
        await alice.Delete("/v1/tasks/2").Ok();
        await alice.Post("/v1/tasks", new { title = "three" }).Ok();

        var diff = (await alice.Get("/v1/beads/diff?from=HEAD").Ok()).Items("beads").ToDictionary(bead => bead.Text("bead_id"));
        diff[one.Text("task_id")].Items("fields").Select(field => field.Text("field")).Order()
            .ShouldBe(["assignee", "description", "status", "title", "updated_at"]);
        diff[two.Text("task_id")].Text("change").ShouldBe("removed");
        diff.Count.ShouldBe(3);
        await Commit(alice, "changed");
        (await Titles(alice, "?as_of=HEAD~1")).ShouldBe(["one", "two", "Lamp"]);
        (await Titles(alice, "?as_of=HEAD")).ShouldBe(await Titles(alice, ""));
        (await Titles(alice, "?as_of=HEAD~2")).ShouldBe(["Lamp"]);
        var then = await alice.Get("/v1/tasks/2?as_of=HEAD~1").Ok();
        (then.Text("title"), then.Items("blocked_by").Single().Text("title")).ShouldBe(("two", "one"));
        (await alice.Get("/v1/tasks/1?as_of=HEAD~1").Ok()).Text("description").ShouldBe("D");
        (await alice.Get("/v1/tasks/2?as_of=HEAD")).Status.ShouldBe(404);
        (await alice.Get("/v1/tasks/1?as_of=nothing")).Status.ShouldBe(404);
        var blame = (await alice.Get($"/v1/beads/issues/{one.Text("task_id")}/blame").Ok()).Items("fields")
            .ToDictionary(field => field.Text("field"), field => field.Text("commit"));
        blame["title"].ShouldNotBe(blame["created_at"]);
        (await alice.Get("/v1/beads/export-jsonl?repo=github.com/o/r")).Text.ShouldBe("""{"id":"bd-1","title":"Lamp"}""" + "\n");

        // Back under the same numbers; what was said stays, and so does the claim.
        await alice.Post("/v1/tasks/1/comments", new { body = "later" }).Ok();
        var restored = await alice.Post("/v1/beads/restore", new { version = "HEAD~1" }).Ok();
        (restored.Number("restored"), restored.Number("removed")).ShouldBe((2, 1));
        (await Titles(alice, "")).ShouldBe(["one", "two", "Lamp"]);
        (await alice.Get("/v1/tasks/1").Ok()).Text("description").ShouldBe("D");
        (await alice.Get("/v1/tasks/2").Ok()).Items("blocked_by").Single().Text("task_id").ShouldBe(one.Text("task_id"));
        (await alice.Get("/v1/tasks/1/comments").Ok()).Items("comments").Select(said => said.Text("body")).ShouldBe(["hello", "later"]);
        (await alice.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
        // Again it changes nothing, and no number is used a second time.
        (await alice.Post("/v1/beads/restore", new { version = "HEAD~1" }).Ok()).Number("restored").ShouldBe(0);
        (await alice.Post("/v1/tasks", new { title = "four" }).Ok()).Number("task_number").ShouldBe(4);
    }

    [Fact]
    public async Task A_request_that_changes_a_task_is_a_commit_where_commands_are()
    {
        var alice = await NewProject().Agent("alice");
        await alice.Patch("/v1/beads/history", new { commit_mode = "command" }).Ok();
        var made = await alice.Post("/v1/tasks", new { title = "one" }).Ok();
        await alice.Post("/v1/tasks", new { title = "two" }).Ok();
        await alice.Patch("/v1/tasks/1", new { priority = 0 }).Ok();
        await alice.Patch("/v1/tasks/1", new { priority = 0 }).Ok();
        await alice.Post("/v1/tasks/2/deps", new { depends_on = "1" }).Ok();
        await alice.Post("/v1/tasks/1/comments", new { body = "said" }).Ok();
        await alice.Sync("""{"id":"bd-1","title":"Lamp"}""", "create Lamp").Ok();
        await alice.Delete("/v1/tasks/1").Ok();

        var reference = made.Text("task_ref");
        var log = (await alice.Get("/v1/beads/commits").Ok()).Items("commits");
        log.Select(commit => commit.Text("message")).ShouldBe([$"delete {reference}", "create Lamp", $"comment on {reference}",
            "update 2", $"update {reference}", $"create {reference[..^1]}2", $"create {reference}"]);
        log.ShouldAllBe(commit => commit.Text("author") == "alice");
        // What waited for the task waits no longer, and that is part of the same commit.
        (await alice.Get("/v1/beads/diff?from=HEAD~1&to=HEAD").Ok()).Items("beads").Select(bead => bead.Text("change")).Order()
            .ShouldBe(["changed", "removed"]);
        (await alice.Post("/v1/beads/commits", new { message = "all" }).Ok()).Flag("committed").ShouldBeFalse();
    }

    private static async Task<JsonElement> Commit(Agent agent, string message) =>
        (await agent.Post("/v1/beads/commits", new { message }).Ok()).At("commit");

    private static async Task<string[]> Titles(Agent agent, string query) =>
        [.. (await agent.Get($"/v1/tasks{query}").Ok()).Items("tasks").Select(task => task.Text("title"))];
}
