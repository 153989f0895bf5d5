using Beadhub.Gateway.Http;

namespace Beadhub.Gateway.Tests;

/// <summary>By which names a server may be called, and which pages may write to it, wherever it listens.</summary>
public sealed class HostRulesTests
{
    private static readonly HostRules Loopback = new(onlyLoopback: true, ["hub.example.com", "*.agents.example", "other.example:8443"],
        Own);
    private static readonly HostRules Beyond = new(onlyLoopback: false, ["hub.example.com", "*.agents.example", "other.example:8443"], Own);

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST:8000", true)]
    [InlineData("127.0.0.1:8000", true)]
    [InlineData("127.9.9.9", true)]
    [InlineData("[::1]:8000", true)]
    [InlineData("", true)]
    [InlineData("hub.example.com", true)]
    [InlineData("Hub.Example.Com:8000", true)]
    [InlineData("a.agents.example:1", true)]
    [InlineData("other.example:8443", true)]
    [InlineData("other.example:8000", false)]
    [InlineData("agents.example", false)]
    [InlineData("evil.example", false)]
    [InlineData("localhost.evil.example:8000", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    [InlineData("machine", false)]
    [InlineData("192.168.1.7:8000", false)]
    [InlineData("0.0.0.0:8000", false)]
    public void A_server_on_the_loopback_has_few_names(string host, bool isGood)
    {
        (Loopback.Problem(host, null, isFromBrowser: false, isWrite: false) is null).ShouldBe(isGood);
        (Loopback.Problem(host, null, isFromBrowser: true, isWrite: false) is null).ShouldBe(isGood);
    }

    [Theory]
    [InlineData("machine:8000", true)]
    [InlineData("192.168.1.7", true)]
    [InlineData("localhost:8000", true)]
    [InlineData("hub.example.com", true)]
    [InlineData("evil.example:8000", false)]
    [InlineData("192.168.1.8", false)]
    public void Beyond_it_only_browsers_are_asked_for_a_name_of_the_machine(string host, bool isGood)
    {
        Beyond.Problem(host, null, isFromBrowser: false, isWrite: true).ShouldBeNull("names in a network keep working");
        (Beyond.Problem(host, null, isFromBrowser: true, isWrite: false) is null).ShouldBe(isGood);
    }

    [Theory]
    [InlineData("localhost:8000", "http://localhost:8000", true)]
    [InlineData("localhost", "http://localhost", true)]
    [InlineData("localhost:80", "http://localhost", true)]
    [InlineData("hub.example.com", "https://hub.example.com", true)]
    [InlineData("hub.example.com:443", "https://hub.example.com", true)]
    [InlineData("localhost:8000", "https://hub.example.com", true)]
    [InlineData("localhost:8000", "https://other.example:8443", true)]
    [InlineData("localhost:8000", "https://other.example", false)]
    [InlineData("localhost:8000", "http://localhost:3000", false)]
    [InlineData("localhost:8000", "http://127.0.0.1:8000", false)]
    [InlineData("localhost:8000", "http://evil.example", false)]
    [InlineData("localhost:8000", "null", false)]
    [InlineData("localhost:8000", "file://", false)]
    [InlineData("localhost:8000", "", false)]
    [InlineData("localhost:8000", "http://localhost:8000 http://evil.example", false)]
    public void A_page_writes_to_its_own_site_only(string host, string origin, bool isGood)
    {
        foreach (var rules in new[] { Loopback, Beyond })
        {
            (rules.Problem(host, origin, isFromBrowser: true, isWrite: true) is null).ShouldBe(isGood);
            rules.Problem(host, origin, isFromBrowser: true, isWrite: false).ShouldBeNull("what a page may read, the browser decides");
        }
    }

    [Fact]
    public void Any_host_may_be_allowed() =>
        new HostRules(onlyLoopback: true, ["*"], Own).Problem("evil.example", "https://other.example", isFromBrowser: true, isWrite: true)
            .ShouldBeNull();

    private static bool Own(string host) => host is "machine" or "192.168.1.7";
}
