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
            switch (_random.Next(16))
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
                case 10 or 11:
                    await Chat();
                    break;
                default:
                    await Read();
                    break;
            }
        }
    }

    /// <summary>A bead of its own, that somebody may take as their next one.</summary>
    private async Task Sync()
    {
        var id = $"{_agent.Alias}-{++_made}";
        var (sending, body) = (_agent.ProjectId + "/" + id, Change(new { id, title = id, status = "open", priority = 2 }));
        if (await me.Ask(HttpMethod.Post, "/v1/bdh/sync", body) is not { Status: 200 }) return;
        history.Synced.Enqueue(new(sending, Now));
        history.Changed("made", _agent.ProjectId, sending);
    }

    /// <summary>One of the beads that everybody wants, as the command line claims it; kept for a while, and closed.</summary>
    private async Task Claim()
    {
        var id = wanted[_random.Next(wanted.Length)];
        var asked = Now;
        var answer = await me.Ask(HttpMethod.Post, "/v1/bdh/sync",
            Change(new { id, title = id, status = "in_progress" }, $"update {id} --status in_progress"));
        if (answer is not null && (answer.Status != 200
            || answer.Json.TryGetProperty("claim_rejected", out var rejected) && rejected.ValueKind == JsonValueKind.True)) return;
        if (Hold("bead", $"{_agent.ProjectId}/{id}", asked, answer) is not { IsCertain: true } holding) return;
        await Task.Delay(_random.Next(50), CancellationToken.None);
        await GiveBack(holding, HttpMethod.Post, "/v1/bdh/sync", Change(new { id, title = id, status = "closed" }, $"close {id}"));
    }

    /// <summary>The next free bead; most are kept to the end.</summary>
    private async Task ClaimNext()
    {
        var asked = Now;
        var answer = await me.Ask(HttpMethod.Post, "/v1/beads/claim-next", new { });
        if (answer is not null && (answer.Status != 200 || !answer.Json.Flag("claimed"))) return;
        var id = answer?.Json.At("bead").Text("bead_id");
        var holding = Hold("bead", id is null ? Holding.Any : $"{_agent.ProjectId}/{id}", asked, answer);
        if (!holding.IsCertain || _random.Next(3) > 0) return;
        await GiveBack(holding, HttpMethod.Delete, $"/v1/beads/{id}/claims");
    }

    private async Task Lock()
    {
        var key = $"src/{_random.Next(8)}.cs";
        var asked = Now;
        var answer = await me.Ask(HttpMethod.Post, "/v1/reservations", new { resource_key = key, ttl_seconds = 3600 });
        if (answer is { Status: not (200 or 201) }) return;
        if (Hold("lock", $"{_agent.ProjectId}/{key}", asked, answer) is not { IsCertain: true } holding) return;
        await Task.Delay(_random.Next(30), CancellationToken.None);
        await GiveBack(holding, HttpMethod.Post, "/v1/reservations/release", new { resource_key = key });
    }

    private async Task Mail()
    {
        var to = team[_random.Next(team.Length)];
        var sending = new Sending("mail", to.Id, $"{_agent.Alias} mail {++_mails}");
        history.Sendings.Enqueue(sending);
        if (await me.Ask(HttpMethod.Post, "/v1/messages", new { to_agent_id = to.Id, subject = sending.Text, body = sending.Text })
            is { Status: 200 }) sending.AcknowledgedAt = Now;
    }

    // A session shows its newest 2,000 messages: after 1,000 of one's own another partner's turn comes.
    private async Task Chat()
    {
        var self = Array.FindIndex(team, agent => agent.Id == _agent.Id);
        var to = team[(self + 1 + (_chats / 1000 % (team.Length - 1))) % team.Length];
        var session = string.Join('+', new[] { _agent.Id, to.Id }.Order(StringComparer.Ordinal));
        var sending = new Sending("chat", session, $"{_agent.Alias} chat {++_chats}");
        history.Sendings.Enqueue(sending);
        if (await me.Ask(HttpMethod.Post, "/v1/chat/sessions", new { to_aliases = new[] { to.Alias }, message = sending.Text })
            is { Status: 200 }) sending.AcknowledgedAt = Now;
    }

    /// <summary>Looks at what somebody has just done, wherever the balancer leads.</summary>
    private async Task Read()
    {
        switch (_random.Next(4))
        {
            case 0 when Newest("made") is { } bead:
                if (await me.Ask(HttpMethod.Get, $"/v1/beads/issues/{Id(bead)}") is { Status: 200 or 404 } issue)
                    Note("made", bead, issue, issue.Status == 200 ? [bead] : []);
                break;
            case 1 when Newest("bead") is { } bead:
                if (await me.Ask(HttpMethod.Get, $"/v1/beads/{Id(bead)}/claims") is { Status: 200 } claims)
                    Note("bead", bead, claims, [.. claims.Json.Items("claims").Select(static claim => claim.Text("workspace_id"))]);
                break;
            case 2 when Newest("lock") is { } file:
                if (await me.Ask(HttpMethod.Get, "/v1/reservations") is { Status: 200 } locks)
                    Note("lock", file, locks, [.. locks.Json.Items("reservations")
                        .Where(held => held.Text("resource_key") == Id(file)).Select(static held => held.Text("holder_agent_id"))]);
                break;
            default:
                if (await me.Ask(HttpMethod.Get, $"/v1/messages/inbox?limit={Reading.MostMails}") is { Status: 200 } inbox)
                    Note("mail", _agent.Id, inbox, [.. inbox.Json.Items("messages").Select(static mail => mail.Text("body"))]);
                break;
        }

        string? Newest(string kind) => history.ChangedOf(kind, _agent.ProjectId, _random);

        string Id(string thing) => thing[(_agent.ProjectId.Length + 1)..];

        void Note(string kind, string thing, Reply reply, string[] shown) =>
            history.Readings.Enqueue(new(kind, thing, reply.Began, Now, shown));
    }

    private Holding Hold(string kind, string thing, long asked, Reply? answer)
    {
        var holding = new Holding(kind, thing, _agent.Id, answer is null ? long.MaxValue : Now) { Asked = asked };
        history.Holdings.Enqueue(holding);
        if (holding.IsCertain) history.Changed(kind, _agent.ProjectId, thing);
        return holding;
    }

    private async Task GiveBack(Holding holding, HttpMethod method, string path, object? body = null)
    {
        holding.Until = Now;
        if (await me.Ask(method, path, body) is not { Status: 200 }) return;
        holding.GivenBack = Now;
        history.Changed(holding.Kind, _agent.ProjectId, holding.Thing);
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
