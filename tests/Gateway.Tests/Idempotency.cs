using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>The <c>Idempotency-Key</c> header: a repeated write returns its first answer.</summary>
public abstract class IdempotencyContract(Store store) : ContractTests(store)
{
    [Fact]
    public async Task A_repeat_gets_the_first_answer_and_does_nothing()
    {
        var agent = await NewProject().Agent();
        var body = new { project_id = agent.ProjectId, origin_url = agent.Project.OriginOf("second") };

        var first = await Once(agent, "k-1", "/v1/repos/ensure", body);
        var again = await Once(agent, "k-1", "/v1/repos/ensure", body);
        var another = await agent.Post("/v1/repos/ensure", body);

        first.Ok().Flag("created").ShouldBeTrue();
        first.Header("Idempotent-Replayed").ShouldBeNull();
        (again.Status, again.Text, again.Header("Content-Type"), again.Header("Idempotent-Replayed"))
            .ShouldBe((200, first.Text, first.Header("Content-Type"), "true"));
        another.Ok().Flag("created").ShouldBeFalse();
    }

    [Fact]
    public async Task A_refusal_is_repeated_too_but_not_one_for_want_of_a_key()
    {
        var (alice, bob) = await Two();
        await alice.Claim("bd-1").Ok();
        var claim = bob.Self();
        claim["sync_mode"] = "incremental";
        claim["changed_issues"] = Jsonl.Of(new { id = "bd-1", status = "in_progress" });
        claim["command_line"] = "update bd-1 --status in_progress";

        var rejected = await Once(bob, "k", "/v1/bdh/sync", claim);
        rejected.Ok().Flag("claim_rejected").ShouldBeTrue();
        await alice.Close("bd-1").Ok();
        (await Once(bob, "k", "/v1/bdh/sync", claim)).Text.ShouldBe(rejected.Text);
        (await Once(bob, "k-2", "/v1/bdh/sync", claim)).Ok().Flag("claim_rejected").ShouldBeFalse();

        var nobody = new Api(Api.Address);
        await Task
            .FromResult(await Once(nobody, "k", "/v1/repos/ensure",
            new { project_id = alice.ProjectId, origin_url = "https://github.com/a/b" })).Unauthorized();
    }

    [Fact]
    public async Task A_key_belongs_to_one_request_of_one_caller()
    {
        var (alice, bob) = await Two();
        var body = new { project_id = alice.ProjectId, origin_url = alice.Project.OriginOf("second") };
        (await Once(alice, "k", "/v1/repos/ensure", body)).Ok().Flag("created").ShouldBeTrue();

        (await Once(bob, "k", "/v1/repos/ensure", body)).Ok().Flag("created").ShouldBeFalse();
        await Task
            .FromResult(await Once(alice, "k", "/v1/repos/ensure",
            new { project_id = alice.ProjectId, origin_url = alice.Project.OriginOf("third") }))
            .RefusedWith(422, "used for another request");
        await Task.FromResult(await Once(alice, "k", "/v1/repos/ensure?x=1", body)).RefusedWith(422, "used for another request");
        foreach (var bad in new[] { new string('k', 256), "schlüssel" })
            await Task.FromResult(await Once(alice, bad, "/v1/repos/ensure", body)).RefusedWith(422, "Invalid Idempotency-Key");
    }

