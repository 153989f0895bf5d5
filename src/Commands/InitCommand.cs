using System.CommandLine;
using System.Text.Json.Nodes;

namespace Beadhub.Commands;

/// <summary>
/// <c>beadhub init</c>: makes this folder an agent's workspace, as <c>bdh :init</c> does, so that either goes on with it.
/// </summary>
internal static class InitCommand
{
    public static readonly Option<string?> Project = new("--project", "-p") { Description = "Slug of the project [BEADHUB_PROJECT]" };

    public static readonly Option<string?> Alias =
        new("--alias", "-a") { Description = "Alias of the agent; the next free name unless given [BEADHUB_ALIAS]" };

    public static readonly Option<string?> Role = new("--role", "-r") { Description = "What the agent does [BEADHUB_ROLE]" };

    private static readonly Option<string?> Human = new("--human") { Description = "Whom it works for [BEADHUB_HUMAN]" };
    private static readonly Option<string?> Origin = 
        new("--origin") { Description = "Remote of the repository; git's origin unless given" };
    private static readonly Option<bool> Again =
        new("--force") { Description = "Also where the folder is a workspace already" };

    public static Command Create() => ClientCommand.Make(
        "init", "Make this folder a workspace: joins or founds the project, keeps the key.",
        static async call =>
        {
            var init = await Join(call, call.Get(Again));
            if (call.Json) call.Screen.Json(json =>
            {
                json.WriteStartObject();
                foreach (var (name, value) in init.Values) json.WriteString(name, value);
                json.WriteEndObject();
            });
            else
            {
                call.Screen.Line($"{init.Value("alias")} works on {init.Value("canonical_origin")} in project "
                    + $"{init.Value("project_slug")} at {init.Value("beadhub_url")}.");
                if (init.IsMadeUp)
                    call.Screen.Faint("The folder has no git remote 'origin'; the project's beads are kept under that name.");
                call.Screen.Faint("Next: beadhub ready, beadhub next, beadhub status; 'beadhub setup' tells your editor.");
            }

            return ExitCode.Done;
        }, Project, Alias, Role, Human, Origin, Again);

    /// <summary>Joins and writes the files.</summary>
    /// <exception cref="CommandException">The folder is a workspace already, or the project cannot be told.</exception>
    public static Task<Joined> Join(Call call, bool again) => Join(call, again, null, null);

    /// <summary>The same for a project and an origin that are known.</summary>
    /// <param name="call">The command.</param>
    /// <param name="again">Whether the folder may be a workspace already.</param>
    /// <param name="otherProject">The project unless flags or the environment name one.</param>
    /// <param name="otherOrigin">The repository unless flags, the environment or git name one.</param>
    public static async Task<Joined> Join(Call call, bool again, string? otherProject, string? otherOrigin)
    {
        var folder = Worktree.Root(Environment.CurrentDirectory);
        var path = WorkspaceFile.PathIn(folder);
        if (!again && File.Exists(path))
            throw new CommandException($"{path} says that this folder is a workspace; --force makes it another");
        var url = (call.Get(ClientCommand.Url) ?? Variable("BEADHUB_URL") ?? Connection.DefaultUrl).TrimEnd('/');
        var project = call.Get(Project) ?? Variable("BEADHUB_PROJECT") ?? otherProject;
        var remote = call.Get(Origin) ?? Variable("BEADHUB_REPO_ORIGIN") ?? await Worktree.Remote(folder, call.Cancellation)
            ?? otherOrigin;
        var name = Slug(project ?? Path.GetFileName(folder));
        var origin = remote ?? $"https://localhost/local/{name}";
        // A key says who may join: a project's own where the server asks for one.
        using var hub = new Hub(url, call.Get(ClientCommand.Key) ?? Variable("BEADHUB_API_KEY"));

        var body = new JsonObject
        {
            ["repo_origin"] = origin,
            ["role"] = call.Get(Role) ?? Variable("BEADHUB_ROLE") ?? "agent",
            ["hostname"] = Environment.MachineName,
            ["workspace_path"] = folder,
        };
        if ((call.Get(Human) ?? Variable("BEADHUB_HUMAN") ?? Environment.UserName) is { Length: > 0 } human
            && char.IsAsciiLetter(human[0]) && human.All(static c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '-' or '\''))
            body["human_name"] = human;
        if (project is not null) body["project_slug"] = project;
        if ((call.Get(Alias) ?? Variable("BEADHUB_ALIAS")) is { } alias) body["alias"] = alias;
        System.Text.Json.JsonElement made;
        try
        {
            made = await hub.Post("v1/init", body, call.Cancellation);
        }
        catch (HubException e) when (project is null && e.Body.Contains("project_not_found", StringComparison.Ordinal))
        {
            body["project_slug"] = name;
            made = await hub.Post("v1/init", (JsonObject)body.DeepClone(), call.Cancellation);
        }

        if (made.Text("workspace_id") is not { } workspace || made.Text("api_key") is not { } key)
            throw new CommandException($"{url} made no workspace");
        (string Name, string? Value)[] values =
        [
            ("workspace_id", workspace), ("beadhub_url", url), ("project_slug", made.Text("project_slug")),
            ("repo_id", made.Text("repo_id")),
            ("repo_origin", origin), ("canonical_origin", made.Text("canonical_origin")), ("alias", made.Text("alias")),
            ("human_name", body["human_name"]?.GetValue<string>()), ("role", body["role"]!.GetValue<string>()),
        ];
        // The key first: a workspace without one could do nothing.
        AccountFile.Of(Environment.GetEnvironmentVariable)
            .Add(folder, url, made.Show("project_slug"), made.Show("alias"), workspace, key);
        WorkspaceFile.Write(path, values);
        if (Worktree.IsRepository(folder)) Ignore(Path.Combine(folder, ".gitignore"));
        return new(values.Where(static pair => pair.Value is not null).ToDictionary(static pair => pair.Name, static pair => pair.Value!),
            key, remote is null);
    }

    /// <summary>Keys and what belongs to one folder alone stay out of the repository.</summary>
    private static void Ignore(string path)
    {
        var text = File.Exists(path) ? File.ReadAllText(path) : "";
        var lines = text.ReplaceLineEndings("\n").Split('\n').Select(static line => line.Trim().TrimEnd('/')).ToHashSet();
        var missing = new[] { ".beadhub", ".aw/", ".beadhub-cache/" }.Where(entry => !lines.Contains(entry.TrimEnd('/'))).ToArray();
        if (missing.Length == 0) return;
        File.WriteAllText(path, text + (text.Length == 0 || text.EndsWith('\n') ? "" : "\n") + string.Join('\n', missing) + "\n");
    }

    private static string Slug(string text)
    {
        var slug = string.Concat(text.ToLowerInvariant().Select(static c => char.IsAsciiLetterOrDigit(c) ? c : '-')).Trim('-');
        return slug.Length == 0 ? "project" : slug;
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    /// <summary>What was joined, and the key.</summary>
    internal sealed record Joined(IReadOnlyDictionary<string, string> Values, string Key, bool IsMadeUp)
    {
        public string? Value(string name) => Values.GetValueOrDefault(name);
    }
}
