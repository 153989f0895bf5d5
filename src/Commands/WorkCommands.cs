using System.CommandLine;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Commands;

/// <summary><c>ready</c>, <c>next</c>, <c>claim</c>, <c>done</c>, <c>release</c>: an agent's way through its work.</summary>
internal static class WorkCommands
{
    private const int MostClaims = 10_000;

    private static readonly Argument<string[]> Ids = new("bead") { Description = "Id of a bead, or reference of a task",
        Arity = ArgumentArity.OneOrMore };
    private static readonly Argument<string> Id = new("bead") { Description = "Id of a bead, or reference of a task" };
    private static readonly Option<int> Limit = new("--limit", "-n") { Description = "How many", DefaultValueFactory = _ => 20 };
    private static readonly Option<bool> All = new("--all", "-a") { Description = "Also what others work on already, with who does" };
    private static readonly Option<string[]> Labels = new("--label", "-l") { Description = "Only with this label; several mean all" };
    private static readonly Option<string[]> Types = new("--type", "-t") { Description = "Only of this type; several mean any" };
    private static readonly Option<int?> MaxPriority = 
        new("--max-priority") { Description = "Not less urgent than this; 0 is most urgent" };
    private static readonly Option<bool> Join = new("--join") { Description = "Beside whoever works on it already" };
    private static readonly Option<string?> Note = new("--note") { Description = "With --join: what the others should know" };
    private static readonly Option<string?> Reason = new("--reason") { Description = "Why it is closed" };
    private static readonly Option<bool> Force = new("--force") { Description = "Also when somebody else works on it" };

    public static IEnumerable<Command> Create() =>
    [
        ClientCommand.Make("ready", "Show what can be begun: open, blocked by nothing, held by nobody else.", static call =>
            call.Show(() => Ready(call)), Limit, All, ClientCommand.Watch),
        ClientCommand.Make("next", "Claim the best ready bead that nobody works on.", Next, Labels, Types, MaxPriority),
        ClientCommand.Make("claim", "Claim a bead and set it in progress.", Claim, Id, Join, Note),
        ClientCommand.Make("done", "Close beads, which releases them.", Done, Ids, Reason, Force),
        ClientCommand.Make("release", "Give beads back without closing them.", Release, Ids),
    ];

    private static async Task<int> Ready(Call call)
    {
        var self = await call.Self();
        var (limit, all) = (call.Get(Limit), call.Get(All));
        // Who has claimed a bead works on it, whatever its status says until the next sync.
        var holders = (await Claims(call)).Where(claim => claim.Show("workspace_id") != self.Id)
            .ToLookup(static claim => claim.Show("bead_id"), static claim => claim.Show("alias"));
        var beads = await call.Ask(
            $"v1/beads/ready?workspace_id={self.Id}&limit={limit + 1 + (all ? 0 : holders.Count)}");
        var free = beads.Items("issues").Where(bead => all || !holders.Contains(bead.Show("bead_id"))).ToArray();
        var open = free.Take(limit).ToArray();
        var tasks = await call.Ask($"v1/tasks/ready?limit={limit}");
        // Beads stand in either list; a task of the server's own has a number.
        var own = tasks.Items("tasks").Where(static task => task.Text("task_number") is not null).ToArray();
        if (call.Json)
        {
            call.Screen.Json(json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("beads");
                foreach (var bead in open) bead.WriteTo(json);
                json.WriteEndArray();
                json.WriteStartArray("tasks");
                foreach (var task in own) task.WriteTo(json);
                json.WriteEndArray();
                json.WriteEndObject();
            });
            return ExitCode.Done;
        }

        var rows = open.Select(bead => new[]
            { bead.Show("bead_id"), bead.Show("priority"), bead.Show("type"), bead.Show("title"), By(bead.Show("bead_id")) })
            .Concat(own.Select(static task => new[]
                { task.Show("task_ref"), task.Show("priority"), task.Show("task_type"), task.Show("title"), "" }))
            .Take(limit).ToArray();
        if (rows.Length == 0) call.Screen.Faint(holders.Count == 0 ? "Nothing is ready." : "Nothing is ready that nobody works on.");
        else if (all) call.Screen.Table(["ID", "P", "TYPE", "TITLE", "HELD BY"], rows);
        else call.Screen.Table(["ID", "P", "TYPE", "TITLE"], rows.Select(static row => row[..4]));
        if (free.Length > limit) call.Screen.Faint($"There is more: --limit {limit * 5}");
        return ExitCode.Done;

