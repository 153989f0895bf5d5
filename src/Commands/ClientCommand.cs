using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Commands;

/// <summary>What all client commands share: their options, and how they fail.</summary>
internal static class ClientCommand
{
    public static readonly Option<string?> Url = new("--url") { Description = "Address of the server [BEADHUB_URL, .beadhub]" };

    public static readonly Option<string?> Key =
        new("--key") { Description = "API key; in the environment it is not seen in the list of processes [BEADHUB_API_KEY]" };

    public static readonly Option<bool> Json = new("--json") { Description = "JSON, for programs" };
    public static readonly Option<bool> Watch = new("--watch", "-w") { Description = "Show it again whenever something changes" };

    /// <summary>A command that asks the server.</summary>
    /// <param name="name">Name.</param>
    /// <param name="description">What it does, in one sentence.</param>
    /// <param name="run">Runs it; answers with an <see cref="ExitCode"/>.</param>
    /// <param name="symbols">Its own arguments and options, in the order in which help shows them.</param>
    public static Command Make(string name, string description, Func<Call, Task<int>> run, params Symbol[] symbols)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument) command.Arguments.Add(argument);
            else command.Options.Add((Option)symbol);
        }

        foreach (var option in new Option[] { Url, Key, Json }) command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Run(parsed, run, cancellation));
        return command;
    }

    private static async Task<int> Run(ParseResult parsed, Func<Call, Task<int>> run, CancellationToken cancellation)
    {
        var screen = Screen.Current();
        try
        {
            await using var call = new Call(parsed, screen, cancellation);
            return await run(call);
        }
        catch (HubException e)
        {
            screen.EndProgress();
            screen.Note($"beadhub: {e.Message}");
            return e.ExitCode;
        }
        catch (CommandException e)
        {
            screen.EndProgress();
            screen.Note($"beadhub: {e.Message}");
            return e.ExitCode;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            screen.EndProgress();
            screen.Note($"beadhub: {e.Message}");
            return ExitCode.Failed;
        }
    }
}

/// <summary>One run of a client command.</summary>
internal sealed class Call(ParseResult parsed, Screen screen, CancellationToken cancellation) : IAsyncDisposable
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(30), Pause = TimeSpan.FromSeconds(1),
        SignOfLifeLimit = TimeSpan.FromSeconds(2);

    private Connection? _connection;
    private Hub? _hub;
    private Task _seen = Task.CompletedTask;
    private Self? _self;

    public ParseResult Parsed => parsed;

    public Screen Screen => screen;

    public CancellationToken Cancellation => cancellation;

    public bool Json => parsed.GetValue(ClientCommand.Json);

    public Connection Connection => _connection ??= Connection.Find(
        parsed.GetValue(ClientCommand.Url), parsed.GetValue(ClientCommand.Key), Environment.CurrentDirectory,
        Environment.GetEnvironmentVariable);

    /// <summary>The server, called with a key.</summary>
    /// <exception cref="CommandException">There is no key.</exception>
    public Hub Hub => _hub ??= Open();

    /// <summary>Calls with this key from now on: that of a project that was just joined.</summary>
    public void UseKey(string key)
    {
        _hub?.Dispose();
        (_connection, _hub, _self) = (Connection with { Key = key, Workspace = null }, null, null);
    }

    public T? Get<T>(Argument<T> argument) => parsed.GetValue(argument);

    public T? Get<T>(Option<T> option) => parsed.GetValue(option);

    public Task<JsonElement> Ask(string path) => Hub.Get(path, cancellation);

    public Task<JsonElement> Send(string path, JsonObject? body) => Hub.Post(path, body, cancellation);

    public Task<JsonElement> Send(HttpMethod method, string path, JsonObject? body = null) => Hub.Ask(method, path, body, cancellation);

    /// <summary>Who calls, as the folder's file says, or the server.</summary>
    public async Task<Self> Self()
    {
        if (_self is not null) return _self;
        if (Connection.Workspace is { WorkspaceId: { } id, Alias: { } alias } file)
            return _self = new(id, alias, file.HumanName, file.RepoOrigin, file.CanonicalOrigin, file.ProjectSlug, file.Folder);
        var who = await Ask("v1/auth/introspect");
        var agent = who.Text("agent_id") ?? throw new CommandException("the key belongs to no agent", ExitCode.Refused);
        string? repo = null, slug = null;
        try
        {
            var workspace = await Ask($"v1/workspaces/{agent}");
            (repo, slug) = (workspace.Text("repo"), workspace.Text("project_slug"));
        }
        catch (HubException e) when (e.Status == System.Net.HttpStatusCode.NotFound)
        {
            // An agent without a repository.
        }

        return _self = new(agent, who.Text("alias") ?? "", who.Text("human_name") ?? "", 
            repo is null ? null : $"https://{repo}", repo, slug, Worktree.Root(Environment.CurrentDirectory));
    }

    /// <summary>Shows something once, or again and again as things change in the project.</summary>
    /// <param name="show">Asks and prints.</param>
    public async Task<int> Show(Func<Task<int>> show)
    {
        if (!parsed.GetValue(ClientCommand.Watch)) return await show();
        string? last = null;
        while (true)
        {
            screen.Clear();
            await show();
            screen.Out.Flush();
            last = await Hub.Next("v1/status/stream", last, Quiet, cancellation);
            await Task.Delay(Pause, cancellation);
        }
    }

    /// <summary>Ends once the server knows that the agent is alive.</summary>
    public async ValueTask DisposeAsync()
    {
        await _seen;
        _hub?.Dispose();
    }

    private Hub Open()
    {
        var hub = new Hub(Connection.Url, Connection.Key ?? throw new CommandException(
            "there is no API key for this folder: run 'beadhub init', or give --key or BEADHUB_API_KEY", ExitCode.Refused));
        _seen = SignOfLife(hub);
        return hub;
    }

    // Beside what was asked for, which does not wait for it and does not fail with it.
    private async Task SignOfLife(Hub hub)
    {
        try
        {
            await hub.Post("v1/agents/heartbeat", null, cancellation).WaitAsync(SignOfLifeLimit, cancellation);
        }
        catch (Exception e) when (e is HubException or CommandException or TimeoutException or OperationCanceledException)
        {
            // What was asked for says what is wrong.
        }
    }
}

