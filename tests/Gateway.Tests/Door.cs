using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>What a server does with requests before it knows what they ask: names, pages in browsers, forms of errors, unreadable requests,
/// connections.</summary>
[OnAnyStore]
public sealed class Door(SqliteStore store) : ContractTests(store)
{
    [Theory]
    [InlineData("GET", "/v1/status")]
    [InlineData("GET", "/health")]
    [InlineData("POST", "/v1/init")]
    [InlineData("GET", "/docs/index.html")]
    [InlineData("GET", "/")]
    public async Task A_name_that_leads_here_from_elsewhere_is_refused(string method, string path)
    {
        var slug = NewProject().Slug;

        var answer = await Api.With(("Host", "evil.example:8000"))
            .Send(new HttpMethod(method), path, method == "POST" ? Api.Content(new { project_slug = slug }) : null);

        answer.Status.ShouldBe(403, answer.ToString());
        answer.Json.Text("detail")
            .ShouldBe(
            "Host 'evil.example:8000' is not this server's: it listens on the loopback only. Use localhost, or name the host in "
            + "BEADHUB_ALLOWED_HOSTS");
        await Api.With(("Host", $"localhost:{Api.Address.Port}")).Get("/health").Ok();
    }

    [Theory]
    [InlineData("/v1/init")]
    [InlineData("/mcp")]
    public async Task A_page_of_another_site_writes_nothing(string path)
    {
        await Api.With(("Origin", "https://evil.example")).Post(path, new { })
            .RefusedWith(403, "Origin 'https://evil.example' is another site");
        (await Api.With(("Origin", $"http://{Api.Address.Authority}")).Post(path, new { jsonrpc = "2.0" })).Status.ShouldNotBe(403);
        await Api.With(("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")).Get("/health").Ok();
    }

