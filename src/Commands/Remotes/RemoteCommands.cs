using System.CommandLine;
using System.Text.Json.Nodes;
using Beadhub.Remotes;

namespace Beadhub.Commands.Remotes;

/// <summary>
/// <c>history remote</c>, <c>push</c>, <c>fetch</c>, <c>pull</c>, <c>clone</c>. A remote that the server keeps is pushed to by the server;
/// one that is named by its address, or in <c>.beads/config.yaml</c>, by this program, with the user's own credentials.
/// </summary>
internal static class RemoteCommands
{
    private const string Usual = "origin";

    private static readonly Argument<string?> Remote = new("remote")
    {
        Description = "Name of a remote that the server keeps, or an address; federation.remote of .beads/config.yaml unless given",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private static readonly Argument<string> Name = new("name") { Description = "What it is called" };
    private static readonly Argument<string> Address = new("address")
    {
        Description = "beadhub+https://host/project, s3://bucket/prefix, gs://bucket/prefix or file:///folder",
    };
    private static readonly Option<string> Branch = new("--branch")
        { Description = "Branch of the history", DefaultValueFactory = static _ => "main" };
    private static readonly Option<string?> Tier = new("--sovereignty")
    {
        Description = "T1 whole, T2 at hosts of BEADHUB_REMOTE_HOSTS only, T3 pseudonymous, T4 anonymous; "
            + "federation.sovereignty of .beads/config.yaml unless given",
    };
    private static readonly Option<bool> Delete = new("--delete")
        { Description = "Remove the branch at the remote; its commits stay where they are" };
    private static readonly Option<bool> Store =
        new("--with-credentials") { Description = "Give the server BEADHUB_REMOTE_USER and the password to keep, under seal" };

    /// <summary>All of them, for <c>history</c>.</summary>
    public static IEnumerable<Command> Create() =>
    [
        new Command("remote", "Remotes that the server keeps for the project.")
        {
            ClientCommand.Make("list", "Show them.", List),
            ClientCommand.Make("add", "Add one, or replace the one of its name.", Add, Name, Address, Tier, Store),
            ClientCommand.Make("remove", "Remove one.", Remove, Name),
        },
        ClientCommand.Make("push", "Send what a remote lacks of a branch, or remove the branch there.", Push, Remote, Branch, Tier, Delete),
        ClientCommand.Make("fetch", "Bring a remote's branch, as REMOTE/BRANCH.", async call =>
        {
            await Fetch(call);
            return ExitCode.Done;
        }, Remote, Branch),
        ClientCommand.Make("pull", "Fetch a remote's branch and merge it.", Pull, Remote, Branch),
        ClientCommand.Make("clone", "Make this folder a workspace of a new project that has a remote's history.", Clone, Address,
            InitCommand.Project, InitCommand.Alias),
    ];

    private static async Task<int> List(Call call)
    {
        var remotes = await call.Ask("v1/beads/remotes");
        if (call.Json) call.Screen.Json(remotes);
        else call.Screen.Table(["NAME", "ADDRESS", "SOVEREIGNTY", "CREDENTIALS"], remotes.Items("remotes").Select(static remote => new[]
        {
            remote.Show("name"), remote.Show("url"), remote.Show("sovereignty"), remote.Is("has_credentials") ? "kept" : "-",
        }));
        return ExitCode.Done;
    }

    private static async Task<int> Add(Call call)
    {
        var body = new JsonObject { ["name"] = call.Get(Name), ["url"] = call.Get(Address) };
        if (call.Get(Tier) is { } tier) body["sovereignty"] = tier.ToUpperInvariant();
        if (call.Get(Store))
        {
            var credentials = Told(static () => RemoteCredentials.Of(Variable)) ?? throw new CommandException(
                "there is no BEADHUB_REMOTE_PASSWORD_FILE and no BEADHUB_REMOTE_PASSWORD to keep", ExitCode.Usage);
            (body["user"], body["password"]) = (credentials.User, credentials.Password);
        }

        var made = await call.Send("v1/beads/remotes", body);
        if (call.Json) call.Screen.Json(made);
        else call.Screen.Line($"{made.Show("name")} is {made.Show("url")}, {made.Show("sovereignty")}.");
        return ExitCode.Done;
    }

    private static async Task<int> Remove(Call call)
    {
        var removed = await call.Send(HttpMethod.Delete, $"v1/beads/remotes/{call.Get(Name)!.Escaped()}");
        if (call.Json) call.Screen.Json(removed);
        else call.Screen.Line($"{call.Get(Name)} is removed; what it holds stays there.");
        return ExitCode.Done;
    }

    private static async Task<int> Push(Call call)
    {
        var branch = call.Get(Branch)!;
        var (name, config) = (call.Get(Remote), Config(call));
        if (call.Get(Delete)) return await RemoveBranch(call, name, branch, Direct(call, name, config));
        if (Direct(call, name, config) is { } address)
        {
            var tier = Sovereignty.Parse(call.Get(Tier) ?? config.GetValueOrDefault("sovereignty"));
            var done = await Run(call, address, tier, async (transfer, local, site) =>
                await transfer.Push(tier.Changes() ? new SovereignSender(local, tier, await Pseudonyms(call), branch) : local, site, branch,
                    call.Cancellation));
            return Said(call, done.Commit?.ToString(), done.Packs, done.Objects, $"{branch} is pushed", "has all of it already");
        }

        var answer = await call.Send($"v1/beads/remotes/{(name ?? Usual).Escaped()}/push", new() { ["branch"] = branch });
        return Said(call, answer.Text("commit"), answer.GetProperty("packs").GetInt32(), answer.GetProperty("objects").GetInt32(),
            $"{branch} is pushed", "has all of it already");
    }

    private static async Task<int> RemoveBranch(Call call, string? name, string branch, RemoteAddress? address)
    {
        if (!call.Parsed.Tokens.Any(static token => token.Value == "--branch"))
            throw new CommandException("--branch is needed with --delete", ExitCode.Usage);
        if (address is null)
            await call.Send(HttpMethod.Delete, $"v1/beads/remotes/{(name ?? Usual).Escaped()}/branches?branch={branch.Escaped()}");
        else if (!await Run(call, address, SovereigntyTier.T1, (_, _, site) => site.Remove(branch, call.Cancellation)))
            throw new CommandException($"the remote has no branch {branch}", ExitCode.Nothing);
        if (call.Json) call.Screen.Json(json =>
        {
            json.WriteStartObject();
            json.WriteString("removed", branch);
            json.WriteEndObject();
        });
        else call.Screen.Line($"{branch} is removed there.");
        return ExitCode.Done;
    }

    private static async Task<string?> Fetch(Call call, RemoteAddress? from = null)
    {
        var branch = call.Parsed.GetResult(Branch) is null ? "main" : call.Get(Branch)!;
        var name = from is null ? call.Get(Remote) : null;
        if ((from ?? Direct(call, name, Config(call))) is not { } address)
        {
            var answer = await call.Send($"v1/beads/remotes/{(name ?? Usual).Escaped()}/fetch", new() { ["branch"] = branch });
            Said(call, answer.Text("commit"), answer.GetProperty("packs").GetInt32(), answer.GetProperty("objects").GetInt32(),
                $"{name ?? Usual}/{branch} is here", $"{name ?? Usual}/{branch} is here already");
            return answer.Text("commit") is null ? null : $"{name ?? Usual}/{branch}";
        }

        var done = await Run(call, address, SovereigntyTier.T1, (transfer, local, site) =>
            transfer.Fetch(site, local, Usual, branch, call.Cancellation));
        Said(call, done.Commit?.ToString(), done.Packs, done.Objects, $"{Usual}/{branch} is here",
            $"{Usual}/{branch} is here already");
        return done.Commit is null ? null : $"{Usual}/{branch}";
    }

    private static async Task<int> Pull(Call call) =>
        await Fetch(call) is { } fetched ? await Merge(call, fetched) : ExitCode.Nothing;

    private static async Task<int> Merge(Call call, string from)
    {
        var merged = await call.Send("v1/beads/merge", new() { ["from"] = from });
        var conflicts = merged.Show("result") == "conflicts";
        if (call.Json) call.Screen.Json(merged);
        else call.Screen.Line(merged.Show("result") switch
        {
            "conflicts" => $"{merged.Show("conflicts")} conflicts with {from}: 'beadhub history merge --help' says how to decide.",
            "up_to_date" => "There is nothing to merge.",
            "fast_forward" => $"main is at {Short(merged.Show("commit"))} now, as {from} is.",
            _ => $"{from} is merged: main is at {Short(merged.Show("commit"))}.",
        });
        return conflicts ? ExitCode.Unsettled : ExitCode.Done;
    }

    private static async Task<int> Clone(Call call)
    {
        var address = Told(() => RemoteAddress.Parse(call.Get(Address)!));
        if (call.Connection.Key is null)
        {
            var joined = await InitCommand.Join(call, again: false, address.Kind == RemoteKind.Hub ? address.Name : null, null);
            call.UseKey(joined.Key);
            call.Screen.Note($"{joined.Value("alias")} has joined project {joined.Value("project_slug")}.");
        }

        if ((await call.Ask("v1/beads/issues?limit=1")).Items("issues").Any())
            throw new CommandException("the project has beads already: fetch, or pull, into it instead", ExitCode.Taken);
        return await Fetch(call, address) is { } fetched ? await Merge(call, fetched)
            : throw new CommandException("there is no history at this address", ExitCode.Nothing);
    }

    /// <summary>The address to which this program goes by itself; null when the server is to do it.</summary>
    private static RemoteAddress? Direct(Call call, string? name, IReadOnlyDictionary<string, string> config) =>
        name is null && config.GetValueOrDefault("remote") is { } configured ? Told(() => RemoteAddress.Parse(configured))
        : name?.Contains("://", StringComparison.Ordinal) == true ? Told(() => RemoteAddress.Parse(name)) : null;

    private static async Task<T> Run<T>(Call call, RemoteAddress address, SovereigntyTier tier,
        Func<Transfer, ILocalHistory, IHistorySite, Task<T>> work)
    {
        // A key or a signature goes to the host that was named, and nowhere else.
        using var http = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = address.Endpoint is not { IsLoopback: true } };
        using var own = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };
        try
        {
            tier.MustAllow(address, (Variable("BEADHUB_REMOTE_HOSTS") ?? "").Split(',',
                StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            using var local = new HubHistory(new(call.Hub.Url), call.Connection.Key!, own);
            var site = RemoteSites.Open(address, RemoteCredentials.Of(Variable), http);
            using var closing = site as IDisposable;
            return await work(new(call.Screen.Progress, TimeProvider.System), local, site);
        }
        catch (RemoteException e)
        {
            throw Refusal(e);
        }
        finally
        {
            call.Screen.EndProgress();
        }
    }

    private static async Task<byte[]> Pseudonyms(Call call) =>
        Convert.FromHexString((await call.Ask("v1/beads/remotes/pseudonyms")).Show("key"));

    /// <summary>What <c>.beads/config.yaml</c> says about the remote.</summary>
    private static IReadOnlyDictionary<string, string> Config(Call call)
    {
        var folder = call.Connection.Workspace?.Folder ?? Worktree.Root(Environment.CurrentDirectory);
        var path = Path.Combine(folder, ".beads", "config.yaml");
        if (!File.Exists(path)) return new Dictionary<string, string>();
        var yaml = Yaml.Read(File.ReadAllText(path));
        var found = new Dictionary<string, string>();
        foreach (var name in (string[])["remote", "sovereignty"])
            if ((yaml.GetValueOrDefault($"federation/{name}") ?? yaml.GetValueOrDefault($"federation.{name}")) is { Length: > 0 } value)
                found[name] = value;
        return found;
    }

    private static int Said(Call call, string? commit, int packs, int objects, string done, string nothing)
    {
        if (call.Json) call.Screen.Json(json =>
        {
            json.WriteStartObject();
            json.WriteString("commit", commit);
            json.WriteNumber("packs", packs);
            json.WriteNumber("objects", objects);
            json.WriteEndObject();
        });
        else if (commit is null) call.Screen.Line("There is no such branch yet.");
        else if (packs == 0) call.Screen.Line($"{Short(commit)}: {nothing}.");
        else call.Screen.Line($"{done}: {Short(commit)}, {objects} objects in {packs} packs.");
        return ExitCode.Done;
    }

    private static string Short(string commit) => commit.Length > 12 ? commit[..12] : commit;

    private static T Told<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (RemoteException e)
        {
            throw new CommandException(e.Message, ExitCode.Usage);
        }
    }

    /// <summary>What is told when a remote cannot be used.</summary>
    public static CommandException Refusal(RemoteException e) => new(e.Message, e.Kind switch
    {
        RemoteFault.NotForward or RemoteFault.Overtaken => ExitCode.Unsettled,
        RemoteFault.Transient => ExitCode.Unreachable,
        RemoteFault.NotFound => ExitCode.Nothing,
        _ => ExitCode.Failed,
    });

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
