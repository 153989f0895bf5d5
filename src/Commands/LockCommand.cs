using System.CommandLine;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Locks;

namespace Beadhub.Commands;

/// <summary><c>beadhub lock</c>: reservations of files, so that two agents don't change one at a time.</summary>
internal static class LockCommand
{
    private static readonly Argument<string[]> Paths = new("path") { Description = "Files, or any other names",
        Arity = ArgumentArity.OneOrMore };
    private static readonly Argument<string[]> SomePaths = new("path") { Description = "Files, or any other names",
        Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<int> Ttl = new("--ttl") { Description = "For how many seconds, 60 to 3600",
        DefaultValueFactory = _ => 3600 };
    private static readonly Option<string?> Reason = new("--reason") { Description = "What for; the others see it" };
    private static readonly Option<bool> Pattern =
        new("--pattern") { Description = "The paths are patterns such as 'src/api/**', which cover what they match" };

    private static readonly Option<bool> Mine = new("--mine") { Description = "Only this agent's" };
    private static readonly Option<bool> All = new("--all") { Description = "All that this agent holds" };
    private static readonly Option<bool> Staged = new("--staged") { Description = "The files that the next commit would change" };

    public static Command Create()
    {
        var command = ClientCommand.Make("lock", "Show what is reserved, by whom and for how long.",
            static call => call.Show(() => List(call)), Mine, ClientCommand.Watch);
        command.Subcommands.Add(ClientCommand.Make("acquire", "Reserve files, all or none.", Acquire, Paths, Ttl, Pattern, Reason));
        command.Subcommands.Add(ClientCommand.Make("renew", "Hold files for longer, counted from now.", Renew, Paths, Ttl));
        command.Subcommands.Add(ClientCommand.Make("release", "Give files back.", Release, SomePaths, All));
        command.Subcommands.Add(ClientCommand.Make("check", "Fail when others have reserved one of these files; a commit hook asks so.",
            Check, SomePaths, Staged));
        return command;
    }

    private static async Task<int> List(Call call)
    {
        var held = (await call.Ask("v1/reservations")).Items("reservations").ToArray();
        if (call.Get(Mine))
        {
            var self = await call.Self();
            held = [.. held.Where(one => one.Text("holder_agent_id") == self.Id)];
        }

        if (call.Json) Print(call, held);
        else if (held.Length == 0) call.Screen.Faint("Nothing is reserved.");
        else call.Screen.Table(["PATH", "ALIAS", "LEFT", "REASON"], held.Select(static one => new[]
            { one.Show("resource_key"), one.Show("holder_alias"), one.Left("expires_at"), one.Show("reason") }));
        return ExitCode.Done;
    }

    private static async Task<int> Acquire(Call call)
    {
        var keys = Keys(call, call.Get(Paths)!);
        var request = new JsonObject
        {
            ["resource_keys"] = new JsonArray([.. keys.Select(static key => JsonValue.Create(key))]),
            ["ttl_seconds"] = call.Get(Ttl),
            ["metadata"] = new JsonObject { ["reason"] = call.Get(Reason) ?? "manual" },
        };
        if (call.Get(Pattern)) request["pattern"] = true;
        JsonElement taken;
        try
        {
            taken = await call.Send("v1/reservations", request);
        }
        catch (HubException e) when (e.Status == HttpStatusCode.Conflict)
        {
            using var conflict = JsonDocument.Parse(e.Body);
            throw new CommandException(string.Join("; ", conflict.RootElement.Items("conflicts").Select(static one =>
                $"{one.Show("resource_key")} is reserved by {one.Show("holder_alias")} for {one.Left("expires_at")}"))
                is { Length: > 0 } text ? text : e.Message, ExitCode.Taken);
        }

        if (call.Json) call.Screen.Json(taken);
        else call.Screen.Line($"Reserved {string.Join(", ", keys)} for {taken.Left("expires_at")}.");
        return ExitCode.Done;
    }

    private static async Task<int> Renew(Call call)
    {
        var renewed = new List<JsonElement>();
        foreach (var key in Keys(call, call.Get(Paths)!))
            renewed.Add(await call.Send("v1/reservations/renew",
                new JsonObject { ["resource_key"] = key, ["ttl_seconds"] = call.Get(Ttl) }));
        if (call.Json) Print(call, renewed);
        else foreach (var one in renewed) call.Screen.Line($"Reserved {one.Show("resource_key")} for {one.Left("expires_at")}.");
        return ExitCode.Done;
    }

    private static async Task<int> Release(Call call)
    {
        var keys = Keys(call, call.Get(SomePaths)!);
        if (keys.Length == 0 == !call.Get(All)) throw new CommandException("give files, or --all", ExitCode.Usage);
        if (call.Get(All))
        {
            var given = await call.Send("v1/reservations/revoke", []);
            if (call.Json) call.Screen.Json(given);
            else call.Screen.Line($"Gave back {given.Show("revoked_count")}.");
            return ExitCode.Done;
        }

        var released = new List<JsonElement>();
        foreach (var key in keys)
            released.Add(await call.Send("v1/reservations/release", new JsonObject { ["resource_key"] = key }));
        if (call.Json) Print(call, released);
        else call.Screen.Line($"Gave back {string.Join(", ", keys)}.");
        return ExitCode.Done;
    }

    private static async Task<int> Check(Call call)
    {
        var self = await call.Self();
        var files = Keys(call, call.Get(SomePaths)!);
        if (call.Get(Staged))
        {
            var staged = await Worktree.Git(self.Folder, call.Cancellation, "diff", "--cached", "--name-only", "-z")
                ?? throw new CommandException("this is no git repository");
            files = [.. files, .. staged.Split('\0', StringSplitOptions.RemoveEmptyEntries)];
        }

        var budget = new PatternBudget();
        var others = files.Length == 0 ? [] : (await call.Ask("v1/reservations")).Items("reservations")
            .Where(one => one.Text("holder_agent_id") != self.Id)
            .Where(one => files.Any(file => Covers(one, file, budget))).ToArray();
        if (call.Json) Print(call, others);
        else
            foreach (var one in others)
                call.Screen.Note(
                    $"beadhub: {one.Show("resource_key")} is reserved by {one.Show("holder_alias")} for {one.Left("expires_at")}");
        return others.Length == 0 ? ExitCode.Done : ExitCode.Taken;
    }

    private static bool Covers(JsonElement held, string file, PatternBudget budget) =>
        held.Show("resource_key") is var key && held.Is("pattern") ? KeyPattern.Parse(key).Covers(file, budget) : key == file;

    private static string[] Keys(Call call, string[] paths)
    {
        var root = call.Connection.Workspace?.Folder ?? Worktree.Root(Environment.CurrentDirectory);
        return [.. paths.Select(path => Worktree.Key(root, path))];
    }

    private static void Print(Call call, IEnumerable<JsonElement> items) => call.Screen.Json(json =>
    {
        json.WriteStartArray();
        foreach (var item in items) item.WriteTo(json);
        json.WriteEndArray();
    });
}
