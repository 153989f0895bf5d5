using Beadhub.Hosting.Cluster.Redis;

namespace Beadhub.Silo.Tests.Cluster;

/// <summary>BEADHUB_REDIS_URL (contract 21).</summary>
public sealed class RedisUrlTests
{
    [Theory]
    [InlineData("redis://localhost", "redis://localhost:6379/0", null)]
    [InlineData("redis://cache:7000/3", "redis://cache:7000/3", null)]
    [InlineData("redis://:s3cr%3At@10.0.0.1:7000/", "redis://10.0.0.1:7000/0", "s3cr:t")]
    [InlineData("redis://default:s3cret@cache/1", "redis://cache:6379/1", "s3cret")]
    [InlineData("rediss://cache:7001", "redis://cache:7001/0", null)]
    [InlineData("cache:7000,password=s3cret", "redis://cache:7000/0", "s3cret")]
    public void A_url_is_understood_and_shown_without_its_password(string text, string shown, string? password)
    {
        var url = RedisUrl.Parse(text);
        (url.Description, url.Options.Password, url.Options.Ssl)
            .ShouldBe((shown, password, text.StartsWith("rediss:", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("http://localhost")]
    [InlineData("redis://")]
    [InlineData("redis://:s3cret@host/x")]
    [InlineData("redis://somebody:s3cret@host")]
    public void What_is_not_understood_is_refused_without_being_repeated(string text) =>
        Should.Throw<SettingsException>(() => RedisUrl.Parse(text)).Message.ShouldSatisfyAllConditions(
            message => message.ShouldStartWith("BEADHUB_REDIS_URL"), message => message.ShouldNotContain("s3cret"));
}
