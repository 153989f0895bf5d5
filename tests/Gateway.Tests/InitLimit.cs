using System.Globalization;
using System.Net;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>The rate limit of POST /v1/init (contract 3.5).</summary>
[OnAnyStore]
public abstract class InitLimitContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("beadhub", 58)]
    [Checklist("aweb", 26)]
    public async Task The_eleventh_init_of_a_minute_is_refused()
    {
        await using var server = await Store.Fresh(("BEADHUB_INIT_RATE_LIMIT", ""));
        var project = new Project(server.Api);
        for (var i = 0; i < 10; i++)
            await project.Identity();

        var answer = await project.Init(new { project_slug = project.Slug });

        answer.Status.ShouldBe(429, answer.ToString());
        answer.Json.Text("detail").ShouldBe("Rate limit exceeded. Too many initialization requests.");
        int.Parse(answer.Header("Retry-After")!, CultureInfo.InvariantCulture).ShouldBeInRange(1, 60);
    }

    [Fact]
    [Checklist("beadhub", 59)]
    public async Task Invalid_inits_are_not_counted()
    {
        await using var server = await Store.Fresh(("BEADHUB_INIT_RATE_LIMIT", "2"));
        var project = new Project(server.Api);
        for (var i = 0; i < 20; i++)
            await project.Init(new { project_slug = project.Slug, alias = "bad alias" }).Unprocessable();

        await project.Identity();
        await project.Identity();
        (await project.Init(new { project_slug = project.Slug })).Status.ShouldBe(429);

        // Who has used its share up is refused before its body is looked at.
        (await project.Init("{ not even JSON")).Status.ShouldBe(429);
    }

    [Fact]
    [OnAnyStore]
    public async Task Not_every_invalid_init_is_given_back()
    {
        var rate = new MemoryInitRate(new GatewaySettings { InitRateLimit = 1 }, TimeProvider.System);
        var taken = 0;
        while (taken < 100 && await rate.Take(IPAddress.Loopback) is null)
        {
            taken++;
            await rate.GiveBack(IPAddress.Loopback);
        }

        taken.ShouldBe(11);
        (await rate.Take(IPAddress.IPv6Loopback)).ShouldBeNull();
    }

    [Fact]
    public async Task The_window_ends()
    {
        await using var server = await Store.Fresh(("BEADHUB_INIT_RATE_LIMIT", "1"), ("BEADHUB_INIT_RATE_WINDOW", "1"),
            ("BEADHUB_JOIN", "open"));
        var project = new Project(server.Api);
        // A forwarded address is not trusted: it opens no window of its own.
        var forwarded = server.Api.With(("X-Forwarded-For", "10.1.2.3"));
        Answer answer;
        do
        {
            await server.Api.Post("/v1/init", new { project_slug = project.Slug });
            answer = await forwarded.Post("/v1/init", new { project_slug = project.Slug });
        }
        while (answer.Status == 200);

        answer.Status.ShouldBe(429);
        var wait = TimeSpan.FromSeconds(int.Parse(answer.Header("Retry-After")!, CultureInfo.InvariantCulture));
        await Task.Delay(wait, TestContext.Current.CancellationToken);
        await project.Identity();
    }

    [Fact]
    public async Task Behind_a_trusted_proxy_each_client_has_a_window()
    {
        await using var server = await Store.Fresh(("BEADHUB_INIT_RATE_LIMIT", "1"),
            ("BEADHUB_TRUSTED_PROXIES", "10.9.0.0/16, 127.0.0.1, ::1"));
        // What the client itself says, to the left of what the trusted have added, is not believed.
        (await Init("192.0.2.1")).ShouldBe(200);
        (await Init("192.0.2.1, 10.9.8.7")).ShouldBe(429);
        (await Init("198.51.100.5, 192.0.2.1")).ShouldBe(429);
        (await Init("192.0.2.1, 192.0.2.2, 10.9.8.7")).ShouldBe(200);
        (await Init("192.0.2.2")).ShouldBe(429);
        (await Init("::ffff:192.0.2.2")).ShouldBe(429); // the same client on another socket
        (await Init("2001:db8::2")).ShouldBe(200);
        // Nor does a client become a neighbour.
        (await server.Api.With(("X-Forwarded-For", "127.0.0.1")).Get("/metrics")).Status.ShouldBe(404);
        (await server.Api.Get("/metrics")).Status.ShouldBe(200);

        async Task<int> Init(string forwardedFor) =>
            (await server.Api.With(("X-Forwarded-For", forwardedFor))
                .Post("/v1/init", new { project_slug = $"p-{Guid.NewGuid():N}" })).Status;
    }
}
