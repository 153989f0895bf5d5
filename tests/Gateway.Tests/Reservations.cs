using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>/v1/reservations (protocol 9): keys, several at once, and patterns of keys.</summary>
public abstract class ReservationsContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("aweb", 128)]
    public async Task A_key_is_acquired()
    {
        var agent = await NewProject().Agent();

        var acquired = await agent.Post("/v1/reservations",
            new { resource_key = "k", ttl_seconds = 120, metadata = new { reason = "manual" } }).Ok();

        acquired.Text("status").ShouldBe("acquired");
        acquired.Text("project_id").ShouldBe(agent.ProjectId);
        acquired.Text("resource_key").ShouldBe("k");
        acquired.Text("holder_agent_id").ShouldBe(agent.Id);
        acquired.Text("holder_alias").ShouldBe(agent.Alias);
        acquired.Text("acquired_at").ShouldBeTimestamp();
        acquired.Text("expires_at").ShouldBeTimestamp();
        Seconds(acquired).ShouldBe(120);
    }

    [Theory]
    [InlineData("5", 60)]
    [InlineData("999999", 3600)]
    [InlineData("3601", 3600)]
    [InlineData("1000000000000", 3600)]
    [InlineData("1000000000000000000000000000000", 3600)]
    [InlineData("\"120\"", 120)]
    [InlineData("90.0", 90)]
    [InlineData(null, 60)]
    [Checklist("aweb", 129)]
    public async Task A_time_to_live_is_clamped(string? ttl, int granted)
    {
        var agent = await NewProject().Agent();
        Seconds(await agent.Post("/v1/reservations", $$"""{"resource_key":"k"{{(ttl is null ? "" : ",\"ttl_seconds\":" + ttl)}}}""").Ok())
            .ShouldBe(granted);
    }

    [Theory]
    [InlineData("0", "greater_than_equal")]
    [InlineData("-1", "greater_than_equal")]
    [InlineData("-1e30", "greater_than_equal")]
    [InlineData("\"abc\"", "int_parsing")]
    [InlineData("60.5", "int_type")]
    [InlineData("true", "int_type")]
    [InlineData("[]", "int_type")]
    [Checklist("aweb", 129)]
    [OnAnyStore]
    public async Task Some_times_to_live_are_refused(string ttl, string type)
    {
        foreach (var path in new[] { "/v1/reservations", "/v1/reservations/renew" })
            await Api.Post(path, $$"""{"resource_key":"k","ttl_seconds":{{ttl}}}""").Invalid("ttl_seconds", type);
    }

    [Fact]
    [Checklist("aweb", 130)]
    [Checklist("aweb", 131)]
    public async Task A_held_key_is_refused_to_everybody()
    {
        var (alice, bob) = await Two();
        var acquired = await Acquire(alice, "k").Ok();

        foreach (var agent in new[] { alice, bob })
        {
            var refused = await Acquire(agent, "k");
            refused.Status.ShouldBe(409, refused.ToString());
            refused.Json.Text("detail").ShouldBe("Reservation is already held");
            refused.Json.Text("holder_agent_id").ShouldBe(alice.Id);
            refused.Json.Text("holder_alias").ShouldBe("alice");
            refused.Json.Text("expires_at").ShouldBe(acquired.Text("expires_at"));
        }
    }

    [Fact]
    [Checklist("aweb", 132)]
    public async Task Projects_are_apart()
    {
        var (alice, stranger) = (await NewProject().Agent(), await NewProject().Agent());
        await Acquire(alice, "k").Ok();
        await Acquire(stranger, "k").Ok();
        (await Acquire(stranger, "**", pattern: true)).Status.ShouldBe(200);

        await stranger.Post("/v1/reservations/revoke", new { }).Ok();
        (await alice.Get("/v1/reservations").Ok()).Pluck("reservations", "holder_agent_id").ShouldBe([alice.Id]);
        (await stranger.Get("/v1/reservations").Ok()).Items("reservations").ShouldBeEmpty();
    }

    [Fact]
    [Checklist("aweb", 133)]
    [Checklist("aweb", 11)]
    public async Task Bad_fields_are_refused_before_the_caller_is_looked_at()
    {
        async Task Refused(object body, string field, string? type = null, string? says = null) =>
            await Api.Post("/v1/reservations", body).Invalid(field, type, says);

        await Refused(new { resource_key = "" }, "resource_key", "string_too_short");
        await Refused(new { resource_key = new string('k', 4097) }, "resource_key", "string_too_long");
        await Refused(new { resource_key = "a\0b" }, "resource_key", "value_error", "NUL");
        await Refused(new { resource_key = 1 }, "resource_key", "string_type");
        await Refused(new { }, "resource_key", "missing");
        await Refused("""{"resource_key":"\ud800"}""", "body", "json_invalid");
        await Refused(new { resource_key = "k", metadata = Array.Empty<int>() }, "metadata", "dict_type");
        await Refused("""{"resource_key":"k","metadata":null}""", "metadata", "dict_type");
        await Refused(new { resource_key = "k", metadata = new { a = new string('x', 64 * 1024) } }, "metadata", says: "too large");
        await Refused(new { resource_key = "k", metadata = new { a = "\0" } }, "metadata", says: "NUL");
        await Refused("""{"resource_key":"k","metadata":{"a":""" + new string('[', 50) + new string(']', 50) + "}}", "metadata",
            says: "too deep");
        await Refused("""{"resource_key":"k","metadata":{"a":"\udfff"}}""", "body", "json_invalid");
        await Refused(new { resource_key = "k", project_id = "x" }, "project_id", "extra_forbidden");
        await Refused(new { resource_key = "k", pattern = "maybe" }, "pattern", "bool_parsing");
        await Refused(new { resource_key = "k", pattern = 7 }, "pattern", "bool_parsing");
        await Refused(new { resource_key = "a{b", pattern = true }, "resource_key", "value_error", "brace");
        await Refused(new { resource_key = "k", resource_keys = new[] { "k" } }, "resource_key", "value_error");
        await Refused(new { resource_keys = Array.Empty<string>() }, "resource_keys", "value_error");
        await Refused(new { resource_keys = new[] { "a", "" } }, "resource_keys", "value_error");
        await Refused(new { resource_keys = new object[] { "a", 1 } }, "resource_keys", "string_type");
        await Refused(new { resource_keys = "a" }, "resource_keys", "list_type");
        await Refused(new { resource_keys = Enumerable.Range(0, 257).Select(i => $"{i}") }, "resource_keys", "value_error");
        await Refused(new { resource_keys = Enumerable.Range(0, 17).Select(i => $"{i}/*"), pattern = true }, "resource_keys",
            "value_error");
        await Api.Post("/v1/reservations/revoke").Invalid(type: "missing");
        await Api.Post("/v1/reservations/revoke", new { prefix = new string('p', 4097) }).Invalid("prefix", "string_too_long");
        await Api.Post("/v1/reservations/release", new { resource_key = "k", alias = "x" }).Invalid("alias", "extra_forbidden");

        foreach (var path in new[] { "", "/renew", "/release" })
            await Api.Post($"/v1/reservations{path}", new { resource_key = "k" }).Unauthorized();
        await Api.Post("/v1/reservations/revoke", new { }).Unauthorized();
        await Api.Get("/v1/reservations").Unauthorized();

        var longest = new string('é', 4096);
        (await Acquire(await NewProject().Agent(), longest).Ok()).Text("resource_key").ShouldBe(longest);
    }

    [Fact]
    [Checklist("aweb", 134)]
    public async Task Of_many_at_once_exactly_one_wins()
    {
        var project = NewProject();
        var agents = new List<Agent>();
        for (var i = 0; i < 20; i++) agents.Add(await project.Agent());
        for (var round = 0; round < 3; round++)
        {
            var key = $"k{round}";
            var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Acquire(agents[i % agents.Count], key)));

            var winner = answers.Single(answer => answer.Status == 200);
            answers.Count(answer => answer.Status == 409).ShouldBe(63);
            answers.Where(answer => answer.Status == 409).ShouldAllBe(answer =>
                answer.Json.Text("holder_agent_id") == winner.Json.Text("holder_agent_id"));
            (await agents[0].Get($"/v1/reservations?prefix={key}").Ok()).Pluck("reservations", "holder_agent_id")
                .ShouldBe([winner.Json.Text("holder_agent_id")]);
        }
    }

    [Fact]
    public async Task Many_take_and_give_back_keys_of_their_own()
    {
        var project = NewProject();
        var agents = new List<Agent>();
        for (var i = 0; i < 8; i++) agents.Add(await project.Agent());
        await Task.WhenAll(Enumerable.Range(0, 32).Select(async worker =>
        {
            for (var i = 0; i < 10; i++)
            {
                var agent = agents[worker % agents.Count];
                await Acquire(agent, $"w{worker}").Ok();
                await agent.Post("/v1/reservations/renew", new { resource_key = $"w{worker}", ttl_seconds = 300 }).Ok();
                if (i < 9) await Release(agent, $"w{worker}").Ok();
            }
        }));
        (await agents[0].Get("/v1/reservations").Ok()).Number("count").ShouldBe(32);
    }

    [Fact]
    [Checklist("aweb", 135)]
    public async Task Renewing_moves_the_end_only()
    {
        var (alice, bob) = await Two();
        var acquired = await alice.Post("/v1/reservations",
            new { resource_key = "k", metadata = new { reason = "auto-reserve", n = 1.50 } }).Ok();

        var renewed = await alice.Post("/v1/reservations/renew", new { resource_key = "k", ttl_seconds = 600 }).Ok();
        renewed.Text("status").ShouldBe("renewed");
        renewed.Text("resource_key").ShouldBe("k");
        Time(renewed, "expires_at").ShouldBeGreaterThan(Time(acquired, "expires_at"));
        var listed = (await bob.Get("/v1/reservations").Ok()).Items("reservations").Single();
        listed.Text("acquired_at").ShouldBe(acquired.Text("acquired_at"));
        listed.Text("expires_at").ShouldBe(renewed.Text("expires_at"));
        listed.At("metadata").GetRawText().ShouldBe("""{"reason":"auto-reserve","n":1.5}""");

        await bob.Post("/v1/reservations/renew", new { resource_key = "k" }).Refused(409, "Reservation held by another agent");
    }

    [Fact]
    [Checklist("aweb", 136)]
    public async Task What_nobody_holds_cannot_be_renewed()
    {
        var agent = await NewProject().Agent();
        await agent.Post("/v1/reservations/renew", new { resource_key = "k" }).Refused(404, "Reservation not found");
        await Acquire(agent, "k").Ok();
        await Release(agent, "k").Ok();
        await agent.Post("/v1/reservations/renew", new { resource_key = "k" }).Refused(404, "Reservation not found");
    }

    [Fact]
    [Checklist("aweb", 137)]
    [Checklist("aweb", 138)]
    public async Task A_released_key_is_free()
    {
        var (alice, bob) = await Two();
        await Acquire(alice, "k").Ok();

        await Release(bob, "k").Refused(409, "Reservation held by another agent");
        (await Release(alice, "k").Ok()).GetRawText().ShouldBe("""{"status":"released","resource_key":"k"}""");
        await Release(alice, "k").Ok();
        (await Release(alice, "unknown").Ok()).Text("resource_key").ShouldBe("unknown");
        await Acquire(bob, "k").Ok();
    }

    [Fact]
    [Checklist("aweb", 139)]
    public async Task The_list_shows_what_all_hold()
    {
        var (alice, bob) = await Two();
        await alice.Post("/v1/reservations",
            new { resource_key = "src/b", ttl_seconds = 300,
            metadata = new { reason = "manual", bead_id = "bd-1", deep = new { x = new[] { 1 } } } }).Ok();
        await Acquire(bob, "src/a").Ok();
        await Acquire(bob, "Z").Ok();

        var list = await alice.Get("/v1/reservations").Ok();

        list.Pluck("reservations", "resource_key").ShouldBe(["Z", "src/a", "src/b"]);
        list.Number("count").ShouldBe(3);
        var own = list.Find("reservations", "resource_key", "src/b");
        own.Text("project_id").ShouldBe(alice.ProjectId);
        own.Text("holder_agent_id").ShouldBe(alice.Id);
        own.Text("holder_alias").ShouldBe("alice");
        own.Text("acquired_at").ShouldBeTimestamp();
        own.Text("expires_at").ShouldBeTimestamp();
        own.Text("reservation_id").ShouldBeUuid();
        own.Number("ttl_remaining_seconds").ShouldBeInRange(280, 300);
        own.Text("reason").ShouldBe("manual");
        own.Text("bead_id").ShouldBe("bd-1");
        own.Flag("exclusive").ShouldBeTrue();
        own.At("metadata").GetRawText().ShouldBe("""{"reason":"manual","bead_id":"bd-1","deep":{"x":[1]}}""");
        list.Find("reservations", "resource_key", "Z").At("metadata").GetRawText().ShouldBe("{}");

        // A filter that clients send and expect to be without effect, and a proxied reader.
        (await alice.Get($"/v1/reservations?workspace_id={alice.Id}&alias=alice").Ok()).Number("count").ShouldBe(3);
        (await PublicReader(alice).Get("/v1/reservations").Ok()).Number("count").ShouldBe(3);
        await PublicReader(alice).Post("/v1/reservations", new { resource_key = "k" }).RefusedWith(403, "Public readers");
    }

    [Fact]
    [Checklist("aweb", 140)]
    public async Task A_prefix_is_taken_as_it_is()
    {
        var agent = await NewProject().Agent();
        foreach (var key in new[] { "%a", "_a", @"\a", "a", "ab", "A", "b", " a" }) await Acquire(agent, key).Ok();

        foreach (var (prefix, keys) in new (string, string[])[]
        {
            ("%", ["%a"]), ("_", ["_a"]), (@"\", [@"\a"]), ("a", ["a", "ab"]), ("%25", []), ("*", []), (" ", [" a"]),
                ("", [" a", "%a", "A", @"\a", "_a", "a", "ab", "b"]),
        })
        {
            (await agent.Get($"/v1/reservations?prefix={Uri.EscapeDataString(prefix)}").Ok()).Pluck("reservations", "resource_key")
                .ShouldBe(keys, prefix);
        }

        await agent.Get($"/v1/reservations?prefix={new string('p', 4097)}").Invalid("prefix", "string_too_long");
        (await agent.Post("/v1/reservations/revoke", new { prefix = "%" }).Ok()).Texts("revoked_keys").ShouldBe(["%a"]);
        (await agent.Post("/v1/reservations/revoke", new { prefix = "_" }).Ok()).Texts("revoked_keys").ShouldBe(["_a"]);
    }

    [Fact]
    [Checklist("aweb", 141)]
    [Checklist("aweb", 142)]
    public async Task Revoking_gives_back_ones_own()
    {
        var (alice, bob) = await Two();
        foreach (var key in new[] { "x/1", "x/2", "y" }) await Acquire(alice, key).Ok();
        await Acquire(bob, "z/1").Ok();

        await alice.Post("/v1/reservations/revoke", new { prefix = "z/" }).Refused(403, "Cannot revoke reservations held by other agents");
        var nothing = await alice.Post("/v1/reservations/revoke", new { prefix = "nothing" }).Ok();
        (nothing.Text("status"), nothing.Number("deleted")).ShouldBe(("revoked", 0));
        (await alice.Post("/v1/reservations/revoke", new { prefix = "x/" }).Ok()).Number("deleted").ShouldBe(2);

        await Acquire(alice, "x/1").Ok();
        var all = await alice.Post("/v1/reservations/revoke", new { }).Ok();
        all.Text("status").ShouldBe("revoked");
        all.Number("deleted").ShouldBe(2);
        all.Number("revoked_count").ShouldBe(2);
        all.Texts("revoked_keys").ShouldBe(["x/1", "y"]);
        (await alice.Get("/v1/reservations").Ok()).Pluck("reservations", "resource_key").ShouldBe(["z/1"]);
        (await alice.Post("/v1/reservations/revoke", new { prefix = "" }).Ok()).Number("deleted").ShouldBe(0);
    }

    [Fact]
    [Checklist("aweb", 143)]
    [Checklist("aweb", 144)]
    [Checklist("beadhub", 280)]
    public async Task Watchers_see_what_is_taken_and_given_back()
    {
        var (alice, bob) = await Two();
        await using var stream = await bob.Stream($"?workspace_id={alice.Id}");

        await alice.Post("/v1/reservations", new { resource_key = "k", ttl_seconds = 5 }).Ok();
        (await Acquire(bob, "k")).Status.ShouldBe(409);
        await alice.Post("/v1/reservations/renew", new { resource_key = "k" }).Ok();
        await Release(alice, "missing").Ok();
        await Release(alice, "k").Ok();
        await alice.Post("/v1/reservations", new { resource_keys = new[] { "b", "a" }, ttl_seconds = 100 }).Ok();
        await alice.Post("/v1/reservations/revoke", new { }).Ok();

        var acquired = await stream.Next();
        acquired.Type.ShouldBe("reservation.acquired");
        acquired.Data.Text("workspace_id").ShouldBe(alice.Id);
        acquired.Data.Text("project_slug").ShouldBe(alice.Project.Slug);
        acquired.Data.Texts("paths").ShouldBe(["k"]);
        acquired.Data.Text("alias").ShouldBe("alice");
        acquired.Data.Number("ttl_seconds").ShouldBe(60);
        acquired.Data.IsNull("bead_id").ShouldBeTrue();
        acquired.Data.IsNull("reason").ShouldBeTrue();
        acquired.Data.Flag("exclusive").ShouldBeTrue();
        var released = await stream.Next();
        released.Type.ShouldBe("reservation.released");
        released.Data.Texts("paths").ShouldBe(["k"]);
        released.Data.Text("alias").ShouldBe("alice");
        (await stream.Next()).Data.Texts("paths").ShouldBe(["b", "a"]);
        var given = new[] { await stream.Next(), await stream.Next() };
        given.ShouldAllBe(e => e.Type == "reservation.released");
        given.SelectMany(e => e.Data.Texts("paths")).ShouldBe(["a", "b"]);
    }

    [Fact]
    public async Task Several_keys_are_acquired_all_or_none()
    {
        var (alice, bob) = await Two();
        await Acquire(alice, "b").Ok();

        var refused = await bob.Post("/v1/reservations", new { resource_keys = new[] { "a", "b", "c" } });
        refused.Status.ShouldBe(409, refused.ToString());
        refused.Json.Text("resource_key").ShouldBe("b");
        refused.Json.Text("holder_alias").ShouldBe("alice");
        refused.Json.Pluck("conflicts", "resource_key").ShouldBe(["b"]);
        (await bob.Get("/v1/reservations").Ok()).Number("count").ShouldBe(1);

        var acquired = await bob.Post("/v1/reservations", new { resource_keys = new[] { "c", "a", "c" }, ttl_seconds = 300 }).Ok();
        acquired.Texts("resource_keys").ShouldBe(["c", "a"]);
        acquired.Text("holder_agent_id").ShouldBe(bob.Id);
        Seconds(acquired).ShouldBe(300);
        (await bob.Get("/v1/reservations").Ok()).Pluck("reservations", "resource_key").ShouldBe(["a", "b", "c"]);
    }

    [Fact]
    public async Task A_pattern_stands_for_all_it_covers()
    {
        var (alice, bob) = await Two();
        (await Acquire(alice, "src/api/**", pattern: true).Ok()).Flag("pattern").ShouldBeTrue();

        var refused = await Acquire(bob, "src/api/x/y.cs");
        refused.Status.ShouldBe(409, refused.ToString());
        refused.Json.Text("resource_key").ShouldBe("src/api/x/y.cs");
        refused.Json.Text("holder_alias").ShouldBe("alice");
        refused.Json.Pluck("conflicts", "held_key").ShouldBe(["src/api/**"]);
        (await Acquire(bob, "**/*.cs", pattern: true)).Status.ShouldBe(409);
        await Acquire(bob, "src/web/**", pattern: true).Ok();
        await Acquire(bob, "**/*.cs").Ok();
        await Acquire(alice, "src/api/x/y.cs").Ok();

        await Release(alice, "src/api/**").Ok();
        await Acquire(bob, "src/api/z.cs").Ok();
        (await Acquire(bob, "src/api/{x,y}/*.cs", pattern: true)).Status.ShouldBe(409, "alice holds a file that it covers");
        (await bob.Get("/v1/reservations?prefix=src/web").Ok()).Items("reservations").Single().Flag("pattern").ShouldBeTrue();
    }

    [Fact]
    public async Task A_repeat_gets_the_first_answer_even_after_the_key_was_given_back()
    {
        await using var server = await Store.Own();
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var first = await Once(alice, "key-1", new { resource_key = "k" });
        first.Status.ShouldBe(200, first.ToString());
        await Release(alice, "k").Ok();
        await Acquire(bob, "k").Ok();

        await server.Kill();
        await server.Restart();
        var again = await Once(alice.At(server.Api), "key-1", new { resource_key = "k" });

        again.Ok().GetRawText().ShouldBe(first.Text);
        (await bob.At(server.Api).Get("/v1/reservations").Ok()).Pluck("reservations", "holder_alias").ShouldBe(["bob"]);
    }

    [Fact]
    public async Task A_deleted_agent_keeps_its_keys_until_they_expire_and_takes_no_more()
    {
        var (bob, alice) = await Two();
        await Acquire(alice, "k").Ok();
        await bob.Delete($"/v1/workspaces/{alice.Id}").Ok();

        (await Acquire(bob, "k")).Status.ShouldBe(409);
        (await alice.Get("/v1/reservations")).Status.ShouldBeOneOf(200, 401);
        var refused = await Acquire(alice, "other");
        refused.Status.ShouldBeOneOf(401, 404);
    }

    [Fact]
    public async Task What_was_acquired_survives_a_crash()
    {
        await using var server = await Store.Own();
        var agent = await new Project(server.Api).Agent();
        for (var i = 0; i < 30; i++) await Acquire(agent, $"k{i}", ttl: 3000).Ok();
        await Acquire(agent, "src/**", pattern: true, ttl: 3000).Ok();
        for (var i = 0; i < 30; i += 2) await Release(agent, $"k{i}").Ok();
        var before = (await agent.Get("/v1/reservations").Ok()).Pluck("reservations", "resource_key");

        await server.Kill();
        await server.Restart();

        (await agent.At(server.Api).Get("/v1/reservations").Ok()).Pluck("reservations", "resource_key").ShouldBe(before);
        before.Length.ShouldBe(16);
    }

    private async Task<(Agent Alice, Agent Bob)> Two()
    {
        var project = NewProject();
        return (await project.Agent("alice"), await project.Agent("bob"));
    }

    private static Task<Answer> Acquire(Api agent, string key, bool pattern = false, int? ttl = null)
    {
        var body = new JsonObject { ["resource_key"] = key };
        if (pattern) body["pattern"] = true;
        if (ttl is not null) body["ttl_seconds"] = ttl;
        return agent.Post("/v1/reservations", body);
    }

    private static Task<Answer> Release(Api agent, string key) => agent.Post("/v1/reservations/release", new { resource_key = key });

    private static Task<Answer> Once(Api caller, string key, object body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/reservations") { Content = Api.Content(body) };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return caller.Send(request);
    }

    private static double Seconds(JsonElement acquired) => (Time(acquired, "expires_at") - Time(acquired, "acquired_at")).TotalSeconds;

    private static DateTimeOffset Time(JsonElement json, string name) => json.At(name).GetDateTimeOffset();
}
