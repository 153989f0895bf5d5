using System.CommandLine;
using System.Text.Json;

namespace Beadhub.Commands;

/// <summary><c>whoami</c>, <c>status</c>, <c>who</c>, <c>watch</c>: who is there and what goes on.</summary>
internal static class TeamCommands
{
    private static readonly Option<string[]> EventTypes = new("--type", "-t")
    {
        Description = "Only events whose type begins so, such as bead or message.delivered",
    };

    private static readonly Option<int?> Count = new("--count", "-n") { Description = "End after so many events" };

    public static IEnumerable<Command> Create() =>
    [
        ClientCommand.Make("whoami", "Show whose key this is.", Whoami),
        ClientCommand.Make("status", "Show what this agent holds, what waits for it, and what the others do.",
            static call => call.Show(() => Status(call)), ClientCommand.Watch),
        ClientCommand.Make("who", "Show the project's agents.", static call => call.Show(() => Who(call)), ClientCommand.Watch),
        ClientCommand.Make("watch", "Follow what happens in the project, until stopped.", Watch, EventTypes, Count),
    ];

    private static async Task<int> Whoami(Call call)
    {
        var (who, project) = (await call.Ask("v1/auth/introspect"), await call.Ask("v1/projects/current"));
        if (call.Json)
        {
            call.Screen.Json(json =>
            {
                json.WriteStartObject();
                json.WriteString("url", call.Connection.Url);
                json.WriteString("project_slug", project.Text("slug"));
                foreach (var field in who.EnumerateObject()) field.WriteTo(json);
                json.WriteEndObject();
            });
            return ExitCode.Done;
        }

        call.Screen.Fields(("alias", who.Text("alias")), ("address", who.Text("address")), ("human", who.Text("human_name")),
            ("project", project.Text("slug")), ("server", call.Connection.Url), ("workspace", who.Text("agent_id")),
            ("folder", call.Connection.Workspace?.Folder));
        return ExitCode.Done;
    }

    private static async Task<int> Status(Call call)
    {
        var self = await call.Self();
        var asked = await Task.WhenAll(
            call.Ask("v1/workspaces?include_claims=true&include_presence=true&limit=200"), call.Ask("v1/reservations"),
            call.Ask("v1/messages/inbox?unread_only=true&limit=200"), call.Ask("v1/chat/pending"), call.Ask("v1/status"));
        var (team, locks, inbox, chats, status) = (asked[0], asked[1], asked[2], asked[3], asked[4]);
        if (call.Json)
        {
            call.Screen.Json(json =>
            {
                json.WriteStartObject();
                json.WriteString("alias", self.Alias);
                json.WriteString("workspace_id", self.Id);
                Write(json, "workspaces", team.GetProperty("workspaces"));
                Write(json, "reservations", locks.GetProperty("reservations"));
                Write(json, "messages", inbox.GetProperty("messages"));
                Write(json, "chats", chats.GetProperty("pending"));
                Write(json, "escalations_pending", status.GetProperty("escalations_pending"));
                json.WriteEndObject();
            });
            return ExitCode.Done;
        }

        var workspaces = team.Items("workspaces").ToArray();
        var own = Array.Find(workspaces, workspace => workspace.Text("workspace_id") == self.Id);
        call.Screen.Title($"{self.Alias}{(self.ProjectSlug is null ? "" : $" in {self.ProjectSlug}")}");
        foreach (var claim in own.Items("claims"))
            call.Screen.Line($"  holds  {claim.Show("bead_id")}  {claim.Show("title")}  since {claim.Ago("claimed_at")}");
        foreach (var held in locks.Items("reservations").Where(held => held.Text("holder_agent_id") == self.Id))
            call.Screen.Line($"  locks  {held.Show("resource_key")}  for {held.Left("expires_at")}");
        var (mails, talks) = (inbox.Items("messages").Count(), chats.Items("pending").ToArray());
        if (mails > 0) call.Screen.Line($"  mail   {mails} unread: beadhub mail");
        foreach (var talk in talks)
            call.Screen.Line($"  chat   {talk.Show("unread_count")} from {talk.Show("last_from")}"
                + (talk.Is("sender_waiting") ? ", who waits for your answer" : "") + $": beadhub chat read {talk.Show("last_from")}");
        if (status.Text("escalations_pending") is { } pending and not "0")
            call.Screen.Line($"  asked  {pending} {(pending == "1" ? "question waits" : "questions wait")} for a human");
        var others = workspaces.Where(workspace => workspace.Text("workspace_id") != self.Id).ToArray();
        if (others.Length == 0) return ExitCode.Done;
        call.Screen.Line();
        call.Screen.Table(["ALIAS", "STATUS", "SEEN", "WORKS ON"], others.Select(static other => new[]
        {
            other.Show("alias"), other.Show("status"), other.Ago("last_seen"),
            string.Join(", ", other.Items("claims").Select(static claim => $"{claim.Show("bead_id")} {claim.Show("title")}")),
        }));
        return ExitCode.Done;

        static void Write(Utf8JsonWriter json, string name, JsonElement value)
        {
            json.WritePropertyName(name);
            value.WriteTo(json);
        }
    }

    private static async Task<int> Who(Call call)
    {
        var agents = await call.Ask("v1/agents");
        if (call.Json) call.Screen.Json(agents.GetProperty("agents"));
        else call.Screen.Table(["ALIAS", "STATUS", "ROLE", "SEEN", "WORKS FOR"], agents.Items("agents").Select(static agent => new[]
        {
            agent.Show("alias"), agent.Is("online") ? agent.Show("status") : "offline", agent.Show("role"), agent.Ago("last_seen"),
            agent.Show("human_name"),
        }));
        return ExitCode.Done;
    }

    private static async Task<int> Watch(Call call)
    {
        var (types, left, last) = (call.Get(EventTypes)!, call.Get(Count), (string?)null);
        while (left is null or > 0)
        {
            await foreach (var change in call.Hub.Events("v1/status/stream", last, call.Cancellation))
            {
                last = change.Id ?? last;
                using var document = JsonDocument.Parse(change.Data);
                var data = document.RootElement;
                var type = data.Show("type");
                if (types.Length > 0 && !types.Any(wanted => type.StartsWith(wanted, StringComparison.Ordinal))) continue;
                if (call.Json) call.Screen.Out.WriteLine(change.Data);
                else call.Screen.Line(Describe(type, data));
                call.Screen.Out.Flush();
                if (left is not null && --left == 0) return ExitCode.Done;
            }

            await Task.Delay(TimeSpan.FromSeconds(1), call.Cancellation);
        }

        return ExitCode.Done;
    }

    private static string Describe(string type, JsonElement data)
    {
        var time = DateTimeOffset.TryParse(data.Text("timestamp"), out var at) ? at.ToLocalTime().ToString("HH:mm:ss") : "";
        var about = new[]
        {
            data.Text("alias") ?? data.Text("from_alias"), data.Text("bead_id") ?? data.Text("task_ref"),
            data.Text("old_status") is { } old ? $"{old} → {data.Show("new_status")}" : null,
            data.Text("to_alias") is { } to ? $"→ {to}" : null,
            data.TryGetProperty("paths", out var paths) && paths.ValueKind == JsonValueKind.Array
                ? string.Join(' ', paths.EnumerateArray().Select(static path => path.ToString())) : null,
            data.Text("title") ?? data.Text("subject") ?? data.Text("preview"),
        };
        return $"{time}  {type,-22}  {string.Join("  ", about.Where(static part => part is { Length: > 0 }))}";
    }
}
