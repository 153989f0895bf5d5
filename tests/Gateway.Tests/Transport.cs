using System.Text;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Health, unknown routes, methods, slashes, body formats and sizes (contract 0 and 17.1).</summary>
public abstract class TransportContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 1)]
    public async Task Health_names_its_checks()
    {
        var health = await Api.Get("/health").Ok();

        health.Text("status").ShouldBe("ok");
        health.At("checks").Text("redis").ShouldBe("ok");
        health.At("checks").Text("database").ShouldBe("ok");
    }

    [Fact]
    [Checklist("beadhub", 2)]
    public async Task Health_answers_200_and_says_unhealthy_when_a_store_is_away()
    {
        await using var server = await Store.Own();
        var agent = await new Project(server.Api).Agent();
        await using (await Store.Cut(server))
        {
            var health = await server.Api.Get("/health").Ok();
            health.Text("status").ShouldBe("unhealthy");
            health.At("checks").Text("database").ShouldStartWith("error:");
        }

        // Reachable again, it recovers by itself: writes are refused with 503 until then, and nothing was lost.
        Answer claim;
        for (var tries = 0; (claim = await agent.Claim("bd-1")).Status == 503; tries++)
        {
            tries.ShouldBeLessThan(300, "the server did not recover");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        claim.Ok().Flag("claim_rejected").ShouldBeFalse();
        (await server.Api.Get("/health").Ok()).Text("status").ShouldBe("ok");
        (await agent.Get("/v1/agents").Ok()).Pluck("agents", "agent_id").ShouldBe([agent.Id]);
    }

    [Fact]
    [Checklist("beadhub", 3)]
    public Task An_unknown_route_is_not_found() => Api.Get("/v1/does-not-exist").Refused(404, "Not Found");

    [Fact]
    [Checklist("beadhub", 4)]
    public Task A_wrong_method_is_not_allowed() =>
        Api.Send(HttpMethod.Put, "/v1/claims", Api.Content(new { })).Refused(405, "Method Not Allowed");

    [Theory]
    [InlineData("GET", "/v1/claims/", "/v1/claims")]
    [InlineData("GET", "/v1/claims/?limit=2&cursor=x%2Fy", "/v1/claims?limit=2&cursor=x%2Fy")]
    [InlineData("POST", "/v1/init/", "/v1/init")]
    [Checklist("beadhub", 5)]
    public async Task A_trailing_slash_redirects(string method, string path, string target)
    {
        var answer = await Api.Send(new HttpMethod(method), path, method == "POST" ? Api.Content(new { }) : null);

        answer.Status.ShouldBe(307, answer.ToString());
        new Uri(Api.Address, answer.Header("Location")).PathAndQuery.ShouldBe(target);
    }

    [Fact]
    [Checklist("beadhub", 7)]
    public async Task A_body_is_validated_before_the_caller()
    {
        var error = await Api.Post("/v1/bdh/command", new { }).Invalid("workspace_id", "missing");

        error.Text("msg").ShouldBe("Field required");
    }

    [Fact]
    [Checklist("aweb", 12)]
    public async Task Broken_json_is_a_validation_error()
    {
        var error = await Api.Post("/v1/bdh/sync", "{not json").Invalid(type: "json_invalid");

        error.Items("loc")[0].GetString().ShouldBe("body");
    }

    [Fact]
    [Checklist("aweb", 13)]
    public async Task Routes_and_methods_are_told_apart()
    {
        await Api.Get("/v1/unknown/route").Refused(404, "Not Found");
        // Never 404: newer clients find the server's address by asking for this without a key. The protocol's 405 became a read of one's
        // own presence.
        await Api.Get("/v1/agents/heartbeat").Unauthorized();
        await Api.Send(HttpMethod.Put, "/v1/agents/heartbeat", Api.Content(new { })).Refused(405, "Method Not Allowed");
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("[]", null)]
    [InlineData("\"text\"", null)]
    [InlineData("17", null)]
    [InlineData("null", null)]
    [InlineData("{\"project_slug\":", "json_invalid")]
    [InlineData("{\"project_slug\":\"a\"} trailing", "json_invalid")]
    [InlineData("{'project_slug':'a'}", "json_invalid")]
    [InlineData("{\"project_slug\":\"\\ud800\"}", "json_invalid")]
    [InlineData("{\"project_slug\":\"\\udc00\\ud800\"}", "json_invalid")]
    public Task A_body_that_is_no_object_is_invalid(string body, string? type) => Api.Post("/v1/init", body).Invalid(type: type);

    [Fact]
    public async Task Invalid_utf8_is_invalid_json()
    {
        byte[] body = [.. "{\"project_slug\":\"a"u8, 0xC3, 0x28, .. "\"}"u8];

        await Api.Post("/v1/init", Api.Raw(body)).Invalid(type: "json_invalid");
    }

    [Fact]
    public async Task Deep_nesting_is_refused_without_harm()
    {
        var deep = new string('[', 20_000) + new string(']', 20_000);

        await Api.Post("/v1/init", $"{{\"project_slug\":{deep}}}").Unprocessable();
        await Api.Get("/health").Ok();
    }

    [Theory]
    [InlineData(65)]
    [InlineData(700)]
    [InlineData(2000)]
    public async Task A_field_of_the_wrong_type_is_refused_however_deep_it_is(int depth)
    {
        var deep = new string('[', depth) + new string(']', depth);

        var error = await Api.Post("/v1/init", $"{{\"project_slug\":{deep}}}").Invalid("project_slug", "string_type");
        error.Text("input").ShouldBe("(nested too deeply to show)");
        await Api.Post("/v1/init", deep).Unprocessable();
        await Api.Post("/v1/init", $"{{\"nobody_knows_this\":{deep}}}").Invalid("nobody_knows_this", "extra_forbidden");
    }

    [Fact]
    public async Task What_is_wrong_is_told_a_hundred_times_and_then_counted()
    {
        var fields = string.Join(',', Enumerable.Range(0, 900).Select(i => $"\"f{i}\":\"{new string('x', 500)}\""));

        var answer = await Api.Post("/v1/init", $"{{\"project_slug\":\"a\",{fields}}}");

        answer.Status.ShouldBe(422);
        var errors = answer.Json.Items("detail");
        errors.Length.ShouldBe(101);
        errors[^1].Text("type").ShouldBe("too_many_errors");
        errors[^1].Text("msg").ShouldBe("and 800 more");
        answer.Text.Length.ShouldBeLessThan(30_000, "an unknown field's value is repeated");
    }

    [Theory]
    [InlineData("/v1/chat/sessions", "to_aliases")]
    [InlineData("/v1/bdh/sync", "deleted_ids")]
    [InlineData("/v1/reservations", "resource_keys")]
    public async Task A_long_list_makes_no_long_answer(string path, string field)
    {
        var numbers = string.Join(',', Enumerable.Repeat("1", 1_000_000));

        var answer = await Api.Post(path, $"{{\"{field}\":[{numbers}]}}");

        answer.Status.ShouldBe(422, answer.ToString());
        answer.Text.Length.ShouldBeLessThan(100_000);
        answer.Json.Items("detail")[^1].Text("type").ShouldBe("too_many_errors");
    }

    [Fact]
    public async Task So_many_fields_or_so_long_a_name_have_no_meaning()
    {
        var many = string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"\"f{i}\":1"));

        await Api.Post("/v1/init", $"{{{many}}}").Invalid(type: "too_long");
        await Api.Post("/v1/init", $"{{\"{new string('x', 1_000_000)}\":1}}").Invalid(type: "too_long");
        (await Api.Post("/v1/init", $"{{\"{new string('x', 1_000)}\":1}}")).Text.Length.ShouldBeLessThan(1_000);
    }

    [Fact]
    public async Task A_json_body_needs_no_content_type_but_another_one_is_refused()
    {
        var slug = NewProject().Slug;
        var body = Encoding.UTF8.GetBytes($"{{\"project_slug\":\"{slug}\"}}");

        (await Api.Post("/v1/init", Api.Raw(body, null)).Ok()).Text("project_slug").ShouldBe(slug);
        (await Api.Post("/v1/init", Api.Raw(body, "application/json; charset=utf-8")).Ok()).Text("project_slug").ShouldBe(slug);
        await Api.Post("/v1/init", Api.Raw(body, "text/plain")).Unprocessable();
        await Api.Post("/v1/init", Api.Raw(body, "application/x-www-form-urlencoded")).Unprocessable();
    }

    [Fact]
    public async Task A_body_above_32_MiB_is_too_large()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/bdh/sync") { Content = Api.Raw(new byte[32 * 1024 * 1024 + 1]) };
        request.Headers.ExpectContinue = true;

        var answer = await Api.Send(request);

        answer.Status.ShouldBe(413, answer.ToString());
        answer.Json.Text("detail").ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_body_just_below_the_limit_is_read()
    {
        var filler = new string(' ', 31 * 1024 * 1024);

        await Api.Post("/v1/bdh/command", "{" + filler + "}").Invalid("workspace_id", "missing");
    }
}
