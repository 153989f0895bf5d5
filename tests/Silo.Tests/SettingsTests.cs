using System.Net;

namespace Beadhub.Silo.Tests;

/// <summary>Settings come from the environment, and what they may not hold is said.</summary>
public sealed class SettingsTests
{
    [Fact]
    public void Trusted_proxies_are_addresses_and_networks() =>
        Of("BEADHUB_TRUSTED_PROXIES", " 10.9.0.0/16, 127.0.0.1 ,::1,").Gateway.TrustedProxies
            .ShouldBe([IPNetwork.Parse("10.9.0.0/16"), IPNetwork.Parse("127.0.0.1/32"), IPNetwork.Parse("::1/128")]);

    [Theory]
    [InlineData("10.0.0.0/33")]
    [InlineData("nginx")]
    [InlineData("127.0.0.1;::1")]
    public void A_proxy_that_is_no_address_is_refused(string text) =>
        Should.Throw<SettingsException>(() => Of("BEADHUB_TRUSTED_PROXIES", text)).Message
            .ShouldBe($"BEADHUB_TRUSTED_PROXIES must be IP addresses and networks with commas between them, not '{text}'");

    private static Settings Of(string name, string value) => Settings.FromEnvironment(asked => asked == name ? value : null);
}
