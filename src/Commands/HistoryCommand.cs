using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Commands;

/// <summary><c>beadhub history</c>: commits of all beads, what differs between them, and how one goes back.</summary>
internal static class HistoryCommand
{
    private const int ShownId = 12;

    private static readonly Argument<string?> From = new("from") { Description = "The one version; HEAD unless given",
        Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string?> To = new("to") { Description = "The other; what stands unless given",
        Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string?> Version = new("version") { Description = "A commit, tag, branch, time, HEAD or HEAD~n",
        Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string> Wanted = new("version") { Description = "A commit, tag, branch, time, HEAD or HEAD~n" };
    private static readonly Argument<string[]> Beads = new("bead") { Description = "Only these beads", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Argument<string> Bead = new("bead") { Description = "Id of the bead" };
    private static readonly Argument<string?> FieldName = new("field") { Description = "Field; none for the bead as a whole",
        Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string?> Name = new("name") { Description = "Its name", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string?> At = new("version") { Description = "Where; HEAD unless given",
        Arity = ArgumentArity.ZeroOrOne };

    private static readonly Option<int> Limit = new("--limit", "-n") { Description = "How many", DefaultValueFactory = _ => 20 };
    private static readonly Option<string?> OnlyBead = new("--bead") { Description = "Only this bead" };
    private static readonly Option<string> Message = new("--message", "-m") { Description = "What for", Required = true };
    private static readonly Option<string?> MayMessage = new("--message", "-m") { Description = "Message of the commit" };
    private static readonly Option<string?> By = new("--by") { Description = "Only beads that the agent of this alias has changed since" };
    private static readonly Option<string?> Prefer = new("--prefer") { Description = "ours or theirs in conflicts" };
    private static readonly Option<bool> Continue = new("--continue") { Description = "Carry out the merge that waits" };
    private static readonly Option<bool> Abort = new("--abort") { Description = "Give up the merge that waits" };
    private static readonly Option<string?> Take = new("--take") { Description = "ours, theirs or base" };
    private static readonly Option<string?> Value = new("--value") { Description = "Another value, as JSON" };
    private static readonly Option<bool> Delete = new("--delete", "-d") { Description = "Delete it" };
    private static readonly Option<bool> Moves = new("--move") { Description = "Move a branch that is there already" };

    public static Command Create()
    {
        var command = new Command("history", "Commits of all beads: compare, look back, restore, merge.");
        foreach (var one in new[]
        {
            ClientCommand.Make("log", "Show commits, newest first.", Log, Version, Limit),
            ClientCommand.Make("diff", "Show what differs between two versions, field by field.", Diff, From, To, OnlyBead),
            ClientCommand.Make("show", "Show a commit and what it changed.", Show, Version),
            ClientCommand.Make("commit", "Commit the beads as they stand.", Commit, Message),
            ClientCommand.Make("restore", "Make beads what they were at a version.", Restore, Wanted, Beads, By, MayMessage),
            ClientCommand.Make("merge", "Merge a version into what stands; without one, show the merge that waits.", Merge, Version, Prefer,
                MayMessage, Continue, Abort),
            ClientCommand.Make("resolve", "Decide on a conflict of the merge that waits.", Resolve, Bead, FieldName, Take, Value),
            ClientCommand.Make("blame", "Show who has set each field of a bead last.", Blame, Bead),
            ClientCommand.Make("tag", "Name a commit; without a name, show the tags.", call => Ref(call, "tags"), Name, At, MayMessage,
                Delete),
            ClientCommand.Make("branch", "Make a branch of the history; without a name, show them.", call => Ref(call, "branches"),
                Name, At, Moves, Delete),
        }.Concat(Remotes.RemoteCommands.Create())) command.Subcommands.Add(one);
        return command;
    }

    private static async Task<int> Log(Call call)
    {
        var from = call.Get(Version) is { } version ? $"&from={version.Escaped()}" : "";
        var page = await call.Ask($"v1/beads/commits?limit={Math.Clamp(call.Get(Limit), 1, 200)}{from}");
        if (call.Json)
        {
            call.Screen.Json(page);
            return ExitCode.Done;
        }

        var commits = page.Items("commits").ToArray();
        if (commits.Length == 0) call.Screen.Faint("There is no commit yet: beadhub history commit -m '…'");
        foreach (var commit in commits) Header(call, commit, isShort: true);
        if (page.Is("has_more")) call.Screen.Faint($"There is more: --limit {call.Get(Limit) * 5}");
        return ExitCode.Done;
    }

    private static Task<int> Diff(Call call) => Differences(call, call.Get(From) ?? "HEAD", call.Get(To) ?? "WORKING", call.Get(OnlyBead));

    private static async Task<int> Show(Call call)
    {
        var commit = await call.Ask($"v1/beads/commits/{(call.Get(Version) ?? "HEAD").Escaped()}");
        if (call.Json)
        {
            call.Screen.Json(commit);
            return ExitCode.Done;
        }

        Header(call, commit, isShort: false);
        call.Screen.Line();
        if (commit.Items("parents").FirstOrDefault() is { ValueKind: JsonValueKind.String } parent)
            return await Differences(call, parent.GetString()!, commit.Show("id"), null);
        call.Screen.Faint("The first commit.");
        return ExitCode.Done;
    }

    private static async Task<int> Commit(Call call)
    {
        var answer = await call.Send("v1/beads/commits", new JsonObject { ["message"] = call.Get(Message) });
        if (call.Json) call.Screen.Json(answer);
        else if (answer.Is("committed")) call.Screen.Line($"Committed {Short(answer.GetProperty("commit").Show("id"))}.");
        else call.Screen.Line("Nothing has changed since the last commit.");
        return ExitCode.Done;
    }

    private static async Task<int> Restore(Call call)
    {
        var wanted = new JsonObject { ["version"] = call.Get(Wanted) };
        if (call.Get(Beads) is { Length: > 0 } beads)
            wanted["bead_ids"] = new JsonArray([.. beads.Select(static bead => JsonValue.Create(bead))]);
        if (call.Get(By) is { } alias) wanted["changed_by"] = alias;
        if (call.Get(MayMessage) is { } message) wanted["message"] = message;
        var outcome = await call.Send("v1/beads/restore", wanted);
        var kept = outcome.Items("kept").Select(static id => id.ToString()).ToArray();
        if (call.Json) call.Screen.Json(outcome);
        else
        {
            call.Screen.Line($"{outcome.Show("restored")} restored, {outcome.Show("removed")} removed.");
            if (kept.Length > 0) call.Screen.Note($"beadhub: changed by others meanwhile, and kept: {string.Join(", ", kept)}");
        }

        return kept.Length > 0 ? ExitCode.Unsettled : ExitCode.Done;
    }

    private static async Task<int> Merge(Call call)
    {
        if (call.Get(Abort))
        {
            await call.Hub.AskText(HttpMethod.Delete, "v1/beads/merge", null, call.Cancellation);
            if (!call.Json) call.Screen.Line("The merge is given up.");
            return ExitCode.Done;
        }

        if (!call.Get(Continue) && call.Get(Version) is null) return await Conflicts(call, await call.Ask("v1/beads/merge"));
        var wanted = new JsonObject { ["from"] = call.Get(Version) };
        if (call.Get(Prefer) is { } side) wanted["prefer"] = side;
        if (call.Get(MayMessage) is { } message) wanted["message"] = message;
        var outcome = call.Get(Continue) ? await call.Send("v1/beads/merge/complete", null) : await call.Send("v1/beads/merge", wanted);
        var isWaiting = outcome.Text("result") == "conflicts";
        if (call.Json) call.Screen.Json(outcome);
        else if (!isWaiting)
            call.Screen.Line(outcome.Text("result") switch
            {
                "up_to_date" => "Nothing is to be merged.",
                "fast_forward" => $"Moved forward to {Short(outcome.Show("commit"))}: {outcome.Show("changed")} beads.",
                _ => $"Merged as {Short(outcome.Show("commit"))}: {outcome.Show("changed")} beads.",
            });
        else return await Conflicts(call, await call.Ask("v1/beads/merge"));
        return isWaiting ? ExitCode.Unsettled : ExitCode.Done;
    }

    private static async Task<int> Resolve(Call call)
    {
        var choice = new JsonObject { ["bead_id"] = call.Get(Bead) };
        if (call.Get(FieldName) is { } field) choice["field"] = field;
        choice["take"] = call.Get(Value) is not null ? "value"
            : call.Get(Take) ?? throw new CommandException("--take or --value is needed", ExitCode.Usage);
        if (call.Get(Value) is { } value) choice["value"] = JsonNode.Parse(value);
        return await Conflicts(call, await call.Send("v1/beads/merge/resolve", choice));
    }

    private static async Task<int> Blame(Call call)
    {
        var blame = await call.Ask($"v1/beads/issues/{call.Get(Bead)!.Escaped()}/blame");
        if (call.Json) call.Screen.Json(blame);
        else
            call.Screen.Table(["FIELD", "COMMIT", "ALIAS", "WHEN", "COMMAND", "VALUE"], blame.Items("fields").Select(static field => new[]
            {
                field.Show("field"), field.Text("commit") is { } id ? Short(id) : "(uncommitted)", field.Text("by") ?? field.Show("author"),
                field.Ago(field.Text("at") is null ? "time" : "at"), field.Show("command"), field.GetProperty("value").GetRawText(),
            }));
        return ExitCode.Done;
    }

    private static async Task<int> Ref(Call call, string kind)
    {
        if (call.Get(Name) is not { } name)
        {
            var refs = await call.Ask($"v1/beads/{kind}");
            if (call.Json) call.Screen.Json(refs);
            else
                call.Screen.Table(["NAME", "COMMIT", "MESSAGE"], refs.Items("refs").Select(static one => new[]
                    { one.Show("name"), Short(one.Show("commit")), one.Show("message") }));
            return ExitCode.Done;
        }

        JsonElement set;
        if (call.Get(Delete)) set = await call.Send(HttpMethod.Delete, $"v1/beads/{kind}?name={name.Escaped()}");
        else
        {
            var wanted = new JsonObject { ["name"] = name };
            if (call.Get(At) is { } version) wanted["at"] = version;
            if (kind == "tags" && call.Get(MayMessage) is { } message) wanted["message"] = message;
            if (kind == "branches" && call.Get(Moves)) wanted["move"] = true;
            set = await call.Send($"v1/beads/{kind}", wanted);
        }

        if (call.Json) call.Screen.Json(set);
        else call.Screen.Line(call.Get(Delete) ? $"{name} is deleted; it was at {Short(set.Show("commit"))}."
            : $"{name} is at {Short(set.Show("commit"))}.");
        return ExitCode.Done;
    }

    private static async Task<int> Differences(Call call, string from, string to, string? bead)
    {
        string? cursor = null;
        var count = 0;
        do
        {
            var page = await call.Ask($"v1/beads/diff?from={from.Escaped()}&to={to.Escaped()}&limit=200"
                + (bead is null ? "" : $"&bead_id={bead.Escaped()}") + (cursor is null ? "" : $"&cursor={cursor.Escaped()}"));
            if (call.Json) call.Screen.Json(page);
            else
                foreach (var one in page.Items("beads"))
                {
                    if (count++ > 0) call.Screen.Line();
                    call.Screen.Title($"{one.Show("change")} {one.Show("bead_id")}  {one.Show("title")}");
                    foreach (var field in one.Items("fields"))
                    {
                        if (field.Text("old") is not null) call.Screen.Removed($"- {field.Show("field")}: {Raw(field, "old")}");
                        if (field.Text("new") is not null) call.Screen.Added($"+ {field.Show("field")}: {Raw(field, "new")}");
                    }
                }

            cursor = page.Text("next_cursor");
        }
        while (cursor is not null);
        if (!call.Json && count == 0) call.Screen.Faint("Nothing differs.");
        return ExitCode.Done;
    }

    private static Task<int> Conflicts(Call call, JsonElement merge)
    {
        var conflicts = merge.Items("conflicts").ToArray();
        if (call.Json) call.Screen.Json(merge);
        else
        {
            foreach (var one in conflicts)
            {
                call.Screen.Title($"{one.Show("bead_id")} {one.Text("field") ?? "(removed on one side)"}");
                call.Screen.Faint($"  base:   {Raw(one, "base")}");
                call.Screen.Removed($"  ours:   {Raw(one, "ours")}");
                call.Screen.Added($"  theirs: {Raw(one, "theirs")}");
            }

            call.Screen.Line(conflicts.Length == 0 ? "All is decided: beadhub history merge --continue"
                : "Decide: beadhub history resolve BEAD FIELD --take ours|theirs|base, or --value JSON; or merge --abort");
        }

        return Task.FromResult(conflicts.Length == 0 ? ExitCode.Done : ExitCode.Unsettled);
    }

    private static void Header(Call call, JsonElement commit, bool isShort)
    {
        var names = commit.Items("tags").Concat(commit.Items("branches")).Select(static name => name.ToString()).ToArray();
        var id = commit.Show("id");
        call.Screen.Title($"{(isShort ? Short(id) : id)}{(names.Length > 0 ? $" ({string.Join(", ", names)})" : "")}");
        call.Screen.Faint($"{commit.Show("author")}, {commit.Show("time")}");
        foreach (var line in commit.Show("message").TrimEnd().Split('\n')) call.Screen.Line($"    {line}");
    }

    private static string Raw(JsonElement json, string name) => json.Text(name) is null ? "(none)" : json.GetProperty(name).GetRawText();

    private static string Short(string id) => id.Length > ShownId ? id[..ShownId] : id;
}
