using System.Collections.Concurrent;
using System.Net;
using Beadhub.Testing;

namespace Beadhub.BrowserTests;

/// <summary>The line to the server: broken, silent, too fast.</summary>
public sealed class LineTests(Chromium chromium, OneServer server)
{
    [Fact]
    public async Task What_was_missed_while_the_server_was_dead_comes_when_it_is_back()
    {
        await using var own = await new OwnServer().Start();
        var alice = await new Project(own.Api).Agent("alice");
        await using var tab = await Tab.Of(chromium, alice, "board");
        tab.Expect("ERR_", "Failed to load resource");
        await alice.Sync(Jsonl.Of(new { id = "bd-1", title = "Before", status = "open" })).Ok();
        await tab.Sees("Before");

        await own.Kill();
        await Tab.Sees(tab.Page.GetByText("The line to the server is down"));
        await own.Start();
        // Written before the page is back, or after: it is there in either case.
        await alice.Sync(Jsonl.Of(
            new { id = "bd-1", title = "Before", status = "closed" }, new { id = "bd-2", title = "Meanwhile", status = "open" })).Ok();
        await tab.Live();
        await Tab.SeesNo(tab.Page.GetByText("The line to the server is down"));
        await Tab.Sees(tab.Page.Locator("section[aria-label='closed']").GetByText("Before"));
        await tab.Sees("Meanwhile");
    }

    [Fact]
    public async Task A_tab_that_slept_goes_on_behind_what_it_has_seen()
    {
        var alice = await new Project(server.Api).Agent("alice");
        await using var proxy = new CutProxy(new IPEndPoint(IPAddress.Loopback, server.Api.Address.Port));
        await using var tab = await Tab.Of(chromium, alice.At(new Api(new Uri($"http://127.0.0.1:{proxy.Port}/"))), "board");
        tab.Expect("ERR_", "Failed to load resource");
        await alice.Sync(Jsonl.Of(Enumerable.Range(0, 10).Select(static n => new { id = $"bd-{n}", title = $"Bead {n}", status = "open" })))
            .Ok();
        await tab.Sees("10 of 10 beads");
        var cursors = new ConcurrentQueue<string>();
        tab.Page.Request += (_, request) =>
        {
            if (request.Url.Contains("/v1/status/stream", StringComparison.Ordinal))
                cursors.Enqueue(request.Headers.GetValueOrDefault("last-event-id") ?? "none");
        };

        // The machine sleeps: the page runs nothing, and its connections die without a word.
        var devtools = await tab.Page.Context.NewCDPSessionAsync(tab.Page);
        await devtools.SendAsync("Page.setWebLifecycleState", new() { ["state"] = "frozen" });
        proxy.StaysCut = true;
        proxy.Cut();
        for (var n = 0; n < 30; n++)
            await alice.Change(Jsonl.Of(new { id = $"bd-{n}", title = $"Bead {n}", status = n < 10 ? "closed" : "open" })).Ok();

        // It wakes before its network does.
        await devtools.SendAsync("Page.setWebLifecycleState", new() { ["state"] = "active" });
        await Tab.Sees(tab.Page.GetByText("The line to the server is down"));
        await tab.Sees("10 of 10 beads");
        proxy.StaysCut = false;
        await tab.Live();
        await tab.Sees("30 of 30 beads");
        await Tab.Sees(tab.Page.Locator("section[aria-label='closed'] h2").GetByText("10"));
        cursors.ShouldNotBeEmpty();
        cursors.ShouldAllBe(static cursor => long.Parse(cursor) > 0);
    }

    [Fact]
    public async Task Events_are_cut_wherever_the_network_cuts_them()
    {
        await using var tab = await Tab.Open(chromium, server.Api);
        await tab.Go("");

        var seen = await tab.Page.EvaluateAsync<string>(
            """
            async () => {
                const { Lines } = await import(document.querySelector('script[type=module]').src.replace('main.js', 'lib/live.js'));
                const text = ': keepalive\n\nid: 7\r\ndata: {"a":1,\r\ndata: "b":"ü"}\r\n\r\nid: 8\ndata: x\n\nid: 9\ndata: half';
                const all = [];
                for (let size = 1; size < text.length; size++) {
                    const events = [];
                    const lines = new Lines((id, data) => events.push(`${id} ${data}`));
                    for (let at = 0; at < text.length; at += size) lines.push(text.slice(at, at + size));
                    all.push(events.join('|'));
                }
                return [...new Set(all)].join('\n---\n');
            }
            """);

        seen.ShouldBe("7 {\"a\":1,\n\"b\":\"ü\"}|8 x");
    }

    [Fact]
    public async Task A_burst_of_events_leaves_the_page_at_work()
    {
        const int beads = 400, rounds = 15, perRound = 100;
        var alice = await new Project(server.Api).Agent("alice");
        await alice.Sync(Jsonl.Of(Enumerable.Range(0, beads).Select(n => Bead(n, "open")))).Ok();
        await using var tab = await Tab.Of(chromium, alice, "board");
        await tab.Sees($"{beads} of {beads} beads");
        var tasks = await MainThread.Tasks(chromium, tab.Page, async () =>
        {
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(1000.0 * perRound / 500));
            for (var round = 0; round < rounds; round++)
            {
                await pace.WaitForNextTickAsync(TestContext.Current.CancellationToken);
                var status = round % 2 == 0 ? "closed" : "open";
                await alice.Change(Jsonl.Of(Enumerable.Range(0, perRound).Select(n => Bead(n, status)))).Ok();
            }

            await Tab.Sees(tab.Page.Locator("section[aria-label='closed'] h2").GetByText($"{perRound}"));
        });
        tasks[0].ShouldBeLessThan(50);

        static object Bead(int n, string status) =>
            new { id = $"bd-{n}", title = $"Bead {n}", status, updated_at = DateTimeOffset.UtcNow.ToString("O") };
    }
}
