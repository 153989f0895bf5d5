using Beadhub.Testing;
using System.Net;
using Beadhub.Gateway.Webhooks;

namespace Beadhub.Gateway.Tests;

/// <summary>Where deliveries may go, whatever a name server says.</summary>
public sealed class WebhookAddressTests
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
    public void An_address_is_public_or_not(string address, bool isPublic) => WebhookAddresses.IsPublic(IPAddress.Parse(address)).ShouldBe(isPublic);

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("127.0.0.1")]
    [InlineData("93.184.216.34 169.254.169.254")]
    [InlineData("2606:4700::1111 ::1")]
    [InlineData("")]
    public async Task A_name_that_leads_to_a_private_address_is_refused(string answers)
    {
        var addresses = Resolving(answers);
        await Should.ThrowAsync<HttpRequestException>(() => addresses.Allowed("https", "rebind.example.com", TestContext.Current.CancellationToken));
        (await Should.ThrowAsync<HttpRequestException>(() => Resolving("93.184.216.34").Allowed("http", "localhost", TestContext.Current.CancellationToken))).Message.ShouldContain("not allowed");
    }

    [Fact]
    public async Task What_is_allowed_is_connected_to()
    {
        (await Resolving("93.184.216.34 2606:4700::1111").Allowed("https", "example.com", TestContext.Current.CancellationToken)).Length.ShouldBe(2);
        (await Resolving("127.0.0.1 ::1").Allowed("http", "localhost", TestContext.Current.CancellationToken)).Length.ShouldBe(2);
        (await Resolving("10.0.0.1", allowPrivate: true).Allowed("https", "intern.example.com", TestContext.Current.CancellationToken)).Length.ShouldBe(1);
        await Should.ThrowAsync<HttpRequestException>(() => Resolving("93.184.216.34").Allowed("https", "10.0.0.1", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_sender_goes_by_what_the_name_leads_to()
    {
        await using var receiver = new WebhookReceiver();
        using var sender = new WebhookSender(Resolving("127.0.0.1"), TimeSpan.FromSeconds(5), TimeProvider.System);
        var batch = new WebhookBatch("id", "{}"u8.ToArray(), 1);

        (await sender.Send($"https://rebind.example.com:{receiver.Port}/", "s", batch, TestContext.Current.CancellationToken))!.ShouldContain("not allowed");
        (await sender.Send($"http://localhost:{receiver.Port}/hook", "s", batch, TestContext.Current.CancellationToken)).ShouldBe("HTTP 404", "the receiver knows only 127.0.0.1 by name");
        (await sender.Send(receiver.Url, "s", batch, TestContext.Current.CancellationToken)).ShouldBeNull();
        (await receiver.Next()).IsSignedWith("s").ShouldBeTrue();
    }

    [Fact]
    public void The_setting_opens_private_targets()
    {
        foreach (var url in new[] { "https://10.0.0.1/", "http://10.0.0.1/", "http://intern/", "https://[::1]/", "https://localhost/" })
        {
            Resolving("", allowPrivate: true).Problem(url, out _).ShouldBeNull(url);
            Resolving("").Problem(url, out _).ShouldNotBeNull(url);
        }

        foreach (var url in new[] { "http://localhost:1/", "http://127.0.0.1/", "http://[::1]:99/x", "https://example.com/", "https://8.8.8.8/" })
            Resolving("").Problem(url, out _).ShouldBeNull(url);
        foreach (var url in new[] { "ftp://10.0.0.1/", "https://a:b@example.com/" }) Resolving("", allowPrivate: true).Problem(url, out _).ShouldNotBeNull(url);
    }

    private static WebhookAddresses Resolving(string answers, bool allowPrivate = false) =>
        new(allowPrivate, (_, _) => Task.FromResult(answers.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(IPAddress.Parse).ToArray()));
}
