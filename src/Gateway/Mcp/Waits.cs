using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Requests;
using Beadhub.Gateway.Streaming;
using Beadhub.Mail;

namespace Beadhub.Gateway.Mcp;

/// <summary>
/// <c>wait_for</c>: waits until there is something to do for the caller. What was written to the project wakes it, and only what could
/// concern the caller is looked at again.
/// </summary>
internal sealed class Waits(InnerRequests api, Operations operations, FeedHub hub, GatewaySettings settings, TimeProvider time,
    IHostApplicationLifetime lifetime)
{
    private const int Usual = 50;
    private const int Longest = 600;
    private const int MostAtOnce = 16;
    private const string Mail = "mail", Chat = "chat", Answer = "answer", Bead = "bead";

    private static readonly string[] All = [Mail, Chat, Answer, Bead];
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan[] Again = [.. new[] { 20, 100, 500, 2000, 5000 }.Select(ms => TimeSpan.FromMilliseconds(ms))];

    private readonly Dictionary<string, int> _waiting = [];

    /// <summary>The tool.</summary>
    public McpTool Tool() => new("wait_for",
        "Wait until there is something for you: unread mail, an unread chat message, a human's answer to an escalation of yours, or a bead "
            + "that you can start. Returns at once when there is; mark mail and chat as read when you have read them. Use it instead of "
            + "asking again and again.",
        true,
        [
            new("events", Schemas.Texts($"What you wait for: {string.Join(", ", All)}; mail, chat and answer unless given", 0, All.Length)),
            new("timeout_seconds", Schemas.Integer($"How long at most; {Usual} unless given", 1, Longest, Usual)),
            new("bead_id", Schemas.Text("Only this bead: until it is ready and nobody holds it")),
            new("escalation_id", Schemas.Uuid("Only the answer to this escalation, which may have come already")),
        ],
        Wait)
    {
        Waits = true,
        Output = new()
        {
            ["type"] = "object",
            ["properties"] = new System.Text.Json.Nodes.JsonObject
            {
                ["happened"] = Type("boolean"),
                ["event"] = Type("string"),
                ["next"] = Type("string"),
                ["waited_seconds"] = Type("number"),
                ["messages"] = Type("array"),
                ["pending"] = Type("array"),
                ["escalation"] = Type("object"),
                ["issues"] = Type("array"),
            },
        },
    };

    private static System.Text.Json.Nodes.JsonObject Type(string type) => new() { ["type"] = type };

    private async Task<ReadOnlyMemory<byte>> Wait(ToolCall call)
    {
        if (call.Who.AgentId is not { } agent) throw ApiException.Forbidden("API key is not bound to an agent");
        var events = call.Texts("events");
        if (events.FirstOrDefault(one => !All.Contains(one)) is { } unknown)
            throw ApiException.Unprocessable($"events: {unknown} is none of {string.Join(", ", All)}");
        var seconds = call.Integer("timeout_seconds", Usual, 1, Longest);
        var (bead, escalation) = (call.Text("bead_id"), call.Text("escalation_id") is null ? null : call.Uuid("escalation_id"));
        HashSet<string> wanted = [.. events];
        if (wanted.Count == 0) wanted = bead is null && escalation is null ? [Mail, Chat, Answer] : [];
        if (bead is not null) wanted.Add(Bead);
        if (escalation is not null) wanted.Add(Answer);
        Enter(agent);
        try
        {
            // What is looked at later must be newer than the request that began it.
            ReadBarrier.Leave();
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(
                call.Ended, call.Http.RequestAborted, lifetime.ApplicationStopping);
            return await Wait(call, agent, wanted, bead, escalation, TimeSpan.FromSeconds(seconds), ended.Token);
        }
        finally
        {
            Leave(agent);
        }
    }

    private async Task<ReadOnlyMemory<byte>> Wait(
        ToolCall call, string agent, HashSet<string> wanted, string? bead, string? escalation, TimeSpan limit, CancellationToken ended)
    {
        var project = call.Who.ProjectId;
        var mailbox = IMailboxGrain.Key(project, agent);
        var began = time.GetTimestamp();
        var feed = await hub.Watch(project);
        try
        {
            var position = feed.Last;
            var pending = wanted.Contains(Answer) && escalation is null ? await Pending(call, agent) : [];
            HashSet<string> look = [.. wanted];
            // An event is announced when it is durable, a moment before what it led to can be read.
            var looks = 0;
            while (true)
            {
                var news = feed.News;
                foreach (var what in All.Where(look.Contains))
                    if (await Look(call, what, agent, bead, escalation, pending) is { } found) return Happened(what, found, Taken());
                if (position < feed.Last)
                {
                    (var touched, position) = await feed.Touches(position);
                    look.UnionWith(touched.Select(Concerns).OfType<string>().Where(wanted.Contains));
                    looks = 0;
                    continue;
                }

                if (looks == Again.Length) look.Clear();
                while (!news.IsCompleted)
                {
                    var left = limit - Taken();
                    if (left <= TimeSpan.Zero) return Nothing(Taken());
                    var pause = look.Count > 0 ? Again[looks++] : Tick;
                    await news.WaitAsync(left < pause ? left : pause, time, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    ended.ThrowIfCancellationRequested();
                    if (news.IsCompleted || look.Count > 0) break;
                    await call.Progress(Taken().TotalSeconds, limit.TotalSeconds, $"Waiting for {string.Join(", ", wanted)}");
                    // Should a wake-up be lost.
                    if (Taken().Ticks % settings.KeepAlive.Ticks < Tick.Ticks) await feed.CatchUp();
                }
            }
        }
        finally
        {
            await hub.Leave(project);
        }

        TimeSpan Taken() => time.GetElapsedTime(began);

        string? Concerns(Touched touched) => touched.Kind switch
        {
            "mailbox" => touched.Key == mailbox ? Mail : null,
            "chat" => Chat,
            "escalations" => Answer,
            "bead" => Bead,
            _ => null,
        };
    }

    /// <summary>What there is of a kind, as members of the answer; null when there is nothing.</summary>
    private async Task<ReadOnlyMemory<byte>?> Look(
        ToolCall call, string what, string agent, string? bead, string? escalation, HashSet<string> pending)
    {
        switch (what)
        {
            case Mail:
                return await Some(call, "listMessages", "messages", new("?unread_only=true&limit=20"));
            case Chat:
                return await Some(call, "listPendingChats", "pending", default);
            case Answer:
                foreach (var id in escalation is null ? (IEnumerable<string>)pending : [escalation])
                {
                    var one = await api.Run(call.Http, "GET", $"/v1/escalations/{id}");
                    using var json = JsonDocument.Parse(one);
                    if (json.RootElement.GetProperty("status").GetString() != "pending") return Member("escalation", json.RootElement);
                }

                return null;
            default:
                var query = QueryString.Create("workspace_id", agent).Add("limit", "100");
                using (var json = JsonDocument.Parse(await api.Run(call.Http, "GET", operations["listReadyIssues"].Path, query)))
                {
                    var ready = json.RootElement.GetProperty("issues").EnumerateArray()
                        .Where(issue => bead is null || issue.GetProperty("bead_id").GetString() == bead);
                    if (!ready.Any()) return null;
                    // The newest claims are those that matter; whether the first that is left is free is asked for itself.
                    using var newest = JsonDocument.Parse(
                        await api.Run(call.Http, "GET", operations["listClaims"].Path, new("?limit=200")));
                    var held = newest.RootElement.GetProperty("claims").EnumerateArray()
                        .Select(claim => claim.GetProperty("bead_id").GetString()).ToHashSet();
                    foreach (var issue in ready.Where(issue => !held.Contains(issue.GetProperty("bead_id").GetString())))
                    {
                        using var claims = JsonDocument.Parse(
                            await api.Run(call.Http, "GET", $"/v1/beads/{issue.GetProperty("bead_id").GetString()}/claims"));
                        if (claims.RootElement.GetProperty("count").GetInt32() == 0)
                            return Member("issues", JsonElement.Parse($"[{issue.GetRawText()}]"));
                    }
                }

                return null;
        }
    }

    /// <summary>The caller's escalations that wait for an answer.</summary>
    private async Task<HashSet<string>> Pending(ToolCall call, string agent)
    {
        using var json = JsonDocument.Parse(await api.Run(call.Http, "GET", "/v1/escalations",
            QueryString.Create("workspace_id", agent).Add("status", "pending").Add("limit", "50")));
        return [.. json.RootElement.GetProperty("escalations").EnumerateArray()
            .Select(one => one.GetProperty("escalation_id").GetString()!)];
    }

    private async Task<ReadOnlyMemory<byte>?> Some(ToolCall call, string operation, string list, QueryString query)
    {
        using var json = JsonDocument.Parse(await api.Run(call.Http, "GET", operations[operation].Path, query));
        return json.RootElement.GetProperty(list) is var items && items.GetArrayLength() > 0
            ? Member(list, items) : default(ReadOnlyMemory<byte>?);
    }

    private static ReadOnlyMemory<byte> Member(string name, JsonElement value) =>
        System.Text.Encoding.UTF8.GetBytes($"\"{name}\":{value.GetRawText()}");

    private static ReadOnlyMemory<byte> Happened(string what, ReadOnlyMemory<byte> found, TimeSpan taken)
    {
        var next = what switch
        {
            Mail => "Read it, answer with reply_message where one waits for you, then mark_message_read.",
            Chat => "Read it with chat_history, answer with chat_reply, then chat_mark_read.",
            Answer => "Go on with what the human has said.",
            _ => "Claim it with claim_next or join_bead before you start.",
        };
        return Json(true, taken, json =>
        {
            json.WriteString("event", what);
            json.WriteString("next", next);
            json.Flush();
        }, found);
    }

    private static ReadOnlyMemory<byte> Nothing(TimeSpan taken) => Json(
        false, taken, static json => json.WriteString("next", "Nothing came. Go on with other work, or wait again."), default);

    private static ReadOnlyMemory<byte> Json(bool happened, TimeSpan taken, Action<Utf8JsonWriter> more, ReadOnlyMemory<byte> member)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Wire.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteBoolean("happened", happened);
            json.WriteNumber("waited_seconds", Math.Round(taken.TotalSeconds, 1));
            more(json);
            json.Flush();
            if (!member.IsEmpty)
            {
                buffer.WriteByte((byte)',');
                buffer.Write(member.Span);
            }

            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private void Enter(string agent)
    {
        lock (_waiting)
        {
            var already = _waiting.GetValueOrDefault(agent);
            if (already >= MostAtOnce)
                throw new ApiException(StatusCodes.Status429TooManyRequests, $"Too many waits at once: at most {MostAtOnce}");
            _waiting[agent] = already + 1;
        }
    }

    private void Leave(string agent)
    {
        lock (_waiting)
        {
            if (--_waiting[agent] == 0) _waiting.Remove(agent);
        }
    }
}
