using System.Text.Json;
using System.Text.RegularExpressions;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Deploy;

/// <summary>What the README tells a newcomer to do, done as it stands there.</summary>
public sealed partial class ReadmeTests : IDisposable
{
    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-readme-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Five_commands_lead_from_the_download_to_two_agents_that_claim_beads()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("They are for a POSIX shell.");
        var readme = await File.ReadAllTextAsync(Path.Combine(ServerProcess.Root(), "README.md"), TestContext.Current.CancellationToken);
        var commands = Commands().Match(readme).Groups[1].Value.Trim();
        commands.Split('\n').Length.ShouldBe(5);
        // The release itself where deploy/package.sh has made it; otherwise a file of the same name that starts what this build has made.
        var release = Environment.GetEnvironmentVariable("BEADHUB_TEST_RELEASE") ?? _folder.CreateSubdirectory("release").FullName;
        var file = Path.Combine(release, Download().Match(commands).Value);
        if (Environment.GetEnvironmentVariable("BEADHUB_TEST_RELEASE") is null)
            await File.WriteAllTextAsync(file, $"#!/bin/sh\nexec dotnet '{ServerProcess.Executable()}' \"$@\"\n",
                TestContext.Current.CancellationToken);
        else
            (await Script.Run("sh", "-c", $"cd '{release}' && grep -F '{Path.GetFileName(file)}' SHA256SUMS | sha256sum -c"))
                .ShouldContain("OK");
        var (home, port) = (_folder.CreateSubdirectory("home").FullName, ServerProcess.FreePort());

        var printed = await Script.Run("sh", "-c", $"""
            set -e
            cd '{home}'
            export HOME='{home}' RELEASE='file://{release}' BEADHUB_PORT={port} BEADHUB_URL=http://127.0.0.1:{port}
            trap 'kill $!' EXIT
            {commands}
            """);

        printed.ShouldMatch(@"id\s+bd-1");
        var answer = JsonDocument.Parse(printed.Split('\n').Last(line => line.StartsWith('{'))).RootElement;
        var claimed = JsonDocument.Parse(answer.At("result").Items("content")[0].Text("text")).RootElement;
        claimed.At("claim").Text("bead_id").ShouldBe("bd-2");
        claimed.At("claim").Text("alias").ShouldBe("bob");
    }

    [GeneratedRegex(@"## Five commands.*?```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Commands();

    [GeneratedRegex(@"beadhub-[\d.]+-linux-x64")]
    private static partial Regex Download();
}
