using System.Diagnostics;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>What a mailbox costs when much has come.</summary>
public abstract class MailboxSizeContract(Store store) : ContractTests(store)
{
    /// <summary>Fills one mailbox with 100,000 mails and another with 10, and tells what both cost. Takes minutes: runs only when asked
    /// for.</summary>
    [Fact(Explicit = true)]
    public async Task A_mailbox_of_100_000_mails_costs_no_more_than_one_of_10()
    {
        await using var server = await Store.Fresh();
        var project = new Project(server.Api);
        var (alice, full, small) = (await project.Agent("alice"), await project.Agent("full"), await project.Agent("small"));
        var clock = Stopwatch.StartNew();
        await Parallel.ForAsync(0, 100_000, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
            await alice.Mail(full, $"Mail {i}: {new string('x', 200)}").Ok());
        Tell($"100,000 mails sent in {clock.Elapsed.TotalSeconds:F0} s");
        for (var i = 0; i < 10; i++)
            await alice.Mail(small, $"Mail {i}: {new string('x', 200)}").Ok();

        var warm = await Measure(alice, full, small, "warm");
        await server.Kill();
        await server.Restart();
        (alice, full, small) = (alice.At(server.Api), full.At(server.Api), small.At(server.Api));
        await small.Get("/v1/projects/current").Ok();
        clock.Restart();
        (await small.Inbox(unreadOnly: true, limit: 10)).Length.ShouldBe(10);
        Tell($"first inbox after a restart, 10 mails: {clock.Elapsed.TotalMilliseconds:F1} ms");
        clock.Restart();
        (await full.Inbox(unreadOnly: true, limit: 10)).Length.ShouldBe(10);
        var first = clock.Elapsed;
        Tell($"first inbox after a restart, 100,000 mails: {first.TotalMilliseconds:F1} ms");
        var restarted = await Measure(alice, full, small, "after a restart");

        (await full.Inbox(unreadOnly: true, limit: 500)).Length.ShouldBe(500);
        warm.ShouldBeLessThan(2);
        restarted.ShouldBeLessThan(2);
        first.ShouldBeLessThan(TimeSpan.FromSeconds(1));
    }

    private static async Task<double> Measure(Agent alice, Agent full, Agent small, string when)
    {
        for (var i = 0; i < 200; i++)
        {
            await small.Inbox(unreadOnly: true, limit: 10);
            await full.Inbox(unreadOnly: true, limit: 10);
        }

        var unchanged = await Compare(full, small, async agent => (await agent.Inbox(unreadOnly: true, limit: 10)).Length.ShouldBe(10));
        Tell($"{when}: unread inbox of 10, unchanged: {unchanged.Full:F2} ms with 100,000 mails, {unchanged.Small:F2} ms with 10");
        var changed = await Compare(full, small, async agent =>
        {
            await alice.Mail(agent).Ok();
            await agent.Inbox(limit: 10);
        });
        // Each of the ten has one more unread now, so that ten can be acknowledged and ten are left.
        Tell($"{when}: one mail sent and an inbox of 10: {changed.Full:F2} ms with 100,000 mails, {changed.Small:F2} ms with 10");
        var acknowledged = await Compare(full, small, async agent =>
            await agent.Ack((await agent.Inbox(unreadOnly: true, limit: 1))[0].Text("message_id")).Ok());
        Tell($"{when}: newest unread found and acknowledged: {acknowledged.Full:F2} ms with 100,000 mails, "
            + $"{acknowledged.Small:F2} ms with 10");
        return Math.Max(unchanged.Full / unchanged.Small, Math.Max(changed.Full / changed.Small, acknowledged.Full / acknowledged.Small));
    }

    /// <summary>Median times, in ms, of the same on both, taken in turn.</summary>
    private static async Task<(double Full, double Small)> Compare(Agent full, Agent small, Func<Agent, Task> step)
    {
        const int rounds = 10; // as many as the small box has mail to acknowledge
        var (times, others) = (new List<double>(), new List<double>());
        for (var i = 0; i < rounds; i++)
        {
            times.Add(await Time(full));
            others.Add(await Time(small));
        }

        times.Sort();
        others.Sort();
        return (times[rounds / 2], others[rounds / 2]);

        async Task<double> Time(Agent agent)
        {
            var clock = Stopwatch.StartNew();
            await step(agent);
            return clock.Elapsed.TotalMilliseconds;
        }
    }

    private static void Tell(string line) => TestContext.Current.TestOutputHelper?.WriteLine(line);
}
