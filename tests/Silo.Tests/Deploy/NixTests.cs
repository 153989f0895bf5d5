using System.Text.Json;
using System.Text.RegularExpressions;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Deploy;

/// <summary>
/// What is under <c>deploy/nix</c>. Nix reads it where it is installed; the module is evaluated where <c>BEADHUB_TEST_NIXPKGS</c> names a
/// copy of nixpkgs, or of its <c>lib</c> alone (nix-community/nixpkgs.lib).
/// </summary>
public sealed partial class NixTests
{
    private static string Folder => Path.Combine(ServerProcess.Root(), "deploy/nix");

    [Theory]
    [InlineData("flake.nix")]
    [InlineData("overlay.nix")]
    [InlineData("package.nix")]
    [InlineData("home-manager.nix")]
    public async Task Each_file_can_be_read(string file)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/nix-instantiate"), "There is no Nix.");
        var (code, output) = await Nix("--parse", Path.Combine(Folder, file));
        code.ShouldBe(0, output);
    }

    [Fact]
    public async Task The_packages_are_those_of_the_sources()
    {
        var have = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Folder, "deps.json"), TestContext.Current.CancellationToken))
            .RootElement.EnumerateArray().ToLookup(static package => package.Text("pname"), static package => package.Text("version"),
                StringComparer.OrdinalIgnoreCase);
        var versions = Version().Matches(await File.ReadAllTextAsync(
                Path.Combine(ServerProcess.Root(), "Directory.Packages.props"), TestContext.Current.CancellationToken))
            .ToDictionary(static match => match.Groups[1].Value, static match => match.Groups[2].Value);
        var used = System.IO.Directory.EnumerateFiles(Path.Combine(ServerProcess.Root(), "src"), "*.csproj", SearchOption.AllDirectories)
            .SelectMany(static project => Reference().Matches(File.ReadAllText(project))).Select(static match => match.Groups[1].Value)
            .Where(name => !name.StartsWith("Microsoft.Orleans", StringComparison.Ordinal) && versions.ContainsKey(name)
                && !versions[name].Contains('$')).Distinct().ToList();
        used.ShouldContain("Npgsql");
        foreach (var name in used) have[name].ShouldContain(versions[name], $"{name}: run deploy/nix/deps.sh");
    }

    [Fact]
    public async Task The_module_asks_for_sops_nix_when_secrets_are_on_and_keeps_passwords_out_of_the_store()
    {
        var plain = await Evaluate("{ programs.beadhub.enable = true; }", sops: false);
        var service = plain.At("units").At("beadhub").At("Service");
        service.Text("Restart").ShouldBe("on-failure");
        service.At("RestartSec").GetInt32().ShouldBe(5);
        service.At("Environment").EnumerateArray().Select(static line => line.GetString())
            .ShouldContain("BEADHUB_DATABASE_URL=sqlite:/home/ada/.local/share/beadhub/beadhub.db");

        const string Secrets = """programs.beadhub = { enable = true; federation.secrets = { enable = true; sopsFile = "/x/s.yaml"; }; };""";
        (await Refused($"{{ {Secrets} }}", sops: false)).ShouldContain("needs sops-nix");
        var variables = (await Evaluate($"{{ {Secrets} }}", sops: true)).At("variables");
        variables.Text("BEADHUB_REMOTE_PASSWORD_FILE").ShouldBe("/run/user/1000/secrets/beadhub/remote-password");
        variables.EnumerateObject().ShouldAllBe(static variable => variable.Name != "BEADHUB_REMOTE_PASSWORD");

        foreach (var file in (string[])["./secret", "\"/nix/store/x\"", "\"relative\""])
            await Refused($"{{ programs.beadhub = {{ enable = true; federation.remotePasswordFile = {file}; }}; }}", sops: false);
        await Refused("""{ services.beadhub = { enable = true; dataDir = "data"; }; }""", sops: false);
        await Refused("""{ services.beadhub = { enable = true; settings.BEADHUB_ADMIN_KEY = "x"; }; }""", sops: false);
    }

    private static async Task<JsonElement> Evaluate(string user, bool sops)
    {
        var (code, output) = await TryEvaluate(user, sops);
        code.ShouldBe(0, output);
        // Warnings of Nix itself are printed beside it, on standard error.
        var json = output.Split('\n').Last(static line => line.StartsWith('{'));
        return JsonDocument.Parse(json[..(json.LastIndexOf('}') + 1)]).RootElement;
    }

    private static async Task<string> Refused(string user, bool sops)
    {
        var (code, output) = await TryEvaluate(user, sops);
        code.ShouldNotBe(0, output);
        return output;
    }

    private static async Task<(int Code, string Output)> TryEvaluate(string user, bool sops)
    {
        var nixpkgs = Environment.GetEnvironmentVariable("BEADHUB_TEST_NIXPKGS");
        Assert.SkipUnless(File.Exists("/usr/bin/nix-instantiate") && nixpkgs is not null, "There is no Nix, or no nixpkgs.");
        return await Nix("--eval", "--strict", "--json",
            Path.Combine(ServerProcess.Root(), "tests/Silo.Tests/Deploy/nix/evaluate.nix"), "--arg", "lib", $"import {nixpkgs}/lib",
            "--arg", "module", Path.Combine(Folder, "home-manager.nix"), "--arg", "user", user, "--arg", "sops", sops ? "true" : "false");
    }

    private static Task<(int Code, string Output)> Nix(params string[] arguments) => Script.Try("nix-instantiate", arguments);

    [GeneratedRegex("<PackageVersion Include=\"([^\"]+)\" Version=\"([^\"]+)\"")]
    private static partial Regex Version();

    [GeneratedRegex("<PackageReference Include=\"([^\"]+)\"")]
    private static partial Regex Reference();
}
