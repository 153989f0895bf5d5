using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary><c>POST /mcp</c> as plain JSON-RPC (contract 16).</summary>
public abstract class McpContract(Store store) : ContractTests(store)
{
    private static readonly string[] Base =
    [
        "register_agent", "list_agents", "status", "get_ready_issues", "get_issue", "subscribe_to_bead", "list_subscriptions",
        "unsubscribe", "escalate", "get_escalation",
        "ensure_project", "send_message", "fetch_inbox", "acknowledge_message", "mark_message_read", "reply_message",
    ];

    private static readonly string[] OfSubscriptions = ["subscribe_to_bead", "list_subscriptions", "unsubscribe"];
    private static readonly string[] OfEscalations = ["escalate", "get_escalation"];

    [Fact]
    [Checklist("beadhub", 6)]
    [OnAnyStore]
    public async Task A_body_that_is_not_JSON_is_refused_before_the_caller_is_looked_at() =>
        await Api.Post("/mcp", "not valid json").Unprocessable();

    [Fact]
    [Checklist("beadhub", 74)]
    public async Task Who_registers_twice_is_listed_once_as_it_last_said()
    {
        var agent = await NewProject().Agent();
        foreach (var program in new[] { "claude-code", "codex-cli" })
            await agent.Post("/v1/agents/register", new { workspace_id = agent.Id, alias = agent.Alias, program }).Ok();

        var answer = await Rpc(agent, "tools/call", new { name = "list_agents", arguments = new { workspace_id = agent.Id } });
        using var listed = JsonDocument.Parse(answer.At("result").Items("content").Single().Text("text"));
        listed.RootElement.Items("agents").Single().Text("program").ShouldBe("codex-cli");
    }

    [Fact]
    [Checklist("beadhub", 282)]
    public async Task Every_tool_says_what_it_takes()
    {
        var agent = await NewProject().Agent();

        var tools = (await Rpc(agent, "tools/list")).At("result").Items("tools");

        foreach (var tool in tools)
        {
            tool.Text("name").ShouldMatch("^[a-z_]+$");
            tool.Text("description").ShouldNotBeEmpty();
            var schema = tool.At("inputSchema");
            schema.Text("type").ShouldBe("object");
            if (schema.Has("required"))
                schema.Texts("required").ShouldBeSubsetOf(schema.At("properties").EnumerateObject().Select(property => property.Name));
        }

        var names = tools.Select(tool => tool.Text("name")).ToArray();
        names.ShouldBeUnique();
        names.Length.ShouldBeGreaterThanOrEqualTo(16);
        // Tools that are requests to endpoints come with these.
        var paths = (await Api.Get("/openapi/v1.json").Ok()).At("paths");
        string[] absent = [.. paths.Has("/v1/subscriptions") ? [] : OfSubscriptions, .. paths.Has("/v1/escalations") ? [] : OfEscalations];
        Base.Except(absent).ShouldBeSubsetOf(names);
        names.ShouldNotContain(name => absent.Contains(name));
    }

    [Fact]
    [Checklist("beadhub", 283)]
    public async Task A_registered_agent_is_listed()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice", human: "Alice"), await project.Agent("bob"));

        (await Tool(alice, "register_agent", new { workspace_id = alice.Id, alias = alice.Alias, program = "claude-code", model = "m",
            role = "Reviewer" })).GetRawText().ShouldBe("{\"ok\":true}");

