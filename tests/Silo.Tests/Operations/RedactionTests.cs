using Beadhub.Silo.Logging;

namespace Beadhub.Silo.Tests.Operations;

/// <summary>What is cut out of every line of the log, and what stays.</summary>
public sealed class RedactionTests
{
    [Theory]
    [InlineData("key aw_sk_0123456789abcdef was refused", "0123456789abcdef")]
    [InlineData("whsec_0123456789abcdef", "0123456789abcdef")]
    [InlineData("Authorization: Bearer abc.def-ghi", "abc.def-ghi")]
    [InlineData("header basic dXNlcjpwYXNz", "dXNlcjpwYXNz")]
    [InlineData("postgres://beadhub:hunter2@db:5432/beadhub", "hunter2")]
    [InlineData("Host=db;Username=u;Password=hunter2;Database=d", "hunter2")]
    [InlineData("Password=\"hunter 2\";", "hunter 2")]
    [InlineData("{\"client_secret\":\"hunter2\"}", "hunter2")]
    [InlineData("https://hooks.example/x?sig=hunter2&a=b", "hunter2")]
    [InlineData("api_key = hunter2", "hunter2")]
    [InlineData("X-BH-Auth: v2:hunter2", "hunter2")]
    [InlineData("redis://:hunter2@cache:6379/0", "hunter2")]
    public void Secrets_are_cut_out(string text, string secret)
    {
        Redaction.Clean(text).ShouldNotContain(secret);
        Redaction.Clean(text).ShouldContain("[redacted]");
    }

    [Theory]
    [InlineData("The lock on the event log at postgres db:5432/beadhub was lost with its connection; trying to regain it")]
    [InlineData("Webhook 2751bd09-c777-4971-8e28-2ed1a755f065 cannot be served right now")]
    [InlineData("POST /v1/messages/{messageId}/ack answered 200 in 1.25 ms, request 0HNH:00000001")]
    [InlineData("No answer from http://localhost:8000/mcp: Connection refused")]
    [InlineData("   at Beadhub.Silo.Server.Start(Settings settings) in Server.cs:line 58")]
    [InlineData("")]
    public void The_rest_stays(string text) => Redaction.Clean(text).ShouldBe(text);
}
