using System.Diagnostics;
using System.Text.RegularExpressions;
using Beadhub.Testing;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Beadhub.BrowserTests;

/// <summary>What a newcomer sees who starts the demo and opens the address that it prints; and the pictures of the README.</summary>
public sealed partial class DemoTests(Chromium chromium)
{
    // A picture is small enough to stand in the repository.
    private const int MostBytes = 160 * 1024;

    [Fact]
    public async Task A_newcomer_follows_an_agents_claim_from_the_ready_queue_to_done()
    {
        await using var demo = await Demo.Start(pace: 1);
        await using var tab = await Tab.Open(chromium, new Api(new Uri(demo.Address)));
        await tab.Go("");
        var page = tab.Page;

        // Signed in without a word, as a person of the team.
        await Expect(page.Locator(".who")).ToHaveTextAsync("you");
        await page.GetByRole(AriaRole.Link, new() { Name = "Ready" }).ClickAsync();
        var first = page.Locator(".queue a.bead").First;
        var id = await first.Locator(".id").InnerTextAsync();
        // It is taken sooner or later, and leaves the queue.
        await Expect(page.Locator($".queue a.bead:has(.id:text-is('{id}'))")).ToHaveCountAsync(0, new() { Timeout = 60_000 });
        await page.GetByRole(AriaRole.Link, new() { Name = "Activity" }).ClickAsync();
        await Expect(page.Locator(".feed li", new() { HasTextRegex = new($@"took {id}\b") }).First).ToBeVisibleAsync();
        await Expect(page.Locator(".feed li", new() { HasTextRegex = new($@"{id}\b.*→ ?closed") }).First)
            .ToBeVisibleAsync(new() { Timeout = 60_000 });

        // What an agent asks, a person answers.
        await page.GetByRole(AriaRole.Link, new() { Name = "Escalations" }).ClickAsync();
        await Expect(page.Locator("main")).ToContainTextAsync("May I switch the lamp off");
    }

    [Fact]
    public async Task The_readmes_pictures_can_be_made()
    {
        await using var demo = await Demo.Start(pace: 0.3);
        await using var tab = await Tab.Open(chromium, new Api(new Uri(demo.Address)), width: 1120);
        await tab.Go("");
        var page = tab.Page;
        await page.SetViewportSizeAsync(1120, 640);
        var wanted = Environment.GetEnvironmentVariable("BEADHUB_SCREENSHOTS");
        var folder = wanted ?? Directory.CreateTempSubdirectory("beadhub-pictures-").FullName;
        try
        {
            await page.GetByRole(AriaRole.Link, new() { Name = "Graph" }).ClickAsync();
            await Take("graph", ".drawing[data-state=ready]");
            // Until some beads are done, some are at work.
            await page.GetByRole(AriaRole.Link, new() { Name = "Board" }).ClickAsync();
            await Expect(page.Locator("section[aria-label=closed] .card").Nth(4)).ToBeVisibleAsync();
            await Take("board", ".column");
            await page.GetByRole(AriaRole.Link, new() { Name = "Activity" }).ClickAsync();
            await Take("activity", ".feed li:nth-child(12)");
        }
        finally
        {
            if (wanted is null) Directory.Delete(folder, recursive: true);
        }

        async Task Take(string name, string drawn)
        {
            await Expect(page.Locator(drawn).First).ToBeVisibleAsync(new() { Timeout = 30_000 });
            await Expect(page.Locator("main .loading")).ToHaveCountAsync(0);
            await Expect(page.Locator("main .problem")).ToHaveCountAsync(0);
            var file = Path.Combine(folder, $"{name}.png");
            await page.ScreenshotAsync(new() { Path = file });
            var length = new FileInfo(file).Length;
            length.ShouldBeInRange(5_000, MostBytes);
        }
    }

    [Fact]
    public void The_readme_shows_three_pictures_that_are_there()
    {
        var root = ServerProcess.Root();
        var shown = Pictures().Matches(File.ReadAllText(Path.Combine(root, "README.md")))
            .Select(static match => match.Groups[1].Value).ToArray();
        shown.Length.ShouldBe(3);
        shown.ShouldAllBe(picture => new FileInfo(Path.Combine(root, picture)).Length < MostBytes);
    }

    [GeneratedRegex(@"!\[[^\]]+\]\((docs/screenshots/[a-z]+\.png)\)")]
    private static partial Regex Pictures();

    /// <summary><c>beadhub demo</c> in a process of its own.</summary>
    private sealed class Demo : IAsyncDisposable
    {
        private readonly Process _process;

        private Demo(Process process, string address) => (_process, Address) = (process, address);

        /// <summary>The address that it prints.</summary>
        public string Address { get; }

        public static async Task<Demo> Start(double pace)
        {
            var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
            foreach (var argument in new[] { ServerProcess.Executable(), "demo", "--port", $"{ServerProcess.FreePort()}", "--pace",
                pace.ToString(System.Globalization.CultureInfo.InvariantCulture) }) start.ArgumentList.Add(argument);
            var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            for (var line = ""; line is not null; line = await process.StandardOutput.ReadLineAsync())
                if (Printed().Match(line) is { Success: true } printed) return new(process, printed.Groups[1].Value);
            throw new InvalidOperationException(await errors);
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited) _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }
    }

    [GeneratedRegex(@"^\s*Open\s+(http://\S+)")]
    private static partial Regex Printed();
}
