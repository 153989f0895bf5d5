using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Deploy;

/// <summary>What the manifests of deploy/ must say for a deployment to be safe; they cannot be applied where there is no container
/// engine.</summary>
public sealed partial class ManifestTests
{
    [Fact]
    public async Task Caddy_takes_its_file()
    {
        if ((await Script.Try("sh", "-c", "command -v caddy")).Code != 0) Assert.Skip("There is no Caddy.");
        var (code, output) = await Script.Try("caddy", "adapt", "--validate", "--config", Script.PathOf("caddy/Caddyfile"));
        code.ShouldBe(0, output);
        output.ShouldContain("\"upstreams\":[{\"dial\":\"127.0.0.1:8000\"}]");
    }

    [Fact]
    public void Pods_are_counted_by_the_autoscaler_alone()
    {
        Text("deploy/kubernetes/autoscaling.yaml").ShouldMatch(@"(?m)^\s+minReplicas: \d");
        Text("deploy/kubernetes/deployment.yaml").ShouldNotMatch(@"(?m)^\s+replicas:");
    }

    [Theory]
    [InlineData("deploy/kubernetes/config.yaml")]
    [InlineData("deploy/compose.yaml")]
    public void Metrics_are_given_to_nobody_who_comes_by_a_proxy(string file) =>
        Text(file).ShouldMatch(@"(?m)^\s+BEADHUB_METRICS: direct$");

    [Fact]
    public void The_proxy_of_compose_has_an_address_of_its_own_and_is_trusted()
    {
        var compose = Text("deploy/compose.yaml");
        var trusted = TrustedProxy().Match(compose).Groups[1].Value;

        trusted.ShouldNotBeEmpty();
        compose.ShouldMatch($@"(?m)^\s+ipv4_address: {Regex.Escape(trusted)}$");
    }

    [Fact]
    public void The_image_restores_packages_before_it_copies_sources()
    {
        var dockerfile = Text("deploy/Dockerfile");
        var restore = dockerfile.IndexOf("dotnet restore src/Silo", StringComparison.Ordinal);

        restore.ShouldBePositive();
        dockerfile.IndexOf("COPY src src", StringComparison.Ordinal).ShouldBeGreaterThan(restore);
        foreach (var project in Directory.EnumerateFiles(Path.Combine(ServerProcess.Root(), "src"), "*.csproj",
            SearchOption.AllDirectories))
            dockerfile.ShouldContain($"{Path.GetRelativePath(ServerProcess.Root(), project)} ");
    }

    [Theory]
    [InlineData("deploy/monitoring/beadhub.rules.yml", 6)]
    [InlineData("deploy/monitoring/beadhub.dashboard.json", 12)]
    public void Alert_rules_and_dashboard_ask_for_figures_that_are_described(string file, int least)
    {
        var described = Text("docs/operations.md");
        var asked = Figure().Matches(Text(file)).Select(figure => figure.Groups[1].Value).Distinct().ToList();

        asked.Count.ShouldBeGreaterThanOrEqualTo(least);
        foreach (var name in asked) described.ShouldContain($"`{name}`");
    }

    [Fact]
    public void The_dashboard_is_one_that_can_be_imported()
    {
        var dashboard = JsonDocument.Parse(Text("deploy/monitoring/beadhub.dashboard.json")).RootElement;

        var panels = dashboard.GetProperty("panels").EnumerateArray().ToList();
        panels.Select(panel => panel.GetProperty("id").GetInt32()).ShouldBeUnique();
        foreach (var panel in panels)
        {
            panel.GetProperty("title").GetString().ShouldNotBeNullOrEmpty();
            panel.GetProperty("targets").EnumerateArray().ShouldAllBe(target => target.GetProperty("expr").GetString()!.Length > 0);
            panel.GetProperty("datasource").GetProperty("uid").GetString().ShouldBe("${datasource}");
        }
    }

    [Fact]
    public void Every_setting_is_described()
    {
        var described = Text("docs/operations.md");
        var settings = Setting().Matches(Text("src/Hosting/Settings.cs")).Select(setting => setting.Groups[1].Value).Distinct().ToList();

        settings.Count.ShouldBeGreaterThan(25);
        foreach (var name in settings) described.ShouldContain($"`{name}`");
    }

    [Fact]
    public async Task The_unit_of_one_user_names_its_data_in_full_and_comes_back_after_a_failure()
    {
        var unit = Text("deploy/systemd/beadhub-user.service");
        unit.ShouldMatch(@"(?m)^Environment=BEADHUB_DATABASE_URL=sqlite:%h/");
        unit.ShouldMatch(@"(?m)^Restart=on-failure$");
        unit.ShouldMatch(@"(?m)^RestartSec=5$");
        unit.ShouldMatch(@"(?m)^WantedBy=default\.target$");
        Assert.SkipUnless(File.Exists("/usr/bin/systemd-analyze"), "There is no systemd-analyze.");
        var folder = Directory.CreateTempSubdirectory("beadhub-unit-");
        try
        {
            // The program is not there: any other will do.
            var path = Path.Combine(folder.FullName, "beadhub.service");
            await File.WriteAllTextAsync(path, unit.Replace("%h/.local/bin/beadhub", "/bin/true"),
                TestContext.Current.CancellationToken);
            var (code, output) = await Script.Try("env", $"XDG_RUNTIME_DIR={folder.FullName}", "systemd-analyze", "verify", "--user", path);
            code.ShouldBe(0, output);
            output.ShouldNotContain("beadhub.service");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Dotnet_run_keeps_data_in_the_folder_where_it_is_called()
    {
        var folder = Directory.CreateTempSubdirectory("beadhub-run-");
        try
        {
            var start = new ProcessStartInfo("dotnet",
                ["msbuild", Path.Combine(ServerProcess.Root(), "src/Silo"), "-getProperty:RunWorkingDirectory"])
            {
                WorkingDirectory = folder.FullName,
                RedirectStandardOutput = true,
            };
            using var msbuild = Process.Start(start)!;

            (await msbuild.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Trim().TrimEnd('/')
                .ShouldBe(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Text(string file) => File.ReadAllText(Path.Combine(ServerProcess.Root(), file));

    [GeneratedRegex(@"(?m)^\s+BEADHUB_TRUSTED_PROXIES: (\S+)$")]
    private static partial Regex TrustedProxy();

    [GeneratedRegex(@"\b((?:beadhub|http_server)_\w+?)(?:_bucket|_count|_sum)?(?=[\[{)\s])")]
    private static partial Regex Figure();

    [GeneratedRegex("\"((?:BEADHUB|AWEB)_[A-Z_]+)\"")]
    private static partial Regex Setting();
}
