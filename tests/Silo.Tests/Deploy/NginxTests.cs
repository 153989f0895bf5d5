using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Beadhub.Gateway;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Deploy;

/// <summary>A server behind nginx with the project's own configuration.</summary>
public sealed class NginxTests : IDisposable
{
    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-proxied-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Streams_bodies_and_ids_come_through_and_metrics_do_not()
    {
        Assert.SkipWhen(Balancer.Missing is not null, Balancer.Missing ?? "");
        await using var server = await ServerProcess.Start(_folder.FullName,
            new Dictionary<string, string> { ["BEADHUB_LOG_LEVEL"] = "debug", ["BEADHUB_METRICS"] = "all",
            ["BEADHUB_JOIN"] = "open" });
        await using var nginx = new Balancer([server.Api.Address.Port]);
        await nginx.Start();
        var api = new Api(nginx.Address);
        var project = new Project(api);
        var alice = await project.Agent("alice");
        var bob = await project.Agent("bob");

        // An event is there before the next one is made: nothing is held back.
        await using (var stream = await alice.Stream())
        {
            for (var i = 0; i < 3; i++)
            {
                await bob.MailId(alice, $"Mail {i}");
                (await stream.Next()).Type.ShouldBe("message.delivered");
            }
        }

        // Close to the limit it comes through, beyond it the answer is the server's own.
        var close = await alice.Post("/v1/messages",
            Api.Raw(Encoding.UTF8.GetBytes($$"""{"to_agent_id":"{{bob.Id}}","body":"{{new string('x', 31 * 1024 * 1024)}}"}""")));
        close.Json.Text("detail").ShouldStartWith("Message body too large", Case.Sensitive, "said by who has read the whole request");
        using var large = new HttpRequestMessage(HttpMethod.Post, "/v1/messages") { Content = Api.Raw(new byte[33 * 1024 * 1024]),
            Headers = { ExpectContinue = true } };
        using var tooLarge = await api.Open(alice.Signed(large));
        ((int)tooLarge.StatusCode).ShouldBe(413);
        JsonDocument.Parse(await tooLarge.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.Text("detail")
            .ShouldBe($"Request body too large: at most {GatewaySettings.MaxBodyBytes} bytes");

        (await api.Get("/metrics")).Status.ShouldBe(404);
        (await server.Api.Get("/metrics")).Status.ShouldBe(200);
        await server.Stop();
        server.Output.Where(line => line.StartsWith('{')).Select(line => JsonDocument.Parse(line).RootElement)
            .ShouldContain(line => line.Has("request_id") && line.Text("request_id").Length == 32 && line.Text("route") == "/v1/init",
                "nginx's id of the request is the log's");
    }

    [Fact]
    public async Task With_TLS_it_serves_its_name_by_HTTP_2_and_logs_no_invite()
    {
        Assert.SkipWhen(Balancer.Missing is not null, Balancer.Missing ?? "");
        var cancellation = TestContext.Current.CancellationToken;
        const string Name = "hub.test";
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var asked = new CertificateRequest($"CN={Name}", key, HashAlgorithmName.SHA256);
        using var certificate = asked.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var (pem, keyPem) = (Path.Combine(_folder.FullName, "hub.pem"), Path.Combine(_folder.FullName, "hub.key"));
        await File.WriteAllTextAsync(pem, certificate.ExportCertificatePem(), cancellation);
        await File.WriteAllTextAsync(keyPem, key.ExportPkcs8PrivateKeyPem(), cancellation);
        await using var server = await ServerProcess.Start(_folder.FullName, new Dictionary<string, string>
        {
            ["BEADHUB_TRUSTED_PROXIES"] = "127.0.0.1",
            ["BEADHUB_ALLOWED_HOSTS"] = Name,
        });
        await using var nginx = new Balancer([server.Api.Address.Port]) { Certificate = (Name, pem, keyPem) };
        await nginx.Start();
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, token) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync("127.0.0.1", nginx.Address.Port, token);
                return new NetworkStream(socket, ownsSocket: true);
            },
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Subject == $"CN={Name}" },
        })
        { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        Task<HttpResponseMessage> Init(string path) => http.PostAsync($"https://{Name}:{nginx.Address.Port}{path}/v1/init",
            Api.Content(new { project_slug = "lamps", alias = "alice" }), cancellation);

        using var founded = await Init("");
        (founded.StatusCode, founded.Version).ShouldBe((HttpStatusCode.OK, HttpVersion.Version20));
        var alice = server.Api.As(JsonDocument.Parse(await founded.Content.ReadAsStringAsync(cancellation)).RootElement.Text("api_key"));
        var invite = (await alice.Post("/v1/invites")).Ok().Text("code");
        // Behind a proxy nobody joins without an invite, whatever the server listens on.
        using var stranger = await Init("");
        stranger.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        using var invited = await Init($"/i/{invite}");
        invited.StatusCode.ShouldBe(HttpStatusCode.OK);
        // It is written after the answer.
        for (var tries = 0; tries < 200 && !nginx.Log.Contains("/i/-/", StringComparison.Ordinal); tries++)
            await Task.Delay(50, cancellation);
        nginx.Log.ShouldContain("POST /i/-/v1/init");
        nginx.Log.ShouldNotContain(invite);
        await Should.ThrowAsync<HttpRequestException>(() => http.GetAsync($"https://other.test:{nginx.Address.Port}/health", cancellation));
    }
}
