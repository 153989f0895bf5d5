using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary><c>/v1/tasks</c>: native tasks (protocol 13), with the project's beads in the reads (contract 15).</summary>
public abstract class TasksContract(Store store) : ContractTests(store)
{
    private static readonly string[] FullFields =
    [
        "task_id", "task_ref", "task_number", "project_id", "title", "description", "notes", "status", "priority", "task_type", "labels",
        "parent_task_id",
        "assignee_agent_id", "created_by_agent_id", "closed_by_agent_id", "created_at", "updated_at", "closed_at",
    ];

    [Fact]
    [Checklist("beadhub", 8)]
    public async Task A_bead_is_no_task_that_could_be_changed()
    {
        var agent = await NewProject().Agent();
        await agent.Sync(Jsonl.Of(new { id = "beadhub-xbdk", status = "open" })).Ok();

        await agent.Patch("/v1/tasks/beadhub-xbdk", new { status = "closed" }).Refused(404, "Task not found");
        (await agent.Get("/v1/tasks/beadhub-xbdk").Ok()).Text("status").ShouldBe("open");
    }

    [Fact]
    [Checklist("aweb", 159)]
    public async Task A_task_gets_the_next_number_and_the_usual_values()
    {
        var agent = await NewProject().Agent();

        var task = await New(agent, "T");

        task.EnumerateObject().Select(field => field.Name).ShouldBe(FullFields);
        task.Text("task_ref").ShouldBe(agent.Project.Slug + "-001");
        task.Number("task_number").ShouldBe(1);
        task.Text("project_id").ShouldBe(agent.ProjectId);
        task.Text("title").ShouldBe("T");
        (task.Text("description"), task.Text("notes")).ShouldBe(("", ""));
        task.Text("status").ShouldBe("open");
        task.Number("priority").ShouldBe(2);
        task.Text("task_type").ShouldBe("task");
        task.Items("labels").ShouldBeEmpty();
        task.Text("created_by_agent_id").ShouldBe(agent.Id);
        foreach (var field in new[] { "parent_task_id", "assignee_agent_id", "closed_by_agent_id", "closed_at" })
            task.IsNull(field).ShouldBeTrue(field);
        task.Text("created_at").ShouldBeTimestamp();
        task.Text("updated_at").ShouldBe(task.Text("created_at"));
        (await New(agent, "T")).Text("task_ref").ShouldBe(agent.Project.Slug + "-002");
    }