        string By(string bead) => string.Join(", ", holders[bead]);
    }

    /// <summary>All claims of the project.</summary>
    private static async Task<List<JsonElement>> Claims(Call call)
    {
        var claims = new List<JsonElement>();
        string? cursor = null;
        do
        {
            JsonElement page;
            try
            {
                page = await call.Ask($"v1/claims?limit=200{(cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")}");
            }
            catch (HubException e) when (e.Status == HttpStatusCode.NotFound)
            {
                return []; // A server that lists no claims.
            }

            claims.AddRange(page.Items("claims"));
            cursor = page.Text("next_cursor");
        }
        while (cursor is not null && claims.Count < MostClaims);
        return claims;
    }

    private static async Task<int> Next(Call call)
    {
        var (labels, types) = (call.Get(Labels)!, call.Get(Types)!);
        var wanted = new JsonObject();
        if (labels.Length > 0) wanted["labels"] = new JsonArray([.. labels.Select(static label => JsonValue.Create(label))]);
        if (types.Length > 0) wanted["types"] = new JsonArray([.. types.Select(static type => JsonValue.Create(type))]);
        if (call.Get(MaxPriority) is { } most) wanted["max_priority"] = most;
        var claimed = await call.Send("v1/beads/claim-next", wanted);
        if (claimed.Is("claimed"))
        {
            Print(call, claimed, claimed.GetProperty("bead"), "bead_id", "type");
            return ExitCode.Done;
        }

        if (wanted.Count == 0)
        {
            foreach (var task in (await call.Ask("v1/tasks/ready?limit=50")).Items("tasks"))
            {
                if (task.Text("task_number") is null) continue;
                try
                {
                    var started = await call.Send(HttpMethod.Patch, TaskPath(task.Show("task_ref")),
                        new JsonObject { ["status"] = "in_progress" });
                    Print(call, started, started, "task_ref", "task_type");
                    return ExitCode.Done;
                }
                catch (HubException e) when (e.Status == HttpStatusCode.Conflict)
                {
                    // Somebody was faster.
                }
            }
        }

        if (call.Json) call.Screen.Json(claimed);
        else call.Screen.Note("beadhub: nothing is ready");
        return ExitCode.Nothing;
    }

    private static async Task<int> Claim(Call call)
    {
        var id = call.Get(Id)!;
        JsonElement shown;
        if (!await BeadLine.Exists(call, id))
        {
            shown = await call.Send(HttpMethod.Patch, TaskPath(id), new JsonObject { ["status"] = "in_progress" });
        }
        else if (call.Get(Join))
        {
            var note = new JsonObject();
            if (call.Get(Note) is { } text) note["note"] = text;
            shown = await call.Send($"v1/beads/{id.Escaped()}/claims", note);
        }
        else
        {
            var (self, commandLine) = (await call.Self(), $"update {id} --status in_progress");
            var question = self.About();
            question["command_line"] = commandLine;
            var answer = await call.Send("v1/bdh/command", question);
            if (!answer.Is("approved")) throw new CommandException(answer.Show("reason"), ExitCode.Taken);
            if (await BeadLine.Change(call, id, commandLine, static (issue, _) => issue["status"] = "in_progress") is { } refused)
                throw new CommandException(refused, ExitCode.Taken);
            shown = await call.Ask($"v1/beads/issues/{id.Escaped()}");
        }

        if (call.Json) call.Screen.Json(shown);
        else call.Screen.Line($"{id} is yours{(shown.Text("title") is { } title ? $": {title}" : ".")}");
        return ExitCode.Done;
    }

    private static async Task<int> Done(Call call)
    {
        var done = new List<JsonElement>();
        foreach (var id in call.Get(Ids)!)
        {
            if (!await BeadLine.Exists(call, id))
            {
                done.Add(await call.Send(HttpMethod.Patch, TaskPath(id), new JsonObject { ["status"] = "closed" }));
            }
            else
            {
                var self = await call.Self();
                var claims = (await call.Ask($"v1/beads/{id.Escaped()}/claims")).Items("claims").ToArray();
                if (!call.Get(Force) && claims.Length > 0 && claims.All(claim => claim.Text("workspace_id") != self.Id))
                    throw new CommandException($"{id} is being worked on by {claims[0].Show("alias")}; --force closes it all the same",
                        ExitCode.Taken);
                await BeadLine.Change(call, id, $"close {id}", (issue, now) =>
                {
                    issue["status"] = "closed";
                    issue["closed_at"] = BeadLine.Time(now);
                    if (call.Get(Reason) is { } reason) issue["close_reason"] = reason;
                });
                done.Add(await call.Ask($"v1/beads/issues/{id.Escaped()}"));
            }

            if (!call.Json) call.Screen.Line($"{id} is closed: {done[^1].Show("title")}");
        }

        if (call.Json) call.Screen.Json(json =>
        {
            json.WriteStartArray();
            foreach (var one in done) one.WriteTo(json);
            json.WriteEndArray();
        });
        return ExitCode.Done;
    }

    private static async Task<int> Release(Call call)
    {
        var released = new List<string>();
        foreach (var id in call.Get(Ids)!)
        {
            if (await BeadLine.Exists(call, id))
            {
                var answer = await call.Send(HttpMethod.Delete, $"v1/beads/{id.Escaped()}/claims");
                if (!answer.Is("released")) throw new CommandException($"{id} was not yours", ExitCode.Nothing);
                var issue = await call.Ask($"v1/beads/issues/{id.Escaped()}");
                // Ready again for others, unless somebody works on it still.
                if (issue.Text("status") == "in_progress" && !(await call.Ask($"v1/beads/{id.Escaped()}/claims")).Items("claims").Any())
                    await BeadLine.Change(call, id, $"update {id} --status open", static (fields, _) =>
                    {
                        if (fields["status"]?.GetValue<string>() == "in_progress") fields["status"] = "open";
                    });
            }
            else
            {
                await call.Send(HttpMethod.Patch, TaskPath(id), new JsonObject { ["status"] = "open" });
            }

            released.Add(id);
            if (!call.Json) call.Screen.Line($"{id} is free.");
        }

        if (call.Json) call.Screen.Json(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("released");
            foreach (var id in released) json.WriteStringValue(id);
            json.WriteEndArray();
            json.WriteEndObject();
        });
        return ExitCode.Done;
    }

    private static void Print(Call call, JsonElement answer, JsonElement bead, string id, string type)
    {
        if (call.Json) call.Screen.Json(answer);
        else call.Screen.Fields(("id", bead.Text(id)), ("title", bead.Text("title")), ("priority", bead.Text("priority")),
            ("type", bead.Text(type)), ("repo", bead.Text("repo")), ("done with", $"beadhub done {bead.Text(id)}"));
    }

    private static string TaskPath(string reference) => $"v1/tasks/{reference.Escaped()}";
}
