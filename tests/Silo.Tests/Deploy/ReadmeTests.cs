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

    [Theory]
    [InlineData("README.md", "## Five minutes")]
    [InlineData("docs/http.md", "# By hand")]
    public async Task Minutes_go_as_they_are_told(string page, string heading)
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("They are for a POSIX shell.");
        Assert.SkipUnless(Known("jq") && Known("curl"), "jq and curl are not installed");
        var text = await File.ReadAllTextAsync(Path.Combine(ServerProcess.Root(), page), TestContext.Current.CancellationToken);
        var from = text.IndexOf(heading, StringComparison.Ordinal);
        var to = text.IndexOf("\n## ", from + heading.Length, StringComparison.Ordinal);
        var steps = Steps().Matches(to < 0 ? text[from..] : text[from..to]);
        steps.Count.ShouldBeGreaterThan(4);
        await using var server = await ServerProcess.Start(_folder.CreateSubdirectory("data").FullName, new Dictionary<string, string>());
        var address = server.Api.Address.ToString().TrimEnd('/');
        var home = _folder.CreateSubdirectory("minutes").FullName;
        var beadhub = Path.Combine(home, "beadhub");
        await File.WriteAllTextAsync(beadhub, $"#!/bin/sh\nexec dotnet '{ServerProcess.Executable()}' \"$@\"\n",
            TestContext.Current.CancellationToken);

        // A stream goes on until it is stopped; here it ends once it has had time to tell everything.
        var script = string.Join("\necho '@@'\n", steps.Select(static step => step.Groups[1].Value))
            .Replace("curl -sN ", "curl -sN --max-time 5 ", StringComparison.Ordinal)
            .Replace("http://localhost:8000", address, StringComparison.Ordinal);
        var printed = await Script.Run("sh", "-c", $"""
            cd '{home}'
            chmod +x beadhub
            mkdir work && cd work
            export HOME='{home}' PATH='{home}':"$PATH" BEADHUB_URL='{address}' COLUMNS=200
            exec 2>&1
            {script}
            """);

        var answers = printed.Replace(address, "http://localhost:8000", StringComparison.Ordinal).Split("@@\n");
        answers.Length.ShouldBe(steps.Count);
        for (var i = 0; i < answers.Length; i++)
        {
            // What is another each time stands there as an ellipsis.
            var expected = steps[i].Groups[2].Value.Trim();
            if (expected.Length == 0) continue;
            var pattern = Regex.Escape(expected).Replace("…", ".+", StringComparison.Ordinal);
            answers[i].Trim().ShouldMatch($"^{pattern}$", steps[i].Groups[1].Value);
        }
    }

    private static bool Known(string program) => Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, program)));

    [GeneratedRegex(@"```sh\n(.*?)```(?:\n```\n(.*?)```)?", RegexOptions.Singleline)]
    private static partial Regex Steps();

    [GeneratedRegex(@"## Five commands.*?```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Commands();

    [GeneratedRegex(@"beadhub-[\d.]+-linux-x64")]
    private static partial Regex Download();
}
