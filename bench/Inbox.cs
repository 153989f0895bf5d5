using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>What an inbox costs to read: against a bare endpoint that writes the same bytes, and a large mailbox against a small
/// one.</summary>
internal static class Inbox
{
    private const int Connections = 16;
    private const string Path = "/v1/messages/inbox";

    public static async Task Run(Lab lab)
    {
        var large = lab.Options.Quick ? 10_000 : 100_000;
        await using var server = await lab.Server(await lab.Database());
        var team = await Team.Create(server.Api, agents: 3);
        var (sender, few, many) = (team.Agents[0], team.Agents[1], team.Agents[2]);
        await Fill(server, sender, few, 50);
        await Fill(server, sender, many, large);
        lab.Say($"{large:#,0} mails sent");

        var answer = await CapturedAnswer.Of(few, Path);
        await using var bare = await lab.Reference("reference", await answer.Save(lab.Folder()));
        Func<Task<double>> Rate(Host host, Agent agent, int seconds) =>
            async () => (await Wrk.Get(lab, host.Port, Path, agent.Key, Connections, seconds)).PerSecond;
        Func<Task<double>> Latency(Agent agent, string path, int seconds) =>
            async () => (await Wrk.Get(lab, server.Port, path, agent.Key, 1, seconds)).P50;

        await Measure.Alternate(1, Rate(server, few, lab.Options.WarmUp), Rate(bare, few, lab.Options.WarmUp));
        var rates = await Measure.Alternate(lab.Options.Rounds, Rate(server, few, lab.Options.Seconds),
            Rate(bare, few, lab.Options.Seconds));
        lab.Results
            .Add(new($"read: inbox, 50 mails ({answer.Body.Length:#,0} bytes)", "bare Kestrel", rates[0], rates[1], "/s",
                Goal.Least(0.85)));
        lab.Say($"inbox: {rates[0]:0}/s, bare {rates[1]:0}/s");

        foreach (var (name, path) in new[] { ("inbox", Path), ("unread inbox", Path + "?unread_only=true") })
        {
            await Measure.Alternate(1, Latency(many, path, lab.Options.WarmUp), Latency(few, path, lab.Options.WarmUp));
            var medians = await Measure.Alternate(lab.Options.Rounds, Latency(many, path, lab.Options.Seconds),
                Latency(few, path, lab.Options.Seconds));
            lab.Results.Add(new($"{name}, p50 with {large:#,0} mails", "with 50 mails", medians[0], medians[1], "s", Goal.Most(1.3)));
            lab.Say($"{name}: {medians[0] * 1e6:0} µs, few {medians[1] * 1e6:0} µs");
        }
    }

    private static async Task Fill(Host server, Agent from, Agent to, int mails)
    {
        var sent = 0;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref sent) is var number && number <= mails)
            {
                await from.Post("/v1/messages", new
                {
                    to_alias = to.Alias,
                    subject = $"The sync, part {number}",
                    body = "The sync fails when the network drops in the middle of an upload; retry it with a delay that grows, and "
                        + "tell the user after the third time.",
                }).Ok();
            }
        })));
    }
}
