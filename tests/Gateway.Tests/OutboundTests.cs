using Beadhub.Testing;
using System.Net;
using Beadhub.Gateway.Outbound;
using Beadhub.Hosting.Webhooks;
using Microsoft.Extensions.Logging.Abstractions;

namespace Beadhub.Gateway.Tests;

/// <summary>Where requests to elsewhere may go, whatever a name server says, and what is told of them.</summary>
public sealed class OutboundTests
{
    [Theory]
    [InlineData("93.184.216.34", true)]
    [InlineData("1.1.1.1", true)]
    [InlineData("172.15.255.255", true)]
    [InlineData("172.32.0.1", true)]
    [InlineData("100.63.0.1", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("10.255.255.255", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("192.168.0.1", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.8.8.8", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("0.1.2.3", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("198.18.0.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("::ffff:1.1.1.1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("::10.0.0.1", false)]
    [InlineData("64:ff9b::a00:1", false)]
    [InlineData("fc00::1", false)]
    [InlineData("fdff::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("ff02::1", false)]
    [InlineData("2001:db8::1", false)]
    [InlineData("2001:0:1::1", false)]
    [InlineData("2002:a00:1::1", false)]
    public void An_address_is_public_or_not(string address, bool isPublic) =>
        OutboundAddresses.IsPublic(IPAddress.Parse(address)).ShouldBe(isPublic);

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("127.0.0.1")]
    [InlineData("93.184.216.34 169.254.169.254")]
    [InlineData("2606:4700::1111 ::1")]
    [InlineData("")]
    public async Task A_name_that_leads_to_a_private_address_is_refused(string answers)
    {
        var addresses = Resolving(answers);
        await Should.ThrowAsync<HttpRequestException>(() =>
            addresses.Allowed("https", "rebind.example.com", TestContext.Current.CancellationToken));
        await Should.ThrowAsync<HttpRequestException>(() =>
            Resolving("93.184.216.34").Allowed("http", "example.com", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_is_allowed_is_connected_to()
    {
        (await Resolving("93.184.216.34 2606:4700::1111").Allowed("https", "example.com", TestContext.Current.CancellationToken)).Length
            .ShouldBe(2);
        (await Resolving("127.0.0.1 ::1", allowPrivate: true).Allowed("http", "localhost", TestContext.Current.CancellationToken)).Length
            .ShouldBe(2);
        (await Resolving("10.0.0.1", allowPrivate: true).Allowed("https", "intern.example.com",
            TestContext.Current.CancellationToken)).Length.ShouldBe(1);
        await Should.ThrowAsync<HttpRequestException>(() =>
            Resolving("93.184.216.34").Allowed("https", "10.0.0.1", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task This_machine_is_private_too_and_its_ports_cannot_be_told_apart()
    {
        await using var receiver = new WebhookReceiver();
        var batch = new WebhookBatch("id", "{}"u8.ToArray(), 1);
        var closed = ServerProcess.FreePort();
        foreach (var address in new[] { "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::" })
        {
            using var http = new OutboundHttp(Resolving(address), TimeProvider.System);
            foreach (var url in new[] { $"https://rebind.example.com:{receiver.Port}/", $"https://rebind.example.com:{closed}/",
                receiver.Url, $"http://localhost:{receiver.Port}/hook" })
                (await Sender(http).Send(url, "s", batch, TestContext.Current.CancellationToken))
                    .ShouldBe("could not be delivered", $"{url} at {address}");
        }

        using (var none = new OutboundHttp(new OutboundAddresses(false, (_, _) => throw new System.Net.Sockets.SocketException(11001)),
            TimeProvider.System))
            (await Sender(none).Send("https://nowhere.example.com/", "s", batch, TestContext.Current.CancellationToken))
                .ShouldBe("could not be delivered");
        receiver.TryNext(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task With_the_setting_it_is_called_but_what_it_answers_is_not_told()
    {
        await using var receiver = new WebhookReceiver();
        using var http = new OutboundHttp(Resolving("127.0.0.1", allowPrivate: true), TimeProvider.System);
        var batch = new WebhookBatch("id", "{}"u8.ToArray(), 1);

        (await Sender(http).Send(receiver.Url, "s", batch, TestContext.Current.CancellationToken)).ShouldBeNull();
        (await receiver.Next()).IsSignedWith("s").ShouldBeTrue();
        receiver.Answer(404, 302);
        (await Sender(http).Send(receiver.Url, "s", batch, TestContext.Current.CancellationToken)).ShouldBe("could not be delivered");
        (await Sender(http).Send(receiver.Url, "s", batch, TestContext.Current.CancellationToken)).ShouldBe("could not be delivered");
        (await receiver.Next()).Path.ShouldBe("/hook");
        (await receiver.Next()).Path.ShouldBe("/hook");
        receiver.TryNext(out _).ShouldBeFalse("redirects are not followed");
    }

    [Theory]
    [InlineData(204, true, null)]
    [InlineData(404, true, "HTTP 404")]
    [InlineData(302, true, "HTTP 302: redirects are not followed")]
    [InlineData(404, false, "could not be delivered")]
    [InlineData(302, false, "could not be delivered")]
    [InlineData(null, true, "could not be delivered")]
    public void Only_of_a_public_endpoint_the_status_is_told(int? status, bool isPublic, string? told) =>
        WebhookSender.Failure(new(status, default, isPublic, "Connection refused")).ShouldBe(told);

    [Fact]
    public async Task An_answer_is_read_only_so_far_and_waited_for_only_so_long()
    {
        await using var receiver = new WebhookReceiver();
        using var http = new OutboundHttp(Resolving("127.0.0.1", allowPrivate: true), TimeProvider.System);
        receiver.Answer(0);
        using var unanswered = new HttpRequestMessage(HttpMethod.Post, receiver.Url) { Content = new StringContent("{}") };
        (await http.Send(unanswered, TimeSpan.FromMilliseconds(300), 10, TestContext.Current.CancellationToken)).Problem
            .ShouldStartWith("no answer within");
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var endless = Task.Run(async () =>
        {
            using var client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
            await client.GetStream()
                .WriteAsync(System.Text.Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
                + new string('x', 1000)));
            // Until the caller hangs up.
            while (await client.GetStream().ReadAsync(new byte[1024]) > 0) { }
        }, TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        var answer = await http.Send(request, TimeSpan.FromSeconds(20), 10, TestContext.Current.CancellationToken);
        (answer.Status, answer.Body.Length).ShouldBe((200, 10));
        await endless.ContinueWith(static _ => { }, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void The_setting_opens_private_targets()
    {
        foreach (var url in new[] { "https://10.0.0.1/", "http://10.0.0.1/", "http://intern/", "https://[::1]/", "https://localhost/",
            "https://localhost./", "http://localhost:1/", "http://127.0.0.1/", "http://[::1]:99/x", "http://example.com/" })
        {
            Resolving("", allowPrivate: true).Problem(url, out _).ShouldBeNull(url);
            Resolving("").Problem(url, out _).ShouldNotBeNull(url);
        }

        foreach (var url in new[] { "https://example.com/", "https://8.8.8.8/" })
            Resolving("").Problem(url, out _).ShouldBeNull(url);
        foreach (var url in new[] { "ftp://10.0.0.1/", "https://a:b@example.com/" })
            Resolving("", allowPrivate: true).Problem(url, out _).ShouldNotBeNull(url);
    }

    private static WebhookSender Sender(OutboundHttp http) => new(http, new(), TimeProvider.System, NullLogger<WebhookSender>.Instance);

    private static OutboundAddresses Resolving(string answers, bool allowPrivate = false) =>
        new(allowPrivate, (_, _) =>
            Task.FromResult(answers.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(IPAddress.Parse).ToArray()));
}
