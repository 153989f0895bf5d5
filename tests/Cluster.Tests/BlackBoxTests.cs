using System.Diagnostics;
using System.Text.RegularExpressions;
using Beadhub.Testing;

namespace Beadhub.Cluster.Tests;

/// <summary>
/// The black-box tests of the HTTP contract that depend on what is stored, against three nodes behind the balancer: every request may come
/// to another node than the one before.
/// </summary>
[Collection("calm")]
public sealed partial class BlackBoxTests(CalmCluster calm)
{
    private const int AtLeast = 600;

    [Fact]
    public async Task The_whole_contract_holds_through_the_balancer()
    {
        var cluster = await calm.Get();
        var start = new ProcessStartInfo("dotnet",
            [ServerProcess.Tests("Gateway.Tests", "Beadhub.Gateway.Tests"), "-noColor", "-maxThreads", "4", "-trait-", "store=any"])
        {
            RedirectStandardOutput = true,
            Environment = { ["BEADHUB_TEST_URL"] = cluster.Balancer.Address.ToString() },
        };
        using var suite = Process.Start(start)!;
        var output = await suite.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await suite.WaitForExitAsync(TestContext.Current.CancellationToken);

        var lines = output.Split('\n');
        var failed = string.Join('\n', lines.SkipWhile(line => !line.Contains("[FAIL]", StringComparison.Ordinal)).Take(200));
        suite.ExitCode.ShouldBe(0, failed);
        var summary = Summary().Match(output);
        summary.Success.ShouldBeTrue(output);
        TestContext.Current.TestOutputHelper?.WriteLine(summary.Value);
        var ran = int.Parse(summary.Groups["total"].Value) - int.Parse(summary.Groups["skipped"].Value);
        ran.ShouldBeGreaterThan(AtLeast, "most of the suite was skipped");
    }

    [GeneratedRegex(@"Total: (?<total>\d+), Errors: 0, Failed: 0, Skipped: (?<skipped>\d+)")]
    private static partial Regex Summary();
}
