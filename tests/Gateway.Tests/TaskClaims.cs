using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>What a native task's status means for claims (contract 9.2 to 9.5).</summary>
public abstract class TaskClaimsContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 105)]
    public async Task A_workspace_shows_the_title_of_a_claimed_task()
    {
        var agent = await NewProject().Agent();
        var task = await agent.Post("/v1/tasks", new { title = "Lay the table" }).Ok();
        await agent.Patch($"/v1/tasks/{task.Text("task_id")}", new { status = "in_progress" }).Ok();

        var workspace = (await agent.Get("/v1/workspaces?include_claims=true").Ok()).Items("workspaces").Single();
        workspace.Items("claims")[0].Text("title").ShouldBe("Lay the table");
    }

    [Fact]
    [Checklist("beadhub", 205)]
    public async Task Starting_a_task_claims_it()
    {
        var agent = await NewProject().Agent(human: "Alice");
        await New(agent, "The task");
        await using var stream = await agent.Stream();

        await Set(agent, 1, "in_progress");

        var claim = (await agent.Get("/v1/claims").Ok()).Items("claims").Single();
        (claim.Text("bead_id"), claim.Text("workspace_id"), claim.Text("alias")).ShouldBe((Ref(agent, 1), agent.Id, agent.Alias));
        var claimed = await stream.Next();
        claimed.Type.ShouldBe("bead.claimed");
        (claimed.Data.Text("bead_id"), claimed.Data.Text("workspace_id"), claimed.Data.Text("alias"))
            .ShouldBe((Ref(agent, 1), agent.Id, agent.Alias));
        (claimed.Data.Text("title"), claimed.Data.Text("project_slug")).ShouldBe(("The task", agent.Project.Slug));
        var workspace = await Workspace(agent);
        workspace.Items("claims").Single().Text("title").ShouldBe("The task");
        (workspace.Text("focus_apex_id"), workspace.IsNull("focus_apex_repo_name"), workspace.IsNull("focus_apex_branch"))
            .ShouldBe((Ref(agent, 1), true, true));
        (await agent.Get("/v1/status").Ok()).Items("claims").Single().Text("title").ShouldBe("The task");
    }

    [Fact]
    [Checklist("beadhub", 206)]
    public async Task Starting_it_twice_claims_it_once()
    {
        var agent = await NewProject().Agent();
        await New(agent, "T");
        await Set(agent, 1, "in_progress");
        var claim = (await agent.Get("/v1/claims").Ok()).GetRawText();

        await Set(agent, 1, "in_progress");

        (await agent.Get("/v1/claims").Ok()).GetRawText().ShouldBe(claim);
    }

    [Theory]
    [InlineData("closed")]
    [InlineData("open")]
    [Checklist("beadhub", 207)]
    public async Task A_task_that_is_not_worked_on_is_released(string status)
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await New(alice, "T");
        await Set(alice, 1, "in_progress");
        await using var stream = await alice.Stream();

        await Set(bob, 1, status);

        (await alice.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
        await Released(stream, alice, "T");
        (await Workspace(alice)).IsNull("focus_apex_id").ShouldBeTrue();
    }

    [Fact]
    [Checklist("beadhub", 208)]
    public async Task A_deleted_task_is_released()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await New(alice, "T");
        await Set(alice, 1, "in_progress");
        await using var stream = await alice.Stream();

        await bob.Delete("/v1/tasks/1").Ok();

        (await alice.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
        await Released(stream, alice, "T");
    }

    [Fact]
    [Checklist("beadhub", 209)]
    public async Task The_apex_of_a_part_is_the_whole()
    {
        var agent = await NewProject().Agent();
        var root = await New(agent, "root");
        var part = await agent.Post("/v1/tasks", new { title = "part", parent_task_id = root.Text("task_id") }).Ok();
        await agent.Post("/v1/tasks", new { title = "deep", parent_task_id = part.Text("task_id") }).Ok();

        await Set(agent, 3, "in_progress");

        var workspace = await Workspace(agent);
        workspace.Items("claims").Single().Text("apex_id").ShouldBe(Ref(agent, 1));
        workspace.Text("focus_apex_id").ShouldBe(Ref(agent, 1));

        // Its title is the task's as it is now, also where a bead has the same id.
        await agent.Patch("/v1/tasks/1", new { title = "The whole", task_type = "feature" }).Ok();
        await agent.Change($$"""{"id":"{{Ref(agent, 1)}}","title":"A bead","issue_type":"epic"}""").Ok();
        workspace = await Workspace(agent);
        var claim = workspace.Items("claims").Single();
        (claim.Text("apex_title"), claim.Text("apex_type"), claim.Text("title")).ShouldBe(("The whole", "feature", "deep"));
        (workspace.Text("apex_title"), workspace.Text("apex_type")).ShouldBe(("The whole", "feature"));
        (workspace.Text("focus_apex_title"), workspace.Text("focus_apex_type")).ShouldBe(("The whole", "feature"));
    }

    [Fact]
    public async Task The_way_to_a_tasks_apex_has_twenty_steps_at_most()
    {
        var agent = await NewProject().Agent();
        var task = await New(agent, "T");
        for (var i = 0; i < 25; i++) task = await agent.Post("/v1/tasks", new { title = "T", parent_task_id = task.Text("task_id") }).Ok();

        await Set(agent, 26, "in_progress");

        (await Workspace(agent)).Text("focus_apex_id").ShouldBe(Ref(agent, 6));
    }

    [Fact]
    public async Task A_command_that_claims_a_task_knows_its_apex()
    {
        var agent = await NewProject().Agent();
        var root = await New(agent, "root");
        await agent.Post("/v1/tasks", new { title = "part", parent_task_id = root.Text("task_id") }).Ok();

        await agent.Change(Jsonl.Of(new { id = "bd-1", status = "open" }), $"update {Ref(agent, 2)} --status in_progress").Ok();

        (await Workspace(agent)).Items("claims").Single().Text("apex_id").ShouldBe(Ref(agent, 1));
        (await Workspace(agent)).Text("focus_apex_id").ShouldBe(Ref(agent, 1));
    }

    [Fact]
    [Checklist("beadhub", 210)]
    public async Task The_claims_of_who_leaves_are_released()
    {
        var project = NewProject();
        var (bob, alice) = (await project.Agent("bob"), await project.Agent("alice"));
        await New(alice, "T");
        await Set(alice, 1, "in_progress");
        await using var stream = await bob.Stream();

        await bob.Delete($"/v1/workspaces/{alice.Id}").Ok();

        var released = (await stream.Until(e => e.Type == "bead.unclaimed"))[^1].Data;
        (released.Text("bead_id"), released.Text("workspace_id")).ShouldBe((Ref(alice, 1), alice.Id));
        (await bob.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
        (await bob.Get("/v1/tasks/1").Ok()).Text("assignee_agent_id").ShouldBe(alice.Id);
    }

    [Fact]
    public async Task What_another_holds_is_left_alone()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await New(alice, "T");
        await bob.Change(Jsonl.Of(new { id = "bd-1", status = "open" }), $"update {Ref(alice, 1)} --status in_progress").Ok();
        await using var stream = await alice.Stream();

        (await Set(alice, 1, "in_progress")).Text("assignee_agent_id").ShouldBe(alice.Id);

        (await alice.Get("/v1/claims").Ok()).Pluck("claims", "workspace_id").ShouldBe([bob.Id]);
        await Set(alice, 1, "closed");
        (await alice.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
        (await stream.Next()).Type.ShouldBe("bead.unclaimed");
    }

    [Fact]
    public async Task An_agent_without_a_workspace_claims_nothing()
    {
        var agent = await NewProject().Identity();
        await New(agent, "T");

        (await Set(agent, 1, "in_progress")).Text("status").ShouldBe("in_progress");

        (await agent.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
    }

    [Fact]
    public async Task Many_changes_at_once_leave_claims_that_fit()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        for (var i = 0; i < 5; i++) await New(alice, "T");

        await Task
            .WhenAll(Enumerable.Range(0, 60).Select(i =>
            (i % 2 == 0 ? alice : bob).Patch($"/v1/tasks/{i % 5 + 1}",
            new { status = i % 3 == 0 ? "in_progress" : i % 3 == 1 ? "open" : "closed" })));
        await Set(alice, 1, "closed");

        await Fits(alice);
    }

    [Fact]
    public async Task What_follows_from_a_status_is_done_after_a_crash()
    {
        await using var server = await Store.Own();
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        for (var i = 0; i < 12; i++) await New(alice, "T");
        for (var round = 0; round < 3; round++)
        {
            var changes = 0;
            var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var writers = Enumerable.Range(1, 12).Select(number => Task.Run(async () =>
            {
                var agent = number % 2 == 0 ? alice : bob;
                try
                {
                    for (var i = 0; ; i++)
                    {
                        await agent.Patch($"/v1/tasks/{number}", i % 2 == 0 ? "{\"status\":\"in_progress\"}"
                            : "{\"status\":\"open\",\"assignee_agent_id\":null}").Ok();
                        if (Interlocked.Increment(ref changes) == 60) enough.TrySetResult();
                    }
                }
                catch (Exception e) when (e is HttpRequestException or IOException)
                {
                    // The server was killed.
                }
            })).ToArray();
            await enough.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
            await server.Kill();
            await Task.WhenAll(writers);
            await server.Restart();
            (alice, bob) = (alice.At(server.Api), bob.At(server.Api));

            // A change of any task first does what is left from before.
            var extra = await New(alice, "extra");
            await alice.Patch($"/v1/tasks/{extra.Number("task_number")}", new { status = "closed" }).Ok();
            await Fits(alice);
        }
    }

    /// <summary>Exactly the tasks that are worked on are claimed, each by who has it.</summary>
    private static async Task Fits(Agent agent)
    {
        var working = (await agent.Get("/v1/tasks?status=in_progress").Ok()).Items("tasks")
            .Select(task => (task.Text("task_ref"), task.Text("assignee_agent_id"))).Order();
        var claims = (await agent.Get("/v1/claims?limit=200").Ok()).Items("claims")
            .Select(claim => (claim.Text("bead_id"), claim.Text("workspace_id"))).Order();
        claims.ShouldBe(working);
    }

    private static async Task Released(EventStream stream, Agent from, string title)
    {
        var released = await stream.Next();
        released.Type.ShouldBe("bead.unclaimed");
        (released.Data.Text("bead_id"), released.Data.Text("workspace_id"), released.Data.Text("title"))
            .ShouldBe((Ref(from, 1), from.Id, title));
    }

    private static string Ref(Agent agent, int number) => $"{agent.Project.Slug}-{number:D3}";

    private static Task<JsonElement> New(Agent agent, string title) => agent.Post("/v1/tasks", new { title }).Ok();

    private static Task<JsonElement> Set(Agent agent, int number, string status) => agent.Patch($"/v1/tasks/{number}", new { status }).Ok();

    private static async Task<JsonElement> Workspace(Agent agent) =>
        (await agent.Get("/v1/workspaces?include_claims=true").Ok()).Items("workspaces")
            .Single(workspace => workspace.Text("workspace_id") == agent.Id);
}