    [Fact]
    public async Task A_server_that_others_reach_may_be_called_by_any_name_but_not_by_a_browser()
    {
        await using var server = await Store.Fresh(("BEADHUB_HOST", "0.0.0.0"), ("BEADHUB_ALLOWED_HOSTS", "hub.example.com"),
            ("BEADHUB_CONNECTIONS_PER_ADDRESS", "3"), ("BEADHUB_METRICS", "direct"));
        var api = server.Api;
        (await api.Get("/metrics")).Status.ShouldBe(200);
        (await api.With(("X-Forwarded-For", "192.0.2.1")).Get("/metrics")).Status.ShouldBe(404);

        await api.With(("Host", "beadhub.internal")).Get("/health").Ok();
        await api.With(("Host", "beadhub.internal"), ("Sec-Fetch-Mode", "cors")).Get("/health")
            .RefusedWith(403, "browsers may use it once it is in BEADHUB_ALLOWED_HOSTS");
        await api.With(("Host", "hub.example.com"), ("Origin", "https://hub.example.com")).Post("/v1/init", new { project_slug = "a" })
            .Ok();
        await api.With(("Host", Environment.MachineName + ":8000"), ("Sec-Fetch-Mode", "cors")).Get("/health").Ok();

        // One connection is this client's, two more are taken.
        using var second = await Connect(api);
        using var third = await Connect(api);
        (await Ask(second, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n")).ShouldStartWith("HTTP/1.1 200");
        (await Ask(third, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n")).ShouldStartWith("HTTP/1.1 200");
        using (var fourth = await Connect(api))
            (await Ask(fourth, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n")).ShouldBeEmpty("a fourth connection was served");
        third.Close();

        // Who leaves makes room.
        var answer = "";
        for (var tries = 0; answer.Length == 0; tries++)
        {
            tries.ShouldBeLessThan(200);
            using var next = await Connect(api);
            answer = await Ask(next, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
        }

        answer.ShouldStartWith("HTTP/1.1 200");
    }

    [Theory]
    [InlineData("/api/v1/nothing", 404, """{"error":"Not Found","message":"Route GET:/api/v1/nothing not found","statusCode":404}""")]
    [InlineData("/sync/v1/nothing", 404, """{"error":"Not Found","message":"Route GET:/sync/v1/nothing not found","statusCode":404}""")]
    [InlineData("/v1/nothing", 404, """{"detail":"Not Found"}""")]
    [InlineData("/nothing", 404, """{"detail":"Not Found"}""")]
    [InlineData("/api/v10", 404, """{"detail":"Not Found"}""")]
    public async Task Each_family_of_paths_has_its_form_of_errors(string path, int status, string body)
    {
        var answer = await Api.Get(path);

        (answer.Status, answer.Text).ShouldBe((status, body));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n", 400)]
    [InlineData("NONSENSE\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400)]
    [InlineData("line", 414)]
    [InlineData("headers", 431)]
    public async Task What_cannot_be_read_is_refused_in_words(string request, int status)
    {
        using var client = await Connect(Api);
        request = request switch
        {
            "line" => $"GET /{new string('x', 40_000)} HTTP/1.1\r\nHost: x\r\n\r\n",
            "headers" => $"GET / HTTP/1.1\r\nHost: x\r\nX-Long: {new string('x', 40_000)}\r\n\r\n",
            _ => request,
        };

        var answer = await Ask(client, request);

        answer.ShouldStartWith($"HTTP/1.1 {status} ");
        answer.ShouldContain("Content-Type: application/json");
        JsonDocument.Parse(answer[answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)..]).RootElement.Text("detail").ShouldNotBeEmpty();
        (await Ask(client, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n")).ShouldBeEmpty("the connection is closed");
    }

    [Theory]
    [InlineData("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Half:")]
    [InlineData("POST /v1/init HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"half\":")]
    public async Task What_comes_too_slowly_is_refused_in_words(string request)
    {
        await using var server = await Store.Own(("BEADHUB_REQUEST_TIMEOUT_SECONDS", "2"));
        using var client = await Connect(server.Api);

        var answer = await Ask(client, request);

        answer.ShouldStartWith("HTTP/1.1 408 ");
        answer.ShouldContain("Content-Type: application/json");
        JsonDocument.Parse(answer[answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)..]).RootElement.Text("detail").ShouldNotBeEmpty();
        (await Ask(client, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n")).ShouldBeEmpty("the connection is closed");
    }

    [Theory]
    [InlineData("/v1/init")]
    [InlineData("/v1/beads/upload-jsonl?repo=github.com/a/b")]
    public async Task A_compressed_body_is_refused_in_words(string path)
    {
        var body = Api.Raw([0x1f, 0x8b, 8, 0, 0, 0], path == "/v1/init" ? "application/json" : "text/plain");
        body.Headers.ContentEncoding.Add("gzip");

        await Api.Send(HttpMethod.Post, path, body).Refused(415, "Content-Encoding is not supported: send the body as it is");
    }

    [Fact]
    public async Task The_root_tells_who_this_is()
    {
        var answer = await Api.Get("/").Ok();
        (answer.Text("name"), answer.Text("docs")).ShouldBe(("Beadhub", "/docs"));
        foreach (var part in new[] { "docs", "openapi", "health" }) (await Api.Get(answer.Text(part))).Status.ShouldBeOneOf(200, 301, 302);

        var page = await Api.With(("Accept", "text/html,*/*;q=0.8")).Get("/");
        page.Header("Content-Type").ShouldBe("text/html; charset=utf-8");
        page.Text.ShouldContain("href=\"/docs\"");
    }

    [Fact]
    public async Task Large_bodies_without_credentials_are_bounded_together_and_others_are_not()
    {
        await using var server = await Store.Own();
        var api = server.Api;
        var agent = await new Project(api).Agent();
        var body = new byte[30 * 1024 * 1024];
        Array.Fill(body, (byte)' ');
        body[0] = (byte)'{';
        body[^1] = (byte)'}';

        // Two that do not end hold nearly all that there is, too much for a third; a key that nobody has is worth nothing.
        using var first = await Send(body.Length - 1);
        using var second = await Send(body.Length - 1, $"Authorization: Bearer aw_sk_{new string('0', 64)}\r\n");
        // Refused as soon as what came needs more room than is left.
        using var third = await Send(5 * 1024 * 1024);
        var refused = await Ask(third, "");
        refused.ShouldStartWith("HTTP/1.1 503 ");
        refused.ShouldContain("Retry-After: 1");
        refused.ShouldContain("without valid credentials");

        // Whoever is known, or sends little, waits for nobody.
        (await agent.Send(HttpMethod.Post, "/v1/bdh/command", Api.Raw(body))).Status.ShouldBe(422);
        await api.Post("/v1/bdh/command", new { }).Unprocessable();

        foreach (var held in (TcpClient[])[first, second]) (await Ask(held, "}")).ShouldStartWith("HTTP/1.1 422 ");
        await api.Send(HttpMethod.Post, "/v1/bdh/command", Api.Raw(body)).Unprocessable();

        // The server has read nearly all of it once it is sent.
        async Task<TcpClient> Send(int length, string header = "")
        {
            var client = await Connect(api);
            var head =
                $"POST /v1/bdh/command HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{header}Content-Length: "
                + $"{body.Length}\r\n\r\n";
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head), TestContext.Current.CancellationToken);
            await client.GetStream().WriteAsync(body.AsMemory(0, length), TestContext.Current.CancellationToken);
            return client;
        }
    }

    private static async Task<TcpClient> Connect(Api api)
    {
        var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", api.Address.Port, TestContext.Current.CancellationToken);
        return client;
    }

    /// <summary>What comes back: headers and as much of the body as they say; nothing when the connection is closed.</summary>
    private static async Task<string> Ask(TcpClient client, string request)
    {
        var stream = client.GetStream();
        var answer = new StringBuilder();
        try
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
            var buffer = new byte[16 * 1024];
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            while (!answer.ToString().Contains("\r\n\r\n{", StringComparison.Ordinal)
                && await stream.ReadAsync(buffer, patience.Token) is > 0 and var read)
                answer.Append(Encoding.ASCII.GetString(buffer, 0, read));
        }
        catch (IOException)
        {
            // Reset: the same as closed.
        }

        return answer.ToString();
    }
}