    [Fact]
    public async Task Of_many_at_once_one_is_carried_out()
    {
        var agent = await NewProject().Agent();
        var body = new { project_id = agent.ProjectId, origin_url = agent.Project.OriginOf("second") };

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Once(agent, "k", "/v1/repos/ensure", body)));

        answers.Select(answer => answer.Text).Distinct().Count().ShouldBe(1);
        answers.ShouldAllBe(answer => answer.Ok().GetProperty("created").GetBoolean());
        answers.Count(answer => answer.Header("Idempotent-Replayed") is null).ShouldBe(1);
    }

    [Fact]
    public async Task The_answer_outlives_the_server()
    {
        await using var server = await Store.Own();
        var agent = await new Project(server.Api).Agent();
        var body = new { project_id = agent.ProjectId, origin_url = agent.Project.OriginOf("second") };
        var first = await Once(agent, "k", "/v1/repos/ensure", body);

        await server.Kill();
        await server.Restart();

        var again = await Once(agent.At(server.Api), "k", "/v1/repos/ensure", body);
        (again.Status, again.Text, again.Header("Idempotent-Replayed")).ShouldBe((200, first.Text, "true"));
    }

    [Fact]
    public async Task Users_of_a_proxy_who_share_an_agent_get_answers_of_their_own()
    {
        var agent = await NewProject().Agent();
        Api User() => Proxied(agent);
        var (first, second) = (User(), User());
        object Body(string name) => new { project_id = agent.ProjectId, origin_url = agent.Project.OriginOf(name) };

        (await Once(first, "k", "/v1/repos/ensure", Body("one"))).Ok().Flag("created").ShouldBeTrue();
        (await Once(second, "k", "/v1/repos/ensure", Body("two"))).Ok().Flag("created").ShouldBeTrue();
        (await Once(agent, "k", "/v1/repos/ensure", Body("three"))).Ok().Flag("created").ShouldBeTrue();

        (await Once(first, "k", "/v1/repos/ensure", Body("one"))).Header("Idempotent-Replayed").ShouldBe("true");
        await Task.FromResult(await Once(first, "k", "/v1/repos/ensure", Body("two"))).RefusedWith(422, "used for another request");
    }

    [Fact]
    public async Task A_repeat_shows_the_secret_of_the_webhook_that_was_registered_first()
    {
        var (alice, _) = await Two();
        var body = new { url = "https://example.com/hook", events = Array.Empty<string>() };

        var first = await Once(alice, "k", "/v1/webhooks", body).Ok();
        var again = await Once(alice, "k", "/v1/webhooks", body);

        again.Header("Idempotent-Replayed").ShouldBe("true");
        again.Json.GetRawText().ShouldBe(first.GetRawText());
    }

    [Fact]
    public async Task What_one_decision_answers_is_answered_the_same_after_a_crash_and_done_once()
    {
        await using var server = await Store.Own();
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Sync(Jsonl.Of(new { id = "bd-1", status = "open" }, new { id = "bd-2", status = "open" })).Ok();
        (string Path, object Body)[] requests =
        [
            ("/v1/messages", new { to_alias = "bob", subject = "s", body = "b" }),
            ("/v1/tasks", new { title = "T", description = "D" }),
            ("/v1/tasks/1/comments", new { body = "said" }),
            ("/v1/reservations", new { resource_key = "k" }),
            ("/v1/reservations/renew", new { resource_key = "k", ttl_seconds = 600 }),
            ("/v1/reservations/release", new { resource_key = "k" }),
            ("/v1/agents/bob/control", new { signal = "pause" }),
            ("/v1/beads/claim-next", new { }),
            ("/v1/beads/bd-2/claims", new { note = "joins" }),
        ];
        var first = new List<Answer>();
        for (var i = 0; i < requests.Length; i++) first.Add(await Once(alice, $"k-{i}", requests[i].Path, requests[i].Body));
        await alice.Patch("/v1/tasks/1", new { title = "Another", description = "Other" }).Ok();
        await alice.Close("bd-1").Ok();

        await server.Kill();
        await server.Restart();

        (alice, bob) = (alice.At(server.Api), bob.At(server.Api));
        for (var i = 0; i < requests.Length; i++)
        {
            var again = await Once(alice, $"k-{i}", requests[i].Path, requests[i].Body);
            first[i].Header("Idempotent-Replayed").ShouldBeNull(requests[i].Path);
            (again.Status, again.Text, again.Header("Idempotent-Replayed")).ShouldBe((200, first[i].Text, "true"), requests[i].Path);
        }

        (await bob.Inbox()).ShouldHaveSingleItem();
        (await alice.Get("/v1/tasks/1/comments").Ok()).Items("comments").ShouldHaveSingleItem();
        (await alice.Get("/v1/tasks/2")).Status.ShouldBe(404);
        (await alice.Get("/v1/reservations").Ok()).Items("reservations").ShouldBeEmpty();
        (await alice.Get("/v1/claims").Ok()).Pluck("claims", "bead_id").ShouldBe(["bd-2"]);
    }

    [Fact]
    public async Task What_was_committed_when_the_server_died_is_answered_and_not_done_again()
    {
        await using var server = await Store.Own();
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var body = new { to_alias = "bob", subject = "s", body = "b" };

        var lost = Once(alice, "k", "/v1/messages", body);
        while ((await bob.Inbox()).Length == 0) TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        await server.Kill();
        await lost.ContinueWith(static _ => { }, TaskScheduler.Default);
        await server.Restart();

        var answer = (await Once(alice.At(server.Api), "k", "/v1/messages", body)).Ok();
        (await bob.At(server.Api).Inbox()).ShouldHaveSingleItem().Text("message_id").ShouldBe(answer.Text("message_id"));
    }

    [Fact]
    public async Task A_repeat_is_answered_though_sender_and_recipient_have_ended()
    {
        var (alice, bob) = await Two();
        var body = new { to_agent_id = bob.Id, subject = "s", body = "b" };
        var first = await Once(alice, "k", "/v1/messages", body);
        await bob.Delete("/v1/agents/me").Ok();
        await alice.Delete("/v1/agents/me").Ok();

        var again = await Once(alice, "k", "/v1/messages", body);

        (again.Status, again.Text, again.Header("Idempotent-Replayed")).ShouldBe((200, first.Text, "true"));
        (await Once(alice, "k-2", "/v1/messages", body)).Status.ShouldBe(404);
    }

    [Fact]
    public async Task A_key_is_not_used_for_another_request_whatever_came_of_the_first()
    {
        var (alice, bob) = await Two();
        await bob.Post("/v1/reservations", new { resource_key = "k" }).Ok();
        var held = await Once(alice, "refused", "/v1/reservations", new { resource_key = "k" });
        (await Once(alice, "done", "/v1/reservations", new { resource_key = "other" })).Ok();

        foreach (var key in new[] { "refused", "done" })
        {
            await Task.FromResult(await Once(alice, key, "/v1/reservations", new { resource_key = "free" }))
                .RefusedWith(422, "used for another request");
            await Task.FromResult(await Once(alice, key, "/v1/tasks", new { title = "T" })).RefusedWith(422, "used for another request");
        }

        await bob.Post("/v1/reservations/release", new { resource_key = "k" }).Ok();
        var again = await Once(alice, "refused", "/v1/reservations", new { resource_key = "k" });
        (again.Status, again.Text, again.Header("Idempotent-Replayed")).ShouldBe((409, held.Text, "true"));
    }

    private async Task<(Agent Alice, Agent Bob)> Two()
    {
        var project = NewProject();
        return (await project.Agent("alice"), await project.Agent("bob"));
    }

    private static Task<Answer> Once(Api caller, string key, string path, object body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = Api.Content(body) };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return caller.Send(request);
    }
}