        var agent = (await Tool(bob, "list_agents", new { workspace_id = bob.Id })).Find("agents", "alias", "alice");
        (agent.Text("workspace_id"), agent.Text("alias"), agent.Text("program"), agent.Text("model"))
            .ShouldBe((alice.Id, "alice", "claude-code", "m"));
        (agent.Text("project_slug"), agent.Text("status"), agent.Text("role"), agent.Text("canonical_origin"))
            .ShouldBe((project.Slug, "active", "reviewer", alice.Repo));
        (await Tool(alice, "status", new { workspace_id = alice.Id })).At("workspace").Text("workspace_id").ShouldBe(alice.Id);
    }

    [Fact]
    [Checklist("beadhub", 288)]
    public async Task Subscriptions_need_the_workspace_only()
    {
        var agent = await NewProject().Agent("alice");

        var id = (await Tool(agent, "subscribe_to_bead", new { workspace_id = agent.Id, bead_id = "bd-1" })).Text("subscription_id");
        var list = await Tool(agent, "list_subscriptions", new { workspace_id = agent.Id });
        (list.Number("count"), list.Items("subscriptions").Single().Text("subscription_id")).ShouldBe((1, id));
        (await Tool(agent, "unsubscribe", new { workspace_id = agent.Id, subscription_id = id })).Flag("deleted").ShouldBeTrue();
        (await Tool(agent, "list_subscriptions", new { workspace_id = agent.Id })).Number("count").ShouldBe(0);
    }

    [Fact]
    public async Task A_human_is_asked_and_work_is_claimed_by_tools()
    {
        var agent = await NewProject().Agent("alice");
        await agent.Sync(Jsonl.Of(new { id = "bd-1", status = "open", labels = new[] { "ui" } }, new { id = "bd-2", status = "open" }))
            .Ok();

        var asked = await Tool(agent, "escalate",
            new { workspace_id = agent.Id, alias = "alice", subject = "Which?", situation = "x", options = new[] { "a", "b" } });
        var shown = await Tool(agent, "get_escalation", new { escalation_id = asked.Text("escalation_id") });
        (shown.Text("subject"), shown.Text("status")).ShouldBe(("Which?", "pending"));

        (await Tool(agent, "claim_next", new { })).At("bead").Text("bead_id").ShouldBe("bd-1");
        (await Tool(agent, "claim_next", new { labels = new[] { "ui" } })).Flag("claimed").ShouldBeFalse();
        (await Tool(agent, "join_bead", new { bead_id = "bd-2", role = "reviewer" })).Number("count").ShouldBe(1);
        (await Tool(agent, "release_bead", new { bead_id = "bd-2" })).Flag("released").ShouldBeTrue();
    }

    [Fact]
    public async Task A_tool_acts_for_the_callers_own_workspace()
    {
        var project = NewProject();
        var (alice, bob, gone, other) = (await project.Agent("alice"), await project.Agent("bob"), await project.Agent("gone"),
            await NewProject().Agent());
        await alice.Delete($"/v1/workspaces/{gone.Id}").Ok();

        foreach (var tool in new[] { "register_agent", "list_agents", "status", "get_ready_issues" })
        {
            await Refused(alice, tool, new { workspace_id = "bad" }, 422, "Invalid workspace_id format");
            await Refused(alice, tool, new { workspace_id = Guid.NewGuid() }, 404, "Workspace not found");
            await Refused(alice, tool, new { workspace_id = other.Id }, 404, "Workspace not found");
            await Refused(alice, tool, new { workspace_id = gone.Id }, 410, "Workspace was deleted");
            await Refused(alice, tool, new { workspace_id = bob.Id }, 403, "workspace_id does not match API key identity");
        }
    }

    [Fact]
    public async Task Who_asks_follows_from_the_key()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice", human: "Alice"), await project.Agent("bob"));
        await alice.Claim("bd-1", "Fix it").Ok();

        var me = await Tool(alice, "whoami", new { });
        (me.Text("alias"), me.Text("human_name"), me.Text("agent_id"), me.Text("workspace_id"), me.Text("project_slug"), me.Text("repo"))
            .ShouldBe(("alice", "Alice", alice.Id, alice.Id, project.Slug, alice.Repo));
        me.Texts("claimed_beads").ShouldBe(["bd-1"]);
        // A call is a sign of life.
        (await Tool(bob, "list_agents", new { })).Pluck("agents", "alias").ShouldContain("alice");

        await Tool(alice, "register_agent", new { program = "p" });
        (await Tool(alice, "status", new { })).At("workspace").Text("workspace_id").ShouldBe(alice.Id);
        (await Tool(alice, "get_ready_issues", new { })).Items("issues").ShouldBeEmpty();
        (await Tool(alice, "subscribe_to_bead", new { bead_id = "bd-1" })).Text("alias").ShouldBe("alice");
        (await Tool(alice, "list_subscriptions", new { })).Number("count").ShouldBe(1);
        await Tool(alice, "escalate", new { subject = "s", situation = "x" });
        (await Tool(alice, "send_message", new { to = new[] { "bob" }, subject = "s", body_md = "b" })).Number("count").ShouldBe(1);
        var mail = (await Tool(bob, "fetch_inbox", new { })).EnumerateArray().Single();
        await Tool(bob, "reply_message", new { message_id = mail.Text("message_id"), body_md = "b" });
        await Tool(bob, "mark_message_read", new { message_id = mail.Text("message_id") });
        foreach (var tool in (await Rpc(alice, "tools/list")).At("result").Items("tools").Select(tool => tool.At("inputSchema")))
            if (tool.Has("required"))
                tool.Texts("required").ShouldNotContain(name => name == "workspace_id" || name == "alias" || name.EndsWith("_name"));
    }

    [Fact]
    [OnAnyStore]
    public async Task Unknown_arguments_are_refused()
    {
        var agent = await NewProject().Agent();

        await Refused(agent, "acquire_lock", new { resource_key = "a", ttl_secs = 300 }, 422,
            "Unknown argument ttl_secs: did you mean ttl_seconds?");
        await Refused(agent, "whoami", new { zzz = 1 }, 422, "Unknown argument zzz. whoami takes no arguments.");
        (await Tool(agent, "list_locks", new { })).Items("reservations").ShouldBeEmpty();
    }

    [Fact]
    [OnAnyStore]
    public async Task What_a_client_that_states_its_version_is_refused_is_a_result_for_its_model()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await Tool(alice, "acquire_lock", new { resource_keys = new[] { "src/**" }, pattern = true, ttl_seconds = 300 });

        var refused = await Stating(bob, "acquire_lock", new { resource_key = "src/a.cs" });
        refused.Flag("isError").ShouldBeTrue();
        refused.Items("content").Single().Text("text").ShouldMatch(
            @"^Reservation is already held\nsrc/a\.cs: held by alice as src/\*\* until \S+Z \(in (29\d|300) s\)\nWork on something else");
        (await Stating(bob, "get_issue", new { })).Items("content").Single().Text("text")
            .ShouldBe("bead_id is required\nget_issue takes bead_id (required), repo, branch, as_of.");
        var locks = await Stating(bob, "list_locks", new { });
        locks.At("structuredContent").Items("reservations").Length.ShouldBe(1);
        (await Rpc(bob, "tools/call", new { name = "list_locks" })).At("result").Has("structuredContent").ShouldBeFalse();
        (await Stating(bob, "fetch_inbox", new { })).At("structuredContent").Items("messages").ShouldBeEmpty();
    }

    [Fact]
    public async Task Who_waits_is_woken_by_what_is_written()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Sync(
            Jsonl.Of(new { id = "bd-1", status = "open" }, new { id = "bd-2", status = "open", blocked_by = new[] { "bd-1" } })).Ok();
        var asked = await Tool(alice, "escalate", new { subject = "s", situation = "x" });

        (await Tool(alice, "wait_for", new { bead_id = "bd-2", timeout_seconds = 1 })).Flag("happened").ShouldBeFalse();
        var waiting = new[]
        {
            Tool(alice, "wait_for", new { events = new[] { "mail" }, timeout_seconds = 60 }),
            Tool(alice, "wait_for", new { events = new[] { "chat" }, timeout_seconds = 60 }),
            Tool(alice, "wait_for", new { escalation_id = asked.Text("escalation_id"), timeout_seconds = 60 }),
            Tool(alice, "wait_for", new { bead_id = "bd-2", timeout_seconds = 60 }),
        };
        await Tool(bob, "send_message", new { to = new[] { "alice" }, subject = "Plan", body_md = "b" });
        await Tool(bob, "chat_send", new { to_aliases = new[] { "alice" }, message = "there?" });
        await bob.Post($"/v1/escalations/{asked.Text("escalation_id")}/respond", new { response = "Yes" }).Ok();
        await Tool(bob, "close_issue", new { bead_id = "bd-1" });

        var woken = await Task.WhenAll(waiting);
        woken.Select(one => one.Text("event")).ShouldBe(["mail", "chat", "answer", "bead"]);
        woken[0].Items("messages").Single().Text("subject").ShouldBe("Plan");
        woken[2].At("escalation").Text("response").ShouldBe("Yes");
        woken[3].Items("issues").Single().Text("bead_id").ShouldBe("bd-2");
        // What is there already is told at once.
        (await Tool(alice, "wait_for", new { })).Text("event").ShouldBe("mail");
    }

    [Fact]
    [Checklist("beadhub", 284)]
    public async Task An_unknown_tool_is_an_error()
    {
        var agent = await NewProject().Agent();

        await Refused(agent, "no_such_tool", new { }, -32601, "Unknown tool: no_such_tool");
        (await Rpc(agent, "tools/call", "{\"name\":7}")).At("error").Number("code").ShouldBe(-32602);
        (await Rpc(agent, "tools/call", "{}")).At("error").Number("code").ShouldBe(-32602);
        (await Rpc(agent, "tools/call", "{\"name\":\"status\",\"arguments\":[]}")).At("error").Number("code").ShouldBe(-32602);
        (await Rpc(agent, "tools/call", "[]")).At("error").Number("code").ShouldBe(-32602);
    }

    [Fact]
    [Checklist("beadhub", 285)]
    public async Task Errors_come_with_status_200()
    {
        var agent = await NewProject().Agent();

        foreach (var version in new[] { "\"1.0\"", "2.0", "null" })
        {
            var wrong = (await Api.Post("/mcp", $"{{\"jsonrpc\":{version},\"id\":1,\"method\":\"tools/list\"}}").Ok()).At("error");
            (wrong.Number("code"), wrong.Text("message")).ShouldBe((-32600, "Invalid jsonrpc version"));
        }

        var unknown = (await Rpc(agent, "foo")).At("error");
        (unknown.Number("code"), unknown.Text("message")).ShouldBe((-32601, "Method not found: foo"));
        (await agent.Post("/mcp", "{\"jsonrpc\":\"2.0\"}").Ok()).At("error").Number("code").ShouldBe(-32601);
        var nobody = (await Rpc(Api, "tools/list")).At("error");
        (nobody.Number("code"), nobody.Text("message")).ShouldBe((401, "Authentication required"));
        (await Rpc(Api.As("nonsense"), "initialize")).At("error").Number("code").ShouldBe(401);
        (await Rpc(PublicReader(agent), "tools/list")).At("error").Number("code").ShouldBe(403);
        (await Rpc(Proxied(agent), "tools/list")).Has("result").ShouldBeTrue();
    }

    [Fact]
    [OnAnyStore]
    public async Task What_is_no_json_object_is_refused_before_who_asks()
    {
        foreach (var body in new[] { "", "{", "[]", "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", "7", "null", "\"x\"" })
            await Api.Post("/mcp", body).Invalid();
        await Api.Post("/mcp", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":" + new string('[', 200)
            + new string(']', 200) + "}").Invalid();
        (await Api.Get("/mcp")).Status.ShouldBe(401);
        (await Api.Delete("/mcp")).Status.ShouldBe(405);
    }

    [Fact]
    public async Task The_id_comes_back_as_it_was_sent()
    {
        var agent = await NewProject().Agent();

        foreach (var id in new[] { "1", "\"a\\u00e9\"", "null", "1.5", "{\"a\":[1]}", "12345678901234567890", "\"\\ud800\"" })
        {
            var answer = await agent.Post("/mcp", $"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}");
            answer.Text.ShouldBe($"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}");
        }

        (await agent.Post("/mcp", "{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}").Ok()).IsNull("id").ShouldBeTrue();
        var notified = await agent.Post("/mcp", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
        (notified.Status, notified.Text).ShouldBe((202, ""));
    }

    [Fact]
    [Checklist("beadhub", 286)]
    public async Task The_status_is_a_resource()
    {
        var agent = await NewProject().Agent();

        (await Rpc(agent, "resources/list")).At("result").Pluck("resources", "uri")
            .ShouldBe(["beadhub://status", "beadhub://policy", "beadhub://inbox", "beadhub://board"]);
        var content = (await Rpc(agent, "resources/read", new { uri = "beadhub://status" })).At("result").Items("contents").Single();

        (content.Text("uri"), content.Text("mimeType")).ShouldBe(("beadhub://status", "application/json"));
        JsonDocument.Parse(content.Text("text")).RootElement.At("workspace").Text("project_id").ShouldBe(agent.ProjectId);
    }

    [Fact]
    [Checklist("beadhub", 287)]
    public async Task Other_resources_do_not_exist()
    {
        var agent = await NewProject().Agent();

        foreach (var parameters in new[] { "{\"uri\":\"beadhub://nothing\"}", "{}", "{\"uri\":7}", "[]", "{\"uri\":\"\\ud800\"}" })
            (await Rpc(agent, "resources/read", parameters)).At("error").Number("code").ShouldBe(-32602, parameters);
        (await Rpc(agent, "resources/read", "{}")).At("error").Text("message").ShouldBe("uri parameter is required");
    }

    [Fact]
    public async Task Ready_issues_are_found()
    {
        var agent = await NewProject().Agent();
        await agent
            .Sync(Jsonl.Of(new { id = "bd-1", status = "open", priority = 1 }, new { id = "bd-2", status = "open", priority = 0 },
            new { id = "bd-3", status = "open", blocked_by = new[] { "bd-1" } })).Ok();

        (await Tool(agent, "get_ready_issues", new { workspace_id = agent.Id })).Pluck("issues", "bead_id").ShouldBe(["bd-2", "bd-1"]);
        (await Tool(agent, "get_ready_issues", new { workspace_id = agent.Id, limit = "1", repo = agent.Repo, branch = "main" }))
            .Pluck("issues", "bead_id").ShouldBe(["bd-2"]);
        foreach (object limit in new object[] { "x", 0, new int[] { }, new { } })
            (await Rpc(agent, "tools/call", new { name = "get_ready_issues", arguments = new { workspace_id = agent.Id, limit } }))
                .At("error").Number("code").ShouldBe(422);
    }

    [Fact]
    [Checklist("beadhub", 293)]
    public async Task The_project_is_the_callers_own()
    {
        var agent = await NewProject().Agent();

        foreach (object arguments in new object[] { new { human_key = "/somewhere" }, new { project_key = agent.Project.Slug }, new { } })
        {
            var project = await Tool(agent, "ensure_project", arguments);
            (project.Text("project_id"), project.Text("slug"), project.Has("name")).ShouldBe((agent.ProjectId, agent.Project.Slug, true));
        }

        await Refused(agent, "ensure_project", new { project_key = "another" }, 403, "project_key does not match your project");
    }

    [Fact]
    public async Task Tasks_are_made_started_and_closed()
    {
        var agent = await NewProject().Agent();

        var task = await Tool(agent, "create_task", new { title = "T", labels = new[] { "l" }, priority = 1 });
        (await Tool(agent, "ready_tasks", new { })).Pluck("tasks", "task_ref").ShouldBe([task.Text("task_ref")]);
        (await Tool(agent, "update_task", new { @ref = task.Text("task_ref"), status = "in_progress" })).Text("assignee_agent_id")
            .ShouldBe(agent.Id);
        (await Tool(agent, "list_claims", new { limit = 5 })).Pluck("claims", "bead_id").ShouldBe([task.Text("task_ref")]);
        await Tool(agent, "comment_on_task", new { @ref = 1, body = "said" });
        (await Tool(agent, "list_task_comments", new { @ref = "1" })).Pluck("comments", "body").ShouldBe(["said"]);
        (await Tool(agent, "list_tasks", new { labels = new[] { "l" }, status = "in_progress" })).Items("tasks").Length.ShouldBe(1);
        await Refused(agent, "create_task", new { }, 422, "title is required");
        await Refused(agent, "create_task", new { title = "" }, 422, "title: String should have at least 1 character");
        await Refused(agent, "get_task", new { @ref = "a/../b" }, 404, "Task not found");
        await Refused(agent, "get_task", new { @ref = "" }, 422, "Invalid ref format");
        await Refused(agent, "update_task", new { @ref = "1", status = "bogus" }, 422,
            "status: Input should be 'open', 'in_progress' or 'closed'");
        await Refused(agent, "add_task_dependency", new { @ref = "1", depends_on = "1" }, 422, "A task cannot depend on itself");
    }

    [Fact]
    [Checklist("beadhub", 294)]
    public async Task An_issue_is_shown_whole()
    {
        var (agent, other) = (await NewProject().Agent(), await NewProject().Agent());
        await agent.Sync(Jsonl.Of(new { id = "bd-1", title = "T", description = "D", status = "open" })).Ok();

        (await Tool(agent, "get_issue", new { bead_id = "bd-1" })).Text("description").ShouldBe("D");
        await Refused(agent, "get_issue", new { bead_id = "bd-2" }, 404, "Issue not found");
        await Refused(other, "get_issue", new { bead_id = "bd-1" }, 404, "Issue not found");
        await Refused(agent, "get_issue", new { }, 422, "bead_id is required");
        (await Rpc(agent, "tools/call", "{\"name\":\"get_issue\",\"arguments\":{\"bead_id\":\"\\ud800\"}}")).At("error").Number("code")
            .ShouldBe(422);
    }

    [Fact]
    [Checklist("beadhub", 289)]
    public async Task A_message_is_delivered_to_each_recipient()
    {
        var project = NewProject();
        var (alice, bob, carol) = (await project.Agent("alice"), await project.Agent("bob"), await project.Agent("carol"));
        await using var stream = await alice.Stream();

        var sent = await Tool(alice, "send_message", Message(alice, "hello", "bob"));
        (sent.Number("count"), sent.Items("deliveries").Single().Text("status"), sent.Items("deliveries").Single().Text("to"))
            .ShouldBe((1, "delivered", "bob"));
        sent.Items("deliveries").Single().Text("delivered_at").ShouldMatch("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$");
        (await Tool(alice, "send_message", Message(alice, "both", "bob", "carol"))).Pluck("deliveries", "to").ShouldBe(["bob", "carol"]);

        (await bob.Get("/v1/messages/inbox").Ok()).Pluck("messages", "subject").ShouldBe(["both", "hello"]);
        (await carol.Get("/v1/messages/inbox").Ok()).Items("messages").Single().Text("body").ShouldBe("text");
        await alice.Claim("bd-1").Ok();
        (await stream.Next()).Type.ShouldStartWith("bead.", Case.Sensitive, "mail of tools is silent");
    }

    [Fact]
    public async Task A_message_that_cannot_be_sent_is_refused()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));

        await Refused(alice, "send_message", new { project_key = "another", sender_name = "alice", to = new[] { "bob" }, subject = "s",
            body_md = "b" }, 403, "project_key does not match your project");
        await Refused(alice, "send_message", new { sender_name = "alice", subject = "s", body_md = "b" }, 422, "to is required");
        await Refused(alice, "send_message", new { sender_name = "alice", to = new[] { "bob" }, body_md = "b" }, 422,
            "subject is required");
        await Refused(alice, "send_message", new { sender_name = "alice", to = new[] { "bob" }, subject = "s", body_md = "b",
            importance = "huge" }, 422, "importance must be one of low, normal, high, urgent");
        await Refused(alice, "send_message", new { sender_name = "alice", to = new[] { "bob" }, subject = "a\0b", body_md = "b" }, 422,
            "subject must not contain NUL characters");
        await Refused(alice, "send_message", new { sender_name = "alice", to = new[] { "bob" }, subject = "s",
            body_md = new string('b', 1024 * 1024 + 1) }, 413, "Message body too large: at most 1048576 bytes");
        await Refused(alice, "send_message", new { sender_name = "bob", to = new[] { "bob" }, subject = "s", body_md = "b" }, 403,
            "sender_name does not match API key identity");
        await Refused(alice, "send_message", new { sender_name = "nobody", to = new[] { "bob" }, subject = "s", body_md = "b" }, 404,
            "Agent not found");
        (await bob.Get("/v1/messages/inbox").Ok()).Items("messages").ShouldBeEmpty();
        await Refused(alice, "send_message", Message(alice, "first gets it", "bob", "nobody"), 404, "Agent not found: nobody");
        (await bob.Get("/v1/messages/inbox").Ok()).Items("messages").Length.ShouldBe(1);
    }

    [Fact]
    [Checklist("beadhub", 290)]
    public async Task An_inbox_is_its_owners()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await Tool(alice, "send_message", Message(alice, "one", "bob"));
        await alice.Post("/v1/messages", new { to_alias = "bob", subject = "two", body = "urgent text", priority = "urgent" }).Ok();

        var mails = (await Tool(bob, "fetch_inbox", new { project_key = project.Slug, agent_name = "bob" })).EnumerateArray().ToArray();
        mails.Select(mail => (mail.Text("subject"), mail.Text("from_alias"), mail.Text("body")))
            .ShouldBe([("two", "alice", "urgent text"), ("one", "alice", "text")]);
        (mails[0].Flag("read"), mails[0].IsNull("read_at"), mails[0].Text("priority"), mails[0].Text("from_agent_id"))
            .ShouldBe((false, true, "urgent", alice.Id));
        (await Tool(bob, "fetch_inbox", new { agent_name = "bob", limit = 1 })).EnumerateArray().Count().ShouldBe(1);
        (await Tool(bob, "fetch_inbox", new { agent_name = "bob", urgent_only = true, include_bodies = false })).EnumerateArray().Single()
            .Has("body").ShouldBeFalse();
        (await Tool(bob, "fetch_inbox", new { agent_name = "bob", since_ts = "2001-01-01T00:00:00Z" })).EnumerateArray().Count()
            .ShouldBe(2);
        (await Tool(bob, "fetch_inbox", new { agent_name = "bob", since_ts = "2999-01-01T00:00:00Z" })).EnumerateArray().ShouldBeEmpty();
        await Refused(bob, "fetch_inbox", new { agent_name = "bob", since_ts = "yesterday" }, 422, "Invalid since_ts format");
        await Refused(bob, "fetch_inbox", new { agent_name = "bob", limit = "many" }, 422, "limit must be an integer");
        await Refused(bob, "fetch_inbox", new { agent_name = "alice" }, 403, "agent_name does not match API key identity");
    }

    [Fact]
    [Checklist("beadhub", 291)]
    public async Task A_mail_is_acknowledged_and_read()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var id = (await Tool(alice, "send_message", Message(alice, "one", "bob"))).Items("deliveries")[0].Text("message_id");

        var acknowledged = await Tool(bob, "acknowledge_message", new { agent_name = "bob", message_id = id.ToUpperInvariant() });
        (acknowledged.Text("message_id"), acknowledged.Flag("acknowledged"), acknowledged.Text("read_at"))
            .ShouldBe((id, true, acknowledged.Text("acknowledged_at")));
        var read = await Tool(bob, "mark_message_read", new { agent_name = "bob", message_id = id });
        (read.Flag("read"), read.Text("read_at")).ShouldBe((true, acknowledged.Text("read_at")));
        (await Tool(bob, "fetch_inbox", new { agent_name = "bob" })).EnumerateArray().Single().Flag("read").ShouldBeTrue();
        await Refused(bob, "acknowledge_message", new { agent_name = "bob", message_id = "x" }, 422, "Invalid message_id format");
        (await Rpc(bob, "tools/call", new { name = "acknowledge_message",
            arguments = new { agent_name = "bob", message_id = Guid.NewGuid() } })).At("error").Number("code").ShouldBe(404);
        (await Rpc(alice, "tools/call", new { name = "acknowledge_message", arguments = new { agent_name = "alice", message_id = id } }))
            .At("error").Number("code").ShouldBe(403);
    }

    [Fact]
    [Checklist("beadhub", 292)]
    public async Task A_reply_stays_in_the_thread()
    {
        var project = NewProject();
        var (alice, bob, carol) = (await project.Agent("alice"), await project.Agent("bob"), await project.Agent("carol"));
        var id = (await Tool(alice, "send_message", Message(alice, "plan", "bob"))).Items("deliveries")[0].Text("message_id");

        var reply = await Tool(bob, "reply_message",
            new { project_key = project.Slug, message_id = id, sender_name = "bob", body_md = "yes" });
        (reply.Number("count"), reply.Text("reply_to"), reply.Text("thread_id")).ShouldBe((1, id, id));
        var answer = (await alice.Get("/v1/messages/inbox").Ok()).Items("messages").Single();
        (answer.Text("subject"), answer.Text("thread_id"), answer.Text("body")).ShouldBe(("Re: plan", id, "yes"));
        var again = await Tool(alice, "reply_message",
            new { message_id = answer.Text("message_id"), sender_name = "alice", body_md = "more", to = new[] { "carol" },
            subject_prefix = "Fwd:" });
        (again.Text("thread_id"), again.Text("reply_to")).ShouldBe((id, answer.Text("message_id")));
        (await carol.Get("/v1/messages/inbox").Ok()).Items("messages").Single().Text("subject").ShouldBe("Fwd: Re: plan");
        await Refused(carol, "reply_message", new { message_id = id, sender_name = "carol", body_md = "b" }, 404, "Message not found");
    }

    [Fact]
    public async Task A_lock_that_is_held_says_by_whom()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));

        await Tool(alice, "acquire_lock", new { resource_key = "src/a.cs", ttl_seconds = 300, metadata = new { reason = "edit" } });
        var refused = (await Rpc(bob, "tools/call", new { name = "acquire_lock", arguments = new { resource_key = "src/a.cs" } }))
            .At("error");
        (refused.Number("code"), refused.At("data").Text("holder_alias")).ShouldBe((409, "alice"));
        (await Tool(bob, "list_locks", new { prefix = "src/" })).Pluck("reservations", "resource_key").ShouldBe(["src/a.cs"]);
        await Tool(alice, "renew_lock", new { resource_key = "src/a.cs" });
        await Tool(alice, "release_lock", new { resource_key = "src/a.cs" });
        await Tool(bob, "acquire_lock", new { resource_key = "src/a.cs" });
    }

    [Fact]
    [OnAnyStore]
    public async Task Locks_are_for_a_minute_unless_said_otherwise_and_may_be_patterns()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));

        await Tool(alice, "acquire_lock", new { resource_key = "a" });
        var held = (await Tool(alice, "list_locks", new { })).Items("reservations").Single();
        held.Number("ttl_remaining_seconds").ShouldBeInRange(50, 60);
        foreach (var tool in (await Rpc(alice, "tools/list")).At("result").Items("tools")
            .Where(tool => tool.Text("name") is "acquire_lock" or "acquire_locks" or "renew_lock"))
            tool.At("inputSchema").At("properties").At("ttl_seconds").Text("description").ShouldContain("60 unless given");

        (await Tool(alice, "acquire_locks", new { resource_keys = new[] { "src/**", "doc/*.md" }, pattern = true }))
            .Texts("resource_keys").Length.ShouldBe(2);
        (await Rpc(bob, "tools/call", new { name = "acquire_lock", arguments = new { resource_key = "src/x/y.cs" } })).At("error")
            .Number("code").ShouldBe(409);
        await Tool(bob, "acquire_lock", new { resource_key = "lib/*", pattern = true });
        (await Rpc(alice, "tools/call", new { name = "acquire_lock", arguments = new { resource_key = "lib/a" } })).At("error")
            .Number("code").ShouldBe(409);
    }

    [Fact]
    public async Task A_writing_tool_with_a_key_is_done_once()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var tools = (await Rpc(alice, "tools/list")).At("result").Items("tools");
        foreach (var tool in tools)
            tool.At("inputSchema").At("properties").Has("idempotency_key")
                .ShouldBe(!tool.At("annotations").Flag("readOnlyHint"), tool.Text("name"));

        // A tool that is a request to an endpoint, and one that is not.
        var task = await Tool(alice, "create_task", new { title = "t", idempotency_key = "k-1" });
        (await Tool(alice, "create_task", new { title = "t", idempotency_key = "k-1" })).GetRawText().ShouldBe(task.GetRawText());
        (await alice.Get("/v1/tasks").Ok()).Items("tasks").Length.ShouldBe(1);
        object Mail(string text, string key) =>
            new { sender_name = "alice", to = new[] { "bob", "alice" }, subject = "s", body_md = text, idempotency_key = key };
        var sent = await Tool(alice, "send_message", Mail("text", "k-2"));
        (await Tool(alice, "send_message", Mail("text", "k-2"))).GetRawText().ShouldBe(sent.GetRawText());
        (await bob.Get("/v1/messages/inbox").Ok()).Items("messages").Length.ShouldBe(1);
        await Tool(bob, "acknowledge_message", new { agent_name = "bob", message_id = sent.Items("deliveries")[0].Text("message_id"),
            idempotency_key = "k-2" });

        await Refused(alice, "create_task", new { title = "another", idempotency_key = "k-1" }, 422,
            "This Idempotency-Key was used for another request");
        await Refused(alice, "send_message", Mail("another", "k-2"), 422, "This Idempotency-Key was used for another request");
        await Refused(alice, "create_task", new { title = "t", idempotency_key = 5 }, 422, "idempotency_key must be a string");
        await Refused(alice, "create_task", new { title = "t", idempotency_key = "ü" }, 422,
            "Invalid Idempotency-Key: 1 to 255 printable ASCII characters");
        await Refused(alice, "send_message", new { sender_name = "bob", to = new[] { "bob" }, subject = "s", body_md = "b",
            idempotency_key = "k-3" }, 403, "sender_name does not match API key identity");

        // The header of the same request to the endpoint is the same key.
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/tasks") { Content = Api.Content("{\"title\":\"t\"}") };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", "k-1");
        var repeated = await alice.Send(request);
        (repeated.Header("Idempotent-Replayed"), repeated.Ok().Text("task_id")).ShouldBe(("true", task.Text("task_id")));
    }

    [Fact]
    [Checklist("beadhub", 288)]
    public async Task Subscriptions_need_only_the_workspace()
    {
        var project = NewProject();
        var (agent, other) = (await project.Agent(), await project.Agent());
        await Needs("/v1/subscriptions");

        var subscribed = await Tool(agent, "subscribe_to_bead",
            new { workspace_id = agent.Id, bead_id = "bd-1", event_types = new[] { "all" } });
        (subscribed.Text("bead_id"), subscribed.Text("alias")).ShouldBe(("bd-1", agent.Alias));
        (await Tool(agent, "list_subscriptions", new { workspace_id = agent.Id })).Number("count").ShouldBe(1);
        (await Rpc(other, "tools/call", new { name = "list_subscriptions", arguments = new { workspace_id = agent.Id } })).At("error")
            .Number("code").ShouldBe(403);
        (await Tool(agent, "unsubscribe", new { workspace_id = agent.Id, subscription_id = subscribed.Text("subscription_id") }))
            .Flag("deleted").ShouldBeTrue();
        (await Tool(agent, "list_subscriptions", new { workspace_id = agent.Id })).Number("count").ShouldBe(0);
    }

    [Fact]
    [Checklist("beadhub", 294)]
    public async Task An_escalation_is_shown_whole()
    {
        var agent = await NewProject().Agent();
        await Needs("/v1/escalations");

        var escalated = await Tool(agent, "escalate",
            new { workspace_id = agent.Id, alias = agent.Alias, subject = "s", situation = "x", options = new[] { "a", "b" } });
        var shown = await Tool(agent, "get_escalation", new { escalation_id = escalated.Text("escalation_id") });
        (shown.Text("status"), shown.Text("situation"), shown.Text("workspace_id")).ShouldBe(("pending", "x", agent.Id));
        shown.Texts("options").ShouldBe(["a", "b"]);
        await Refused(agent, "get_escalation", new { escalation_id = Guid.NewGuid() }, 404, "Escalation not found");
    }

    [Fact]
    public async Task The_next_bead_is_claimed_and_released()
    {
        var agent = await NewProject().Agent();
        await Needs("/v1/beads/claim-next");
        await agent.Sync(Jsonl.Of(new { id = "bd-1", status = "open", priority = 1 }, new { id = "bd-2", status = "open", priority = 0 }))
            .Ok();

        await Tool(agent, "claim_next", new { });
        (await Tool(agent, "list_claims", new { })).Pluck("claims", "bead_id").ShouldBe(["bd-2"]);
        await Tool(agent, "join_bead", new { bead_id = "bd-1", note = "helps" });
        await Tool(agent, "release_bead", new { bead_id = "bd-2" });
        (await Tool(agent, "list_claims", new { })).Pluck("claims", "bead_id").ShouldBe(["bd-1"]);
    }

    [Fact]
    public async Task Chat_goes_to_and_fro()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await Needs("/v1/chat/sessions");

        var session = (await Tool(alice, "chat_send", new { to_aliases = new[] { "bob" }, message = "ready?" })).Text("session_id");
        (await Tool(bob, "chat_pending", new { })).GetRawText().ShouldContain(session);
        await Tool(bob, "chat_reply", new { session_id = session, body = "yes" });
        var history = (await Tool(alice, "chat_history", new { session_id = session, limit = 10 })).Items("messages");
        history.Select(message => message.Text("body")).ShouldBe(["ready?", "yes"]);
        await Tool(alice, "chat_mark_read", new { session_id = session, up_to_message_id = history[1].Text("message_id") });
        (await Tool(alice, "chat_pending", new { })).GetRawText().ShouldNotContain(session);
    }

    [Fact]
    public async Task The_policy_is_shown()
    {
        var agent = await NewProject().Agent();
        await Needs("/v1/policies/active");

        (await Tool(agent, "get_policy", new { role = "reviewer", only_selected = true })).At("selected_role").Text("role")
            .ShouldBe("reviewer");
    }

    private static async Task<JsonElement> Stating(Agent agent, string tool, object arguments)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/mcp")
        {
            Content = Api.Content(new { jsonrpc = "2.0", id = 1, method = "tools/call", @params = new { name = tool, arguments } }),
        };
        request.Headers.Add("MCP-Protocol-Version", "2025-06-18");
        return (await agent.Send(request).Ok()).At("result");
    }

    /// <summary>The tools of endpoints that this server does not have are not there either.</summary>
    private async Task Needs(string path)
    {
        if (!(await Api.Get("/openapi/v1.json").Ok()).At("paths").Has(path)) Assert.Skip($"This server has no {path}.");
    }

    private static object Message(Agent sender, string subject, params string[] to) =>
        new { project_key = sender.Project.Slug, sender_name = sender.Alias, to, subject, body_md = "text" };

    private static async Task<JsonElement> Tool(Api api, string name, object arguments)
    {
        var answer = await Rpc(api, "tools/call", new { name, arguments });
        if (!answer.Has("result")) throw new InvalidOperationException($"{name}: {answer}");
        var content = answer.At("result").Items("content").Single();
        content.Text("type").ShouldBe("text");
        return JsonDocument.Parse(content.Text("text")).RootElement;
    }

    private static async Task Refused(Api api, string name, object arguments, int code, string message)
    {
        var answer = await Rpc(api, "tools/call", new { name, arguments });
        answer.Has("error").ShouldBeTrue(answer.ToString());
        (answer.At("error").Number("code"), answer.At("error").Text("message")).ShouldBe((code, message), answer.ToString());
    }

    private static async Task<JsonElement> Rpc(Api api, string method, object? parameters = null)
    {
        var answer = await api.Post("/mcp", parameters is string raw
            ? $"{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"{method}\",\"params\":{raw}}}"
            : new { jsonrpc = "2.0", id = 7, method, @params = parameters }).Ok();
        (answer.Text("jsonrpc"), answer.Number("id")).ShouldBe(("2.0", 7));
        return answer;
    }
}
