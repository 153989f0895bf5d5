using System.Diagnostics;
using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Storm;

/// <summary>One agent at work: it syncs, claims, takes the next bead, locks, writes mail and chats, in an order that its seed decides, and
/// notes what it was told.</summary>
public sealed class Worker(Caller me, Agent[] team, string[] wanted, History history, int seed, CancellationToken end)
{
    private readonly Random _random = new(seed);
    private readonly Agent _agent = me.Agent;
    private int _made;
    private int _mails;
    private int _chats;

    private static long Now => Stopwatch.GetTimestamp();

    /// <summary>Works until the storm ends.</summary>
    public async Task Run()
    {
        while (!end.IsCancellationRequested)
        {
            switch (_random.Next(12))
            {
                case 0 or 1:
                    await Sync();
                    break;
                case 2 or 3:
                    await Claim();
                    break;
                case 4 or 5:
                    await ClaimNext();
                    break;
                case 6 or 7:
                    await Lock();
                    break;
                case 8 or 9:
                    await Mail();
                    break;
                default:
                    await Chat();
                    break;
            }
        }
    }

    /// <summary>A bead of its own, that somebody may take as their next one.</summary>
    private async Task Sync()
    {
        var id = $"{_agent.Alias}-{++_made}";
        var (sending, body) = (_agent.ProjectId + "/" + id, Change(new { id, title = id, status = "open", priority = 2 }));
        if (await me.Ask(HttpMethod.Post, "/v1/bdh/sync", body) is { Status: 200 }) history.Synced.Enqueue(sending);
    }

    /// <summary>One of the beads that everybody wants, as the command line claims it; kept for a while, and closed.</summary>
    private async Task Claim()
    {
        var id = wanted[_random.Next(wanted.Length)];
        if (await me.Ask(HttpMethod.Post, "/v1/bdh/sync",
            Change(new { id, title = id, status = "in_progress" }, $"update {id} --status in_progress")) is not {
            Status: 200 } answer) return;
        if (answer.Json.TryGetProperty("claim_rejected", out var rejected) && rejected.ValueKind == JsonValueKind.True) return;
        var holding = Hold("bead", $"{_agent.ProjectId}/{id}");
        await Task.Delay(_random.Next(50), CancellationToken.None);
        holding.Until = Now;
        await me.Ask(HttpMethod.Post, "/v1/bdh/sync", Change(new { id, title = id, status = "closed" }, $"close {id}"));
    }

    /// <summary>The next free bead; most are kept to the end.</summary>
    private async Task ClaimNext()
    {
        if (await me.Ask(HttpMethod.Post, "/v1/beads/claim-next", new { }) is not { Status: 200 } answer || !answer.Json.Flag("claimed"))
            return;
        var id = answer.Json.At("bead").Text("bead_id");
        var holding = Hold("bead", $"{_agent.ProjectId}/{id}");
        if (_random.Next(3) > 0) return;
        holding.Until = Now;
        await me.Ask(HttpMethod.Delete, $"/v1/beads/{id}/claims");
    }

    private async Task Lock()
    {
        var key = $"src/{_random.Next(8)}.cs";
        if (await me.Ask(HttpMethod.Post, "/v1/reservations", new { resource_key = key, ttl_seconds = 3600 }) is not { Status: 200 or 201 })
            return;
        var holding = Hold("lock", $"{_agent.ProjectId}/{key}");
        await Task.Delay(_random.Next(30), CancellationToken.None);
        holding.Until = Now;
        await me.Ask(HttpMethod.Post, "/v1/reservations/release", new { resource_key = key });
    }

    private async Task Mail()
    {
        var to = team[_random.Next(team.Length)];
        var sending = new Sending("mail", to.Id, $"{_agent.Alias} mail {++_mails}");
        history.Sendings.Enqueue(sending);
        sending.IsAcknowledged = await me.Ask(HttpMethod.Post, "/v1/messages",
            new { to_agent_id = to.Id, subject = sending.Text, body = sending.Text }) is { Status: 200 };
    }

    // A session shows its newest 2,000 messages: after 1,000 of one's own another partner's turn comes.
    private async Task Chat()
    {
        var self = Array.FindIndex(team, agent => agent.Id == _agent.Id);
        var to = team[(self + 1 + (_chats / 1000 % (team.Length - 1))) % team.Length];
        var session = string.Join('+', new[] { _agent.Id, to.Id }.Order(StringComparer.Ordinal));
        var sending = new Sending("chat", session, $"{_agent.Alias} chat {++_chats}");
        history.Sendings.Enqueue(sending);
        sending.IsAcknowledged = await me.Ask(HttpMethod.Post, "/v1/chat/sessions",
            new { to_aliases = new[] { to.Alias }, message = sending.Text }) is { Status: 200 };
    }

    private Holding Hold(string kind, string thing)
    {
        var holding = new Holding(kind, thing, _agent.Id, Now);
        history.Holdings.Enqueue(holding);
        return holding;
    }

    private object Change(object issue, string? command = null)
    {
        var body = _agent.Self();
        body["sync_mode"] = "incremental";
        body["changed_issues"] = Jsonl.Of(issue);
        if (command is not null) body["command_line"] = command;
        return body;
    }
}
