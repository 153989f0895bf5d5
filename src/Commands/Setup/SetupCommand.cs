using System.CommandLine;

namespace Beadhub.Commands.Setup;

/// <summary><c>beadhub setup</c>: has an editor's agents work with the hub.</summary>
internal static class SetupCommand
{
    private const string Git = "git";

    private static readonly Argument<string[]> Editors = MakeEditors();
    private static readonly Option<bool> Check = new("--check") { Description = "Change nothing; fail when something is missing" };
    private static readonly Option<bool> Remove = new("--remove") { Description = "Take away what was set up" };
    private static readonly Option<bool> Yes = new("--yes", "-y") { Description = "Write without asking" };
    private static readonly Option<bool> NoHook = new("--no-hook") { Description = "Without the commit hook" };
    private static readonly Option<bool> SyncHooks =
        new("--sync-hooks") { Description = "Also hooks that run 'beadhub sync' after commits and merges" };

    public static Command Create() => ClientCommand.Make("setup",
        "Set an editor up: workspace, MCP server, instructions, commit hook. Shows what it would change and asks.", Run,
        Editors, Check, Remove, Yes, NoHook, SyncHooks, InitCommand.Project, InitCommand.Alias, InitCommand.Role);

    private static async Task<int> Run(Call call)
    {
        var folder = Worktree.Root(Environment.CurrentDirectory);
        var (remove, isWorkspace) = (call.Get(Remove), WorkspaceFile.Find(folder) is not null);
        var named = call.Get(Editors)!;
        var editors = Editor.All.Where(editor => named.Contains(editor.Name)).ToArray();
        // Everything is worked out, and what is wrong told, before anything is written.
        var changes = new List<FileChange>();
        foreach (var editor in editors)
        {
            changes.Add(editor.Change(folder, remove));
            if (editor.Instructions is { } file) changes.Add(Instructions.Include(folder, file, remove));
        }

        // Other editors may be set up still.
        var leaves = remove && editors.Length > 0 && Editor.All.Except(editors).Any(other => IsSetUp(other, folder));
        if (editors.Length > 0 && !leaves) changes.Add(Instructions.Agents(folder, remove));
        if (!call.Get(NoHook) && !leaves)
            changes.AddRange(await GitHooks.Changes(folder, remove, call.Get(SyncHooks), call.Cancellation));
        var needed = changes.Where(static change => change.IsNeeded).ToArray();
        var joins = !remove && !isWorkspace;

        if (call.Get(Check)) return Report(call, changes, joins);
        if (needed.Length == 0 && !joins)
        {
            call.Screen.Line(remove ? "There is nothing to take away." : "Everything is set up.");
            return ExitCode.Done;
        }

        if (joins) call.Screen.Title($"This folder becomes a workspace at {call.Connection.Url}, as 'beadhub init' does.");
        foreach (var change in needed) Show(call, change, folder);
        if (!call.Get(Yes))
        {
            if (Console.IsInputRedirected || !call.Screen.IsTerminal)
            {
                call.Screen.Note("beadhub: nothing was changed; --yes writes it");
                return ExitCode.Unsettled;
            }

            call.Screen.Out.Write("Write this? [y/N] ");
            if (Console.ReadLine()?.Trim() is not ("y" or "Y" or "yes"))
            {
                call.Screen.Line("Nothing was changed.");
                return ExitCode.Unsettled;
            }
        }

        if (joins)
        {
            var init = await InitCommand.Join(call, again: false);
            call.Screen.Line($"{init.Value("alias")} works in project {init.Value("project_slug")}.");
        }

        foreach (var change in needed) change.Apply();
        call.Screen.Line(remove ? "Taken away." : "Done. Start the editor anew, or have it read its MCP servers again.");
        return ExitCode.Done;
    }

    private static int Report(Call call, IEnumerable<FileChange> changes, bool joins)
    {
        var missing = joins;
        var rows = new List<string[]> { new[] { joins ? "missing" : "ok", "workspace", "" } };
        foreach (var change in changes)
        {
            missing |= change.IsNeeded;
            rows.Add([!change.IsNeeded ? "ok" : change.Before is null ? "missing" : "differs", change.What, change.Path]);
        }

        if (call.Json) call.Screen.Json(json =>
        {
            json.WriteStartArray();
            foreach (var row in rows)
            {
                json.WriteStartObject();
                json.WriteString("state", row[0]);
                json.WriteString("what", row[1]);
                json.WriteString("file", row[2]);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
        else call.Screen.Table(["STATE", "WHAT", "FILE"], rows);
        return missing ? ExitCode.Unsettled : ExitCode.Done;
    }

    private static void Show(Call call, FileChange change, string folder)
    {
        var path = change.Path.StartsWith(folder, StringComparison.Ordinal) ? Path.GetRelativePath(folder, change.Path) : change.Path;
        call.Screen.Title($"{path}  ({change.What}{(change.Before is null ? ", new" : change.After is null ? ", goes" : "")})");
        foreach (var line in change.Difference()) call.Screen.Line("  " + line);
        call.Screen.Line();
    }

    private static bool IsSetUp(Editor editor, string folder)
    {
        try
        {
            return editor.Change(folder, remove: true).IsNeeded;
        }
        catch (CommandException)
        {
            return false;
        }
    }

    private static Argument<string[]> MakeEditors()
    {
        var editors = new Argument<string[]>("editor")
        {
            Description = $"{string.Join(", ", Editor.All.Select(static editor => editor.Name))}; git for the commit hook alone",
            Arity = ArgumentArity.OneOrMore,
        };
        editors.AcceptOnlyFromAmong([.. Editor.All.Select(static editor => editor.Name), Git]);
        return editors;
    }
}
