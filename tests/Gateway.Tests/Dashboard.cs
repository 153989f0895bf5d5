using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>How the dashboard's files are served; what it does is told by <c>tests/Browser.Tests</c>.</summary>
[OnAnyStore]
public sealed partial class Dashboard(SqliteStore store) : ContractTests(store)
{
    private static readonly string Files = Path.Combine(ServerProcess.Root(), "src", "Gateway", "Pages", "files");

    [Fact]
    public async Task The_page_and_its_files_run_nothing_but_what_this_server_sends()
    {
        var page = await Page();
        var script = await Api.Get(Script().Match(page.Text).Groups[1].Value);

        foreach (var answer in (Answer[])[page, script])
        {
            answer.Status.ShouldBe(200);
            var policy = answer.Header("Content-Security-Policy")!;
            policy.ShouldStartWith("default-src 'none'; script-src 'self'; style-src 'self';");
            policy.ShouldNotContain("unsafe");
            answer.Header("X-Content-Type-Options").ShouldBe("nosniff");
            answer.Header("X-Frame-Options").ShouldBe("DENY");
            answer.Header("Referrer-Policy").ShouldBe("no-referrer");
        }

        page.Text.ShouldNotContain("<style");
        Regex.Matches(page.Text, "<script").Count.ShouldBe(1);
        script.Header("Content-Type").ShouldBe("text/javascript; charset=utf-8");
        (await Api.Get("/v1/status")).Header("Content-Security-Policy").ShouldBeNull("the API is as it was");
    }

    [Fact]
    public async Task Files_are_kept_for_ever_under_their_version_and_asked_for_under_others()
    {
        var page = await Page();
        page.Header("Cache-Control").ShouldBe("no-cache");
        (await Api.With(("Accept", "text/html"), ("If-None-Match", page.Header("ETag")!)).Get("/")).Status.ShouldBe(304);

        var path = Script().Match(page.Text).Groups[1].Value;
        var script = await Api.Get(path);
        script.Header("Cache-Control").ShouldBe("public, max-age=31536000, immutable");
        var other = await Api.Get(path.Replace(path.Split('/')[2], "0123456789ab"));
        other.Text.ShouldBe(script.Text);
        other.Header("Cache-Control").ShouldBe("no-cache");
        (await Api.With(("If-None-Match", other.Header("ETag")!)).Get(path)).Status.ShouldBe(304);

        await Api.Get(path.Replace("main.js", "index.html")).Refused(404, "Not Found");
        await Api.Get(path.Replace("main.js", "..%2fmain.js")).Refused(404, "Not Found");
    }

    [Fact]
    public async Task An_invites_address_opens_the_page() =>
        (await Api.With(("Accept", "text/html")).Get("/i/kEdg8_-xT2Wr0v1kC1m2Yl8aVZ5cJb7uQm3nR4sT6wE")).Text
            .ShouldContain("data-vouched=\"no\"");

    [Fact]
    public void Every_module_that_another_one_wants_is_there()
    {
        var missing = new List<string>();
        foreach (var file in Directory.EnumerateFiles(Files, "*.js", SearchOption.AllDirectories))
            if (!file.Contains("vendor"))
                foreach (Match import in Import().Matches(File.ReadAllText(file)))
                    if (!File.Exists(Path.Combine(Path.GetDirectoryName(file)!, import.Groups[1].Value)))
                        missing.Add($"{Path.GetRelativePath(Files, file)}: {import.Groups[1].Value}");

        missing.ShouldBeEmpty();
    }

    [Fact]
    public void The_libraries_are_what_their_script_fetched()
    {
        var taken = Taken().Matches(File.ReadAllText(Path.Combine(Files, "..", "vendor.sh")));
        taken.Count.ShouldBeGreaterThan(2);
        foreach (Match file in taken)
            Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(Files, "vendor", file.Groups[1].Value))))
                .ShouldBe(file.Groups[2].Value, file.Groups[1].Value);

        var named = taken.SelectMany(file => new[] { file.Groups[1].Value, file.Groups[3].Value }).ToHashSet();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Files, "vendor"))) named.ShouldContain(Path.GetFileName(file));
    }

    private Task<Answer> Page() => Api.With(("Accept", "text/html,*/*;q=0.8")).Get("/");

    [GeneratedRegex("""<script type="module" src="([^"]+)">""")]
    private static partial Regex Script();

    [GeneratedRegex("""(?:from|import)\s*\(?\s*'(\.[^']+)'""")]
    private static partial Regex Import();

    [GeneratedRegex(@"^take \S+ \S+ (\S+) ([0-9a-f]{64})(?: \S+ (\S+))?", RegexOptions.Multiline)]
    private static partial Regex Taken();
}
