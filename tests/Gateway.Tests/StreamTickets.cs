using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Identities;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Pages of other sites: CORS for those that are configured, and tickets for their event streams.</summary>
[OnAnyStore]
public abstract class BrowserAccessContract(Store store) : ContractTests(store)
{
    private const string Site = "https://app.example.com";

    [Fact]
    public async Task A_ticket_opens_streams_and_nothing_else_and_ends_with_its_key()
    {
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var ticket = (await alice.Post("/v1/stream-tickets").Ok()).Text("ticket");
        ticket.ShouldStartWith("aw_st_");

        await using (var stream = await Api.Stream($"?ticket={ticket}"))
        {
            await bob.Post("/v1/reservations", new { resource_key = "k" }).Ok();
            (await stream.Next()).Type.ShouldBe("reservation.acquired");
        }

        await Api.Get($"/v1/agents?ticket={ticket}").Unauthorized();
        await Api.As(ticket).Get("/v1/agents").Unauthorized("Invalid API key");
        await Api.Get($"/v1/status/stream?ticket={ticket[..^2]}AA").Unauthorized("Invalid or expired stream ticket");
        await Api.Get("/v1/status/stream?ticket=aw_st_x").Unauthorized("Invalid or expired stream ticket");
        await Api.Post("/v1/stream-tickets").Unauthorized();
        await alice.Post("/v1/agents/me/keys/rotate").Ok();
        await Api.Get($"/v1/status/stream?ticket={ticket}").Unauthorized("Invalid API key");
    }

    [Fact]
    public async Task A_ticket_opens_streams_of_an_archived_project_too()
    {
        var alice = await NewProject().Agent("alice");
        await Api.As(Testing.Api.AdminKey).Post($"/v1/projects/{alice.ProjectId}/archive").Ok();

        var ticket = (await alice.Post("/v1/stream-tickets").Ok()).Text("ticket");
        await using (await Api.Stream($"?ticket={ticket}")) { }
        (await alice.Post("/v1/agents/me/keys/rotate")).Status.ShouldBe(410);
    }

    [Fact]
    public async Task Pages_of_the_sites_that_are_configured_may_call()
    {
        await using var server = await Store.Own(("BEADHUB_CORS_ORIGINS", Site));
        var alice = await new Project(server.Api).Agent("alice");
        var cancellation = TestContext.Current.CancellationToken;

        using var asked = await server.Api.Open(Request(HttpMethod.Options, Site, ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization,content-type,idempotency-key")));
        asked.IsSuccessStatusCode.ShouldBeTrue();
        asked.Headers.GetValues("Access-Control-Allow-Origin").Single().ShouldBe(Site);
        string.Join(",", asked.Headers.GetValues("Access-Control-Allow-Headers")).ShouldContain("authorization");
        using var other = await server.Api.Open(
            Request(HttpMethod.Options, "https://evil.example", ("Access-Control-Request-Method", "POST")));
        other.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();

        // A page may write, and read refusals; one of another site may not.
        foreach (var (origin, key, status) in new[]
        {
            (Site, alice.Key, 200), (Site, "aw_sk_x", 401), ("https://evil.example", alice.Key, 403),
        })
        {
            using var answer = await server.Api.Open(Request(HttpMethod.Post, origin, ("Authorization", $"Bearer {key}")));
            ((int)answer.StatusCode).ShouldBe(status, await answer.Content.ReadAsStringAsync(cancellation));
            answer.Headers.Contains("Access-Control-Allow-Origin").ShouldBe(origin == Site);
            answer.Headers.Contains("Access-Control-Allow-Credentials").ShouldBeFalse();
        }

        static HttpRequestMessage Request(HttpMethod method, string origin, params (string Name, string Value)[] headers)
        {
            var request = new HttpRequestMessage(method, "/v1/agents/heartbeat");
            request.Headers.Add("Origin", origin);
            foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
            return request;
        }
    }
}

/// <summary>What a ticket is.</summary>
public sealed class StreamTicketTests
{
    [Fact]
    public void A_ticket_ends_within_a_minute_and_only_the_server_makes_one()
    {
        var time = new ManualTime();
        var seal = new Seal(new byte[32]);
        var tickets = new StreamTickets(seal, time);
        var (ticket, end) = tickets.Make("hash");

        (end - time.Current).ShouldBeLessThan(TimeSpan.FromMinutes(1));
        tickets.Open(ticket).ShouldBe("hash");
        new StreamTickets(new Seal(new byte[32]), time).Open(ticket).ShouldBe("hash");
        new StreamTickets(new Seal([1, .. new byte[31]]), time).Open(ticket).ShouldBeNull();
        time.Pass(60);
        tickets.Open(ticket).ShouldBeNull();
        Should.Throw<Exception>(() => new StreamTickets(Seal.None, time).Make("hash"))
            .Message.ShouldContain("BEADHUB_SECRET_KEY");
        // What is sealed for another purpose is no ticket.
        var secret = StreamTickets.Prefix + seal.CloseText("whsec_1")!.Replace('+', '-').Replace('/', '_').TrimEnd('=');
        tickets.Open(secret).ShouldBeNull();
    }
}