    [Fact]
    public async Task A_task_keeps_all_that_it_was_given()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Identity("bob"));
        var parent = await New(alice, "parent");

        var task = await alice.Post("/v1/tasks", new
        {
            title = "Grüße 🎯",
            description = new string('d', 65_536),
            notes = "line\nline\ttab",
            priority = 0,
            task_type = "bug",
            labels = new[] { "b", "a", "b" },
            parent_task_id = parent.Text("task_id").ToUpperInvariant(),
            assignee_agent_id = bob.Id,
        }).Ok();

        foreach (var seen in new[] { task, await alice.Get("/v1/tasks/2").Ok() })
        {
            seen.Text("title").ShouldBe("Grüße 🎯");
            seen.Text("description").ShouldBe(new string('d', 65_536));
            seen.Text("notes").ShouldBe("line\nline\ttab");
            seen.Number("priority").ShouldBe(0);
            seen.Text("task_type").ShouldBe("bug");
            seen.Texts("labels").ShouldBe(["b", "a", "b"]);
            seen.Text("parent_task_id").ShouldBe(parent.Text("task_id"));
            seen.Text("assignee_agent_id").ShouldBe(bob.Id);
        }
    }

    [Fact]
    [OnAnyStore]
    public async Task What_is_wrong_with_a_task_is_said_before_who_asks()
    {
        foreach (var (body, field, type) in new (string, string, string)[]
        {
            ("{}", "title", "missing"),
            ("{\"title\":\"\"}", "title", "string_too_short"),
            ("{\"title\":7}", "title", "string_type"),
            ("{\"title\":\"a\\u0000b\"}", "title", "value_error"),
            ($"{{\"title\":\"{new string('t', 4097)}\"}}", "title", "string_too_long"),
            ($"{{\"title\":\"T\",\"description\":\"{new string('t', 65_537)}\"}}", "description", "string_too_long"),
            ($"{{\"title\":\"T\",\"notes\":\"{new string('t', 65_537)}\"}}", "notes", "string_too_long"),
            ("{\"title\":\"T\",\"priority\":5}", "priority", "less_than_equal"),
            ("{\"title\":\"T\",\"priority\":-1}", "priority", "greater_than_equal"),
            ("{\"title\":\"T\",\"priority\":\"high\"}", "priority", "int_parsing"),
            ("{\"title\":\"T\",\"task_type\":\"epic\"}", "task_type", "literal_error"),
            ("{\"title\":\"T\",\"labels\":\"x\"}", "labels", "list_type"),
            ("{\"title\":\"T\",\"labels\":[1]}", "labels", "string_type"),
            ("{\"title\":\"T\",\"labels\":[\"a\\u0000\"]}", "labels", "value_error"),
            ($"{{\"title\":\"T\",\"labels\":[{string.Join(',', Enumerable.Repeat("\"l\"", 101))}]}}", "labels", "value_error"),
            ("{\"title\":\"T\",\"parent_task_id\":\"x\"}", "parent_task_id", "value_error"),
            ("{\"title\":\"T\",\"assignee_agent_id\":\"x\"}", "assignee_agent_id", "value_error"),
            ("{\"title\":\"T\",\"status\":\"closed\"}", "status", "extra_forbidden"),
            ("{\"title\":\"T\",\"project_id\":\"x\"}", "project_id", "extra_forbidden"),
        })
        {
            await Api.Post("/v1/tasks", body).Invalid(field, type);
        }

        await Api.Post("/v1/tasks", new { title = "T" }).Unauthorized();
        await Api.Get("/v1/tasks?priority=5").Invalid("priority", "less_than_equal");
        await Api.Get("/v1/tasks?assignee_agent_id=x").Invalid("assignee_agent_id");
        foreach (var path in new[] { "/v1/tasks", "/v1/tasks/1", "/v1/tasks/ready", "/v1/tasks/blocked", "/v1/tasks/1/comments" })
            await Api.Get(path).Unauthorized();
        await Api.Patch("/v1/tasks/1", new { title = "" }).Invalid("title", "string_too_short");
        await Api.Patch("/v1/tasks/1", new { title = "x" }).Unauthorized();
        await Api.Post("/v1/tasks/1/deps", new { }).Invalid("depends_on", "missing");
        await Api.Post("/v1/tasks/1/comments", new { body = "" }).Invalid("body", "string_too_short");
        await Api.Delete("/v1/tasks/1").Unauthorized();
    }

    [Fact]
    public async Task Parents_and_assignees_are_of_the_project()
    {
        var project = NewProject();
        var (alice, gone, other) = (await project.Agent("alice"), await project.Agent("gone"), await NewProject().Agent());
        var foreign = await New(other, "T");
        await alice.Delete($"/v1/workspaces/{gone.Id}").Ok();

        await alice.Post("/v1/tasks", new { title = "T", parent_task_id = foreign.Text("task_id") })
            .Refused(422, "Parent task not found in this project");
        await alice.Post("/v1/tasks", new { title = "T", assignee_agent_id = other.Id })
            .Refused(422, "Assignee agent not found in this project");
        await alice.Post("/v1/tasks", new { title = "T", assignee_agent_id = gone.Id })
            .Refused(422, "Assignee agent not found in this project");
        await New(alice, "T");
        await alice.Patch("/v1/tasks/1", new { assignee_agent_id = other.Id }).Refused(422, "Assignee agent not found in this project");
        await alice.Patch("/v1/tasks/9", new { assignee_agent_id = other.Id }).Refused(404, "Task not found");
    }

    [Fact]
    [Checklist("aweb", 160)]
    public async Task A_task_is_named_by_id_number_or_reference()
    {
        var (agent, other) = (await NewProject().Agent(), await NewProject().Agent());
        var task = await New(agent, "T");
        var (id, slug) = (task.Text("task_id"), agent.Project.Slug);

        foreach (var reference in new[] { id, id.ToUpperInvariant(), id.Replace("-", "", StringComparison.Ordinal), "1", "001",
            $"{slug}-001", $"{slug}-1", $"{slug}-0000001" })
            (await agent.Get("/v1/tasks/" + reference).Ok()).Text("task_id").ShouldBe(id, reference);
        foreach (var reference in new[] { "999", "0", "-1", "+1", "1.0", $"{slug}-", $"{slug}-2", $"x{slug}-001", $"{slug}_001",
            Guid.NewGuid().ToString(), "99999999999999999999", "a%2Fb" })
            await agent.Get("/v1/tasks/" + reference).Refused(404, "Task not found");
        foreach (var reference in new[] { id, "1", $"{slug}-001" })
        {
            await other.Get("/v1/tasks/" + reference).Refused(404, "Task not found");
            await other.Patch("/v1/tasks/" + reference, new { title = "x" }).Refused(404, "Task not found");
            await other.Delete("/v1/tasks/" + reference).Refused(404, "Task not found");
            await other.Post($"/v1/tasks/{reference}/comments", new { body = "x" }).Refused(404, "Task not found");
            await other.Get($"/v1/tasks/{reference}/comments").Refused(404, "Task not found");
        }
    }

    [Fact]
    public async Task A_slug_with_a_slash_names_tasks_too()
    {
        var project = new Project(Api, "org/" + NewProject().Slug);
        var agent = await project.Agent();
        var task = await New(agent, "T");

        task.Text("task_ref").ShouldBe(project.Slug + "-001");
        (await agent.Get("/v1/tasks/" + Uri.EscapeDataString(project.Slug) + "-1").Ok()).Text("task_id").ShouldBe(task.Text("task_id"));
        await agent.Patch("/v1/tasks/1", new { status = "in_progress" }).Ok();
        (await agent.Get("/v1/claims").Ok()).Pluck("claims", "bead_id").ShouldBe([project.Slug + "-001"]);
        await agent.Patch("/v1/tasks/1", new { status = "closed" }).Ok();
        (await agent.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("aweb", 161)]
    public async Task Who_starts_a_task_has_it()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await New(alice, "T");

        (await Set(alice, 1, "in_progress")).Text("assignee_agent_id").ShouldBe(alice.Id);
        await bob.Patch("/v1/tasks/1", new { status = "in_progress" }).Refused(409, "Task is assigned to another agent");
        (await Set(alice, 1, "in_progress")).Text("assignee_agent_id").ShouldBe(alice.Id);

        (await bob.Patch("/v1/tasks/1", new { status = "in_progress", assignee_agent_id = bob.Id }).Ok()).Text("assignee_agent_id")
            .ShouldBe(bob.Id);
        await alice.Patch("/v1/tasks/1", new { status = "in_progress", title = "not this" })
            .Refused(409, "Task is assigned to another agent");
        (await alice.Get("/v1/tasks/1").Ok()).Text("title").ShouldBe("T");
    }

    [Fact]
    [Checklist("aweb", 162)]
    public async Task Closing_a_task_closes_its_parts()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var root = await New(alice, "root");
        var part = await Part(alice, root, "part");
        var done = await Part(alice, root, "done");
        var deep = await Part(alice, part, "deep");
        var belowDone = await Part(alice, done, "below done");
        await New(alice, "stranger");
        await Set(alice, 3, "closed");
        await Set(alice, 5, "open");
        await Set(bob, 4, "in_progress");

        var closed = await Set(bob, 1, "closed");

        closed.Text("status").ShouldBe("closed");
        closed.Text("closed_by_agent_id").ShouldBe(bob.Id);
        closed.Text("closed_at").ShouldBeTimestamp();
        closed.Pluck("auto_closed", "task_id").ShouldBe([part.Text("task_id"), deep.Text("task_id"), belowDone.Text("task_id")],
            ignoreOrder: true);
        closed.Find("auto_closed", "title", "deep").Text("task_ref").ShouldBe(deep.Text("task_ref"));
        (await alice.Get("/v1/tasks/4").Ok()).Text("closed_by_agent_id").ShouldBe(bob.Id);
        (await alice.Get("/v1/tasks/6").Ok()).Text("status").ShouldBe("open");
        (await Set(alice, 1, "closed")).Items("auto_closed").ShouldBeEmpty();
        (await alice.Get("/v1/claims").Ok()).Items("claims").ShouldBeEmpty("a part that was closed with the whole is worked on no more");
    }

    [Fact]
    public async Task A_task_that_is_opened_again_is_closed_by_nobody()
    {
        var agent = await NewProject().Agent();
        await New(agent, "T");
        await Set(agent, 1, "closed");

        var open = await Set(agent, 1, "open");

        (open.IsNull("closed_at"), open.IsNull("closed_by_agent_id"), open.Has("auto_closed")).ShouldBe((true, true, false));
    }

    [Fact]
    [Checklist("aweb", 163)]
    public async Task Dependencies_make_no_circle()
    {
        var agent = await NewProject().Agent();
        foreach (var title in new[] { "A", "B", "C" }) await New(agent, title);
        var (a, b) = (await agent.Get("/v1/tasks/1").Ok(), await agent.Get("/v1/tasks/2").Ok());

        await agent.Post("/v1/tasks/1/deps", new { depends_on = "1" }).Refused(422, "A task cannot depend on itself");
        var added = await agent.Post("/v1/tasks/1/deps", new { depends_on = b.Text("task_ref") }).Ok();
        (added.Text("task_id"), added.Text("depends_on_task_id")).ShouldBe((a.Text("task_id"), b.Text("task_id")));
        await agent.Post("/v1/tasks/2/deps", new { depends_on = "3" }).Ok();
        await agent.Post("/v1/tasks/3/deps", new { depends_on = a.Text("task_id") }).Refused(422, "Dependency would create a cycle");
        await agent.Post("/v1/tasks/2/deps", new { depends_on = "1" }).Refused(422, "Dependency would create a cycle");
        await agent.Post("/v1/tasks/1/deps", new { depends_on = "2" }).Ok();
        await agent.Post("/v1/tasks/1/deps", new { depends_on = "9" }).Refused(404, "Task not found");
        await agent.Post("/v1/tasks/9/deps", new { depends_on = "1" }).Refused(404, "Task not found");

        (await agent.Get("/v1/tasks/2").Ok()).Pluck("blocks", "task_ref").ShouldBe([a.Text("task_ref")]);
        var blocker = (await agent.Get("/v1/tasks/1").Ok()).Items("blocked_by").Single();
        (blocker.Text("task_id"), blocker.Text("title"), blocker.Text("status")).ShouldBe((b.Text("task_id"), "B", "open"));

        var removed = await agent.Delete("/v1/tasks/1/deps/2").Ok();
        (removed.Text("task_id"), removed.Text("removed_depends_on_task_id")).ShouldBe((a.Text("task_id"), b.Text("task_id")));
        await agent.Delete("/v1/tasks/1/deps/2").Ok();
        await agent.Delete("/v1/tasks/1/deps/9").Refused(404, "Task not found");
        await agent.Post("/v1/tasks/3/deps", new { depends_on = "1" }).Ok();
    }

    [Fact]
    public async Task Two_halves_of_a_circle_at_once_leave_one()
    {
        var agent = await NewProject().Agent();
        for (var i = 0; i < 10; i++)
        {
            await New(agent, "A");
            await New(agent, "B");
            var (a, b) = (2 * i + 1, 2 * i + 2);
            var answers = await Task.WhenAll(Depend(agent, a, b), Depend(agent, b, a));
            answers.Select(answer => answer.Status).Order().ShouldBe([200, 422]);
        }
    }

    [Fact]
    [Checklist("aweb", 164)]
    public async Task A_task_is_taken_back_and_bad_words_are_refused()
    {
        var agent = await NewProject().Agent();
        await New(agent, "T");
        await Set(agent, 1, "in_progress");

        (await agent.Patch("/v1/tasks/1", "{\"assignee_agent_id\":null}").Ok()).IsNull("assignee_agent_id").ShouldBeTrue();
        await agent.Patch("/v1/tasks/1", new { status = "bogus" })
            .Invalid("status", "literal_error", "Input should be 'open', 'in_progress' or 'closed'");
        await agent.Patch("/v1/tasks/1", new { task_type = "epic" })
            .Invalid("task_type", "literal_error", "Input should be 'task', 'bug' or 'feature'");
        await agent.Patch("/v1/tasks/1", new { task_number = 7 }).Invalid("task_number", "extra_forbidden");
    }

    [Fact]
    public async Task What_is_null_or_left_out_stays()
    {
        var agent = await NewProject().Agent();
        await agent.Post("/v1/tasks",
            new { title = "T", description = "D", notes = "N", priority = 1, task_type = "bug", labels = new[] { "l" },
            assignee_agent_id = agent.Id }).Ok();

        var same = await agent.Patch("/v1/tasks/1",
            "{\"title\":null,\"description\":null,\"notes\":null,\"status\":null,\"priority\":null,\"task_type\":null,\"labels\":null}")
            .Ok();
        var described = await agent.Patch("/v1/tasks/1", new { description = "D2" }).Ok();
        var emptied = await agent.Patch("/v1/tasks/1", "{\"notes\":\"\",\"labels\":[],\"priority\":\"4\"}").Ok();

        (same.Text("title"), same.Text("description"), same.Text("notes"), same.Number("priority")).ShouldBe(("T", "D", "N", 1));
        (same.Text("task_type"), same.Texts("labels"), same.Text("assignee_agent_id")).ShouldSatisfyAllConditions(
            t => t.Item1.ShouldBe("bug"), t => t.Item2.ShouldBe(["l"]), t => t.Item3.ShouldBe(agent.Id));
        same.Text("updated_at").ShouldBe(same.Text("created_at"));
        (described.Text("description"), described.Text("notes")).ShouldBe(("D2", "N"));
        (emptied.Text("description"), emptied.Text("notes"), emptied.Number("priority")).ShouldBe(("D2", "", 4));
        emptied.Items("labels").ShouldBeEmpty();
        (await agent.Get("/v1/tasks/1").Ok()).GetRawText().ShouldBe(emptied.GetRawText());
    }

    [Fact]
    public async Task A_deleted_task_is_gone_and_its_number_too()
    {
        var agent = await NewProject().Agent();
        var root = await New(agent, "root");
        await Part(agent, root, "part");
        await New(agent, "waits");
        await Depend(agent, 3, 1);
        await Depend(agent, 1, 2);

        var deleted = await agent.Delete("/v1/tasks/1").Ok();

        deleted.EnumerateObject().Select(field => field.Name).ShouldBe(["status", "task_id", "task_ref"]);
        (deleted.Text("status"), deleted.Text("task_id"), deleted.Text("task_ref"))
            .ShouldBe(("deleted", root.Text("task_id"), root.Text("task_ref")));
        foreach (var reference in new[] { "1", root.Text("task_id"), root.Text("task_ref") })
            await agent.Get("/v1/tasks/" + reference).Refused(404, "Task not found");
        await agent.Delete("/v1/tasks/1").Refused(404, "Task not found");
        (await agent.Get("/v1/tasks/2").Ok()).Text("parent_task_id").ShouldBe(root.Text("task_id"));
        (await agent.Get("/v1/tasks/2").Ok()).Items("blocks").ShouldBeEmpty();
        (await agent.Get("/v1/tasks/3").Ok()).Items("blocked_by").ShouldBeEmpty();
        await agent.Post("/v1/tasks", new { title = "T", parent_task_id = root.Text("task_id") })
            .Refused(422, "Parent task not found in this project");
        (await New(agent, "next")).Number("task_number").ShouldBe(4);
    }

    [Fact]
    [Checklist("beadhub", 214)]
    public async Task Ready_tasks_are_open_unblocked_and_nobodys()
    {
        var agent = await NewProject().Agent();
        foreach (var (title, priority) in new[] { ("later", 3), ("first", 0), ("blocker", 1), ("blocked", 0), ("mine", 0), ("closed", 0) })
            await agent.Post("/v1/tasks", new { title, priority }).Ok();
        await Depend(agent, 4, 3);
        await agent.Patch("/v1/tasks/5", new { assignee_agent_id = agent.Id }).Ok();
        await Set(agent, 6, "closed");

        (await Titles(agent, "/v1/tasks/ready")).ShouldBe(["first", "blocker", "later"]);
        (await Titles(agent, "/v1/tasks/blocked")).ShouldBe(["blocked"]);
        await Set(agent, 3, "closed");
        (await Titles(agent, "/v1/tasks/ready")).ShouldBe(["first", "blocked", "later"]);
        (await Titles(agent, "/v1/tasks/blocked")).ShouldBeEmpty();
        await Set(agent, 3, "open");
        (await Titles(agent, "/v1/tasks/blocked")).ShouldBe(["blocked"]);
        await agent.Delete("/v1/tasks/3").Ok();
        (await Titles(agent, "/v1/tasks/ready")).ShouldBe(["first", "blocked", "later"]);
    }

    [Fact]
    [Checklist("beadhub", 211)]
    public async Task Beads_stand_behind_the_native_tasks()
    {
        var project = NewProject();
        var (agent, other) = (await project.Agent("alice"), await project.Agent("bob", origin: project.OriginOf("other")));
        await agent.Sync(Jsonl.Of(
            new { id = "bd-2", title = "Second", description = "More", status = "in_progress", priority = 1, issue_type = "bug",
                labels = new[] { "x" }, updated_at = "2026-02-01T00:00:00Z" },
            new { id = "bd-1", title = "First", status = "open",
                dependencies = new[] { new { depends_on_id = "bd-2", type = "parent-child" } } })).Ok();
        await other.Sync(Jsonl.Of(new { id = "bd-2", title = "Older", status = "closed", updated_at = "2026-01-01T00:00:00Z" })).Ok();
        await New(agent, "native");

        var tasks = (await agent.Get("/v1/tasks").Ok()).Items("tasks");

        tasks.Select(task => task.Text("task_ref")).ShouldBe([project.Slug + "-001", "bd-1", "bd-2"]);
        tasks[0].EnumerateObject().Select(field => field.Name).ShouldBe(tasks[1].EnumerateObject().Select(field => field.Name));
        var first = tasks[1];
        (first.Text("task_id"), first.IsNull("task_number"), first.Text("title"), first.Text("status"))
            .ShouldBe(("bd-1", true, "First", "open"));
        (first.Number("priority"), first.Text("task_type"), first.Text("parent_task_id")).ShouldBe((2, "task", "bd-2"));
        (first.IsNull("assignee_agent_id"), first.IsNull("created_by_agent_id"), first.IsNull("created_at")).ShouldBe((true, true, true));
        first.Items("labels").ShouldBeEmpty();
        tasks[2].Text("updated_at").ShouldBe("2026-02-01T00:00:00+00:00");

        var detail = await agent.Get("/v1/tasks/bd-2").Ok();
        detail.EnumerateObject().Select(field => field.Name).ShouldBe([.. FullFields, "blocked_by", "blocks"]);
        (detail.Text("title"), detail.Text("description"), detail.Text("notes"), detail.Text("project_id"))
            .ShouldBe(("Second", "More", "", agent.ProjectId));
        (detail.Number("priority"), detail.Text("task_type"), detail.Texts("labels").Single()).ShouldBe((1, "bug", "x"));
        (detail.Items("blocked_by").Length, detail.Items("blocks").Length, detail.IsNull("closed_at")).ShouldBe((0, 0, true));
        await agent.Get("/v1/tasks/bd-3").Refused(404, "Task not found");
        await agent.Patch("/v1/tasks/bd-2", new { title = "x" }).Refused(404, "Task not found");
        (await Titles(agent, "/v1/tasks/ready")).ShouldBe(["native"]);
    }

    [Fact]
    [Checklist("beadhub", 212)]
    public async Task A_native_task_hides_the_bead_with_its_reference()
    {
        var agent = await NewProject().Agent();
        await New(agent, "native");
        await agent
            .Sync(Jsonl.Of(new { id = $"{agent.Project.Slug}-001", title = "bead", status = "open" },
            new { id = $"{agent.Project.Slug}-1", title = "another", status = "open" })).Ok();

        (await Titles(agent, "/v1/tasks")).ShouldBe(["native", "another"]);
        (await agent.Get($"/v1/tasks/{agent.Project.Slug}-001").Ok()).Text("title").ShouldBe("native");
        (await Titles(agent, "/v1/tasks?status=closed")).ShouldBeEmpty();
        await Set(agent, 1, "closed");
        (await Titles(agent, "/v1/tasks?status=open")).ShouldBe(["another"]);
        await agent.Delete("/v1/tasks/1").Ok();
        (await Titles(agent, "/v1/tasks")).ShouldBe(["bead", "another"]);
    }

    [Fact]
    [Checklist("beadhub", 213)]
    public async Task Filters_hold_for_tasks_and_beads()
    {
        var agent = await NewProject().Agent();
        await agent.Post("/v1/tasks", new { title = "t1", labels = new[] { "x", "y" }, priority = 1, assignee_agent_id = agent.Id }).Ok();
        await agent.Post("/v1/tasks", new { title = "t2", labels = new[] { "x" }, task_type = "bug" }).Ok();
        await Set(agent, 2, "closed");
        await agent.Sync(Jsonl.Of(
            new { id = "b1", title = "b1", status = "open", priority = 1, labels = new[] { "y", "x" } },
            new { id = "b2", title = "b2", status = "closed", issue_type = "bug", labels = new[] { "x" } })).Ok();

        foreach (var (query, titles) in new (string, string[])[]
        {
            ("", ["t1", "t2", "b1", "b2"]),
            ("labels=x", ["t1", "t2", "b1", "b2"]),
            ("labels=x,y", ["t1", "b1"]),
            ("labels=%20y%20,,x", ["t1", "b1"]),
            ("labels=X", []),
            ("labels=", ["t1", "t2", "b1", "b2"]),
            ("status=open", ["t1", "b1"]),
            ("status=closed,%20in_progress", ["t2", "b2"]),
            ("status=bogus", []),
            ("status=,", ["t1", "t2", "b1", "b2"]),
            ("task_type=bug", ["t2", "b2"]),
            ("task_type=task", ["t1", "b1"]),
            ("task_type=epic", []),
            ("priority=1", ["t1", "b1"]),
            ("priority=2", ["t2", "b2"]),
            ($"assignee_agent_id={agent.Id}", ["t1"]),
            ($"assignee_agent_id={agent.Id.ToUpperInvariant()}&status=open", ["t1"]),
            ($"assignee_agent_id={Guid.NewGuid()}", []),
            ("status=open&priority=1&labels=x&task_type=task", ["t1", "b1"]),
        })
        {
            (await Titles(agent, "/v1/tasks?" + query)).ShouldBe(titles, query);
        }
    }

    [Fact]
    public async Task Tasks_created_at_once_get_distinct_numbers()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Identity("bob"));

        var tasks = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => New(i % 2 == 0 ? alice : bob, $"t{i}")));

        tasks.Select(task => task.Number("task_number")).Order().ShouldBe(Enumerable.Range(1, 60));
        (await alice.Get("/v1/tasks").Ok()).Items("tasks").Select(task => task.Number("task_number")).ShouldBe(Enumerable.Range(1, 60));
    }

    [Fact]
    public async Task Comments_are_kept_in_order()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var task = await New(alice, "T");

        (await alice.Get("/v1/tasks/1/comments").Ok()).Items("comments").ShouldBeEmpty();
        var first = await alice.Post("/v1/tasks/1/comments", new { body = "one" }).Ok();
        await bob.Post($"/v1/tasks/{task.Text("task_ref")}/comments", new { body = new string('b', 65_536) }).Ok();

        first.EnumerateObject().Select(field => field.Name).ShouldBe(["comment_id", "task_id", "agent_id", "body", "created_at"]);
        (first.Text("task_id"), first.Text("agent_id"), first.Text("body")).ShouldBe((task.Text("task_id"), alice.Id, "one"));
        first.Text("created_at").ShouldBeTimestamp();
        var comments = (await bob.Get($"/v1/tasks/{task.Text("task_id")}/comments").Ok()).Items("comments");
        comments.Select(comment => comment.Text("agent_id")).ShouldBe([alice.Id, bob.Id]);
        comments[0].GetRawText().ShouldBe(first.GetRawText());
        await alice.Post("/v1/tasks/1/comments", new { body = new string('b', 65_537) }).Invalid("body", "string_too_long");
        await alice.Post("/v1/tasks/1/comments", "{\"body\":\"a\\u0000\"}").Invalid("body", "value_error");
        await alice.Post("/v1/tasks/1/comments", new { body = "x", author = "bob" }).Invalid("author", "extra_forbidden");
        await alice.Post("/v1/tasks/2/comments", new { body = "x" }).Refused(404, "Task not found");
    }

    [Fact]
    public async Task Readers_need_no_agent_and_writers_do()
    {
        var agent = await NewProject().Agent();
        await New(agent, "T");
        var reader = PublicReader(agent);
        var stranger = Api.With(ProxyHeaders.User(agent.ProjectId, Guid.NewGuid().ToString(), Guid.NewGuid().ToString()));

        foreach (var path in new[] { "/v1/tasks", "/v1/tasks/1", "/v1/tasks/ready", "/v1/tasks/blocked", "/v1/tasks/1/comments" })
        {
            await reader.Get(path).Ok();
            await stranger.Get(path).Ok();
        }

        foreach (var (method, path, body) in new (HttpMethod, string, object?)[]
        {
            (HttpMethod.Post, "/v1/tasks", new { title = "T" }), (HttpMethod.Patch, "/v1/tasks/1", new { title = "x" }),
                (HttpMethod.Delete, "/v1/tasks/1", null),
            (HttpMethod.Post, "/v1/tasks/1/deps", new { depends_on = "1" }), (HttpMethod.Delete, "/v1/tasks/1/deps/1", null),
            (HttpMethod.Post, "/v1/tasks/1/comments", new { body = "x" }),
        })
        {
            (await reader.Send(method, path, Api.Content(body))).Status.ShouldBe(403, path);
        }

        await stranger.Post("/v1/tasks", new { title = "T" }).Refused(404, "Agent not found");
        (await Proxied(agent).Post("/v1/tasks", new { title = "proxied" }).Ok()).Text("created_by_agent_id").ShouldBe(agent.Id);
    }

    [Fact]
    public async Task A_repeated_creation_is_one_task()
    {
        var agent = await NewProject().Agent();

        var first = await Once(agent, "/v1/tasks", new { title = "T", description = "D" }, "key-1");
        var second = await Once(agent, "/v1/tasks", new { title = "T", description = "D" }, "key-1");
        second.GetRawText().ShouldBe(first.GetRawText());
        await Once(agent, "/v1/tasks/1/comments", new { body = "x" }, "key-2");
        await Once(agent, "/v1/tasks/1/comments", new { body = "x" }, "key-2");

        (await Titles(agent, "/v1/tasks")).ShouldBe(["T"]);
        (await agent.Get("/v1/tasks/1/comments").Ok()).Items("comments").Length.ShouldBe(1);
    }

    [Fact]
    public async Task Tasks_survive_a_crash()
    {
        await using var server = await Store.Own();
        var agent = await new Project(server.Api).Agent();
        await agent.Post("/v1/tasks", new { title = "T1", description = "D1", notes = "N1", labels = new[] { "l" } }).Ok();
        for (var i = 2; i <= 600; i += 40)
            await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => New(agent, "T")));
        await agent.Patch("/v1/tasks/1", new { notes = "N2", priority = 4 }).Ok();
        await Depend(agent, 2, 1);
        await agent.Delete("/v1/tasks/3").Ok();
        await agent.Post("/v1/tasks/1/comments", new { body = "said" }).Ok();
        var before = await Everything(agent);

        await server.Kill();
        await server.Restart();
        agent = agent.At(server.Api);

        (await Everything(agent)).ShouldBe(before);
        (await New(agent, "next")).Number("task_number").ShouldBe(602);
    }

    private static async Task<string> Everything(Agent agent)
    {
        var all = "";
        foreach (var path in new[] { "/v1/tasks", "/v1/tasks/1", "/v1/tasks/2", "/v1/tasks/blocked", "/v1/tasks/1/comments" })
            all += (await agent.Get(path).Ok()).GetRawText() + "\n";
        return all;
    }

    private static async Task<JsonElement> Once(Agent agent, string path, object body, string key)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = Api.Content(body) };
        request.Headers.Add("Idempotency-Key", key);
        return (await agent.Send(request)).Ok();
    }

    private static Task<JsonElement> New(Agent agent, string title) => agent.Post("/v1/tasks", new { title }).Ok();

    private static Task<JsonElement> Part(Agent agent, JsonElement parent, string title) =>
        agent.Post("/v1/tasks", new { title, parent_task_id = parent.Text("task_id") }).Ok();

    private static Task<JsonElement> Set(Agent agent, int number, string status) => agent.Patch($"/v1/tasks/{number}", new { status }).Ok();

    private static Task<Answer> Depend(Agent agent, int number, int on) =>
        agent.Post($"/v1/tasks/{number}/deps", new { depends_on = on.ToString() });

    private static async Task<string[]> Titles(Agent agent, string path) => (await agent.Get(path).Ok()).Pluck("tasks", "title");
}