/// <summary>The agent that calls, and where it works.</summary>
internal sealed record Self(
    string Id, string Alias, string HumanName, string? RepoOrigin, string? Repo, string? ProjectSlug, string Folder)
{
    /// <summary>What <c>/v1/bdh</c> wants to know about the caller.</summary>
    public JsonObject About(string? repo = null) => new()
    {
        ["workspace_id"] = Id,
        ["alias"] = Alias,
        ["human_name"] = HumanName,
        ["repo_origin"] = repo is null || repo == Repo ? MustHaveOrigin() : $"https://{repo}",
    };

    public string MustHaveRepo() => Repo ?? throw NoRepo();

    private string MustHaveOrigin() => RepoOrigin ?? throw NoRepo();

    private CommandException NoRepo() => new($"{Alias} works on no repository: run 'beadhub init' in one");
}

/// <summary>Reading answers.</summary>
internal static class Answers
{
    /// <summary>A field as text; null where it is absent or null.</summary>
    public static string? Text(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? value.ToString() : null;

    /// <summary>A field as text; empty where it is absent or null.</summary>
    public static string Show(this JsonElement json, string name) => json.Text(name) ?? "";

    /// <summary>A list; empty where it is absent or null.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray() : [];

    public static bool Is(this JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    /// <summary>How long ago a time was, in one unit.</summary>
    public static string Ago(this JsonElement json, string name) =>
        DateTimeOffset.TryParse(json.Text(name), out var at) ? Span(DateTimeOffset.UtcNow - at) : "";

    /// <summary>How far away a time is.</summary>
    public static string Left(this JsonElement json, string name) =>
        DateTimeOffset.TryParse(json.Text(name), out var at) ? Span(at - DateTimeOffset.UtcNow) : "";

    /// <summary>A path's part, or a query's value.</summary>
    public static string Escaped(this string text) => Uri.EscapeDataString(text);

    private static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 1 } => "now",
        { TotalSeconds: < 90 } => $"{span.TotalSeconds:0} s",
        { TotalMinutes: < 90 } => $"{span.TotalMinutes:0} min",
        { TotalHours: < 36 } => $"{span.TotalHours:0} h",
        _ => $"{span.TotalDays:0} d",
    };
}
