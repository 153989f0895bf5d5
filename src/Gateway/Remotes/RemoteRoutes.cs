using System.Collections.Immutable;
using Beadhub.Gateway.History;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Outbound;
using Beadhub.Gateway.Requests;
using Beadhub.History;
using Beadhub.Projects;
using Beadhub.Remotes;
using Orleans;

namespace Beadhub.Gateway.Remotes;

/// <summary><c>/v1/beads/remotes</c>: remotes that the server keeps for a project, and what it pushes to and fetches from them.</summary>
internal sealed class RemoteRoutes(IGrainFactory grains, RemoteAccess access, TimeProvider time)
{
    private static readonly Field<string> NewName = InBody.Required("name", "What it is called", 1, 40).Example("origin")
        .Must(IsName, "Small letters, digits and hyphens");
    private static readonly Field<string> Url = InBody.Required("url",
        "Where it is: beadhub+https://host/project, s3://bucket/prefix, gs://bucket/prefix, or file:///folder below the server's own", 1,
        2048).Example("file:///srv/remotes/lamps");
    private static readonly Field<string?> Tier = InBody.Word("sovereignty",
        "T1: the whole history; T2: the whole, at allowed hosts; T3: people by pseudonyms; T4: no people, no texts but titles",
        "T1", "T2", "T3", "T4");
    private static readonly Field<string?> User = InBody.Plain("user", "User, or access key", 256);
    private static readonly Field<string?> Password = InBody.Plain("password", "Password, secret key or API key; kept under seal", 4096);
    private static readonly Field<string> Name = InPath.Text("name", "What the remote is called").Example("origin")
        .AfterCaller(static name => IsName(name) ? name : throw NoRemote());
    private static readonly Field<string?> Branch = InBody.Optional("branch", "Branch of the history; main unless given", max: 50)
        .Must(static name => name is not { Length: > 0 } || Names.IsBranch(name), "Invalid name");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<RemoteRoutes>();
        var requests = new RequestGroup("/v1/beads/remotes", "remotes", "Histories of other sites: push, fetch, pull");
        routes.Map(
            requests.Get("", "listRemotes", "The project's remotes; never their credentials").Needs(Caller.Member("see remotes"))
                .Answers(Wire.Types.RemoteList),
            who => endpoints.Grain(who.ProjectId).List().AsTask());
        routes.Map(
            requests.Post("", "setRemote", "Add a remote, or replace the one of its name").Needs(Caller.Lead).Audited("remote.set")
                .TakesOnly(NewName, Url, Tier, User, Password).Fails(409)
                .Bind(static fields => (Name: fields.Get(NewName), Url: fields.Get(Url), Tier: fields.Get(Tier), User: fields.Get(User),
                    Password: fields.Get(Password)))
                .Answers(Wire.Types.RemoteView),
            endpoints.Set);
        routes.Map(
            requests.Delete("/{name}", "removeRemote", "Remove a remote").Needs(Caller.Lead).Audited("remote.removed")
                .Takes(Name).Bind(static fields => fields.Get(Name)).Answers(Wire.Types.RemoteRemovedAnswer),
            async (name, who) => await endpoints.Grain(who.ProjectId).Remove(name) ? new RemoteRemovedAnswer(name) : throw NoRemote());
        routes.Map(
            requests.Get("/pseudonyms", "getPseudonymKey",
                "The key under which people get pseudonyms at remotes of tier T3, for clients that push by themselves")
                .Needs(Caller.Actor).AnswersSecret()
                .Answers(Wire.Types.PseudonymKeyAnswer),
            async actor => new(await endpoints.Grain(actor.ProjectId).PseudonymKey()));
        routes.Map(
            requests.Post("/{name}/push", "pushToRemote", "Send what a remote lacks of a branch, and move its branch there")
                .Needs(Caller.Actor).Audited("remote.pushed").Takes(Name, Branch).BodyMayBeMissing().Fails(404, 409, 502)
                .Bind(static fields => (Name: fields.Get(Name), Branch: fields.Get(Branch)))
                .Answers(Wire.Types.TransferAnswer),
            (request, actor, http) => endpoints.Carry(request, actor, pushes: true, http.RequestAborted));
        routes.Map(
            requests.Post("/{name}/fetch", "fetchFromRemote",
                "Bring what is missing of a remote's branch, as branch REMOTE/BRANCH of the history; merging it is another request")
                .Needs(Caller.Actor).Adds(Adding.Content).Audited("remote.fetched")
                .Takes(Name, Branch).BodyMayBeMissing().Fails(404, 409, 502)
                .Bind(static fields => (Name: fields.Get(Name), Branch: fields.Get(Branch)))
                .Answers(Wire.Types.TransferAnswer),
            (request, actor, http) => endpoints.Carry(request, actor, pushes: false, http.RequestAborted));
        routes.Map(
            requests.Delete("/{name}/branches", "removeRemoteBranch",
                "Remove a branch at a remote, and what is noted of it here; the commits stay where they are")
                .Needs(Caller.Actor).Audited("remote.branch_removed").Takes(Name, Gone).Fails(404, 409, 502)
                .Bind(static fields => (Name: fields.Get(Name), Branch: fields.Get(Gone)))
                .Answers(Wire.Types.RemoteBranchRemoved),
            (request, actor, http) => endpoints.RemoveBranch(request, actor, http.RequestAborted));
    }

    private static readonly Field<string> Gone = InQuery.Required("branch", "The branch", 50).Example("topic")
        .Must(static name => Names.IsBranch(name), "Invalid name");

    private async Task<RemoteView> Set((string Name, string Url, string? Tier, string? User, string? Password) remote, ProjectIdentity who)
    {
        var tier = Told(() =>
        {
            var parsed = Sovereignty.Parse(remote.Tier);
            access.MustAllow(RemoteAddress.Parse(remote.Url), parsed);
            return parsed;
        });
        return await Grain(who.ProjectId).Set(new(remote.Name, remote.Url, tier.ToString(), remote.User, remote.Password,
            who.AgentId is { } agent ? (await grains.GetGrain<IProjectGrain>(who.ProjectId).Agent(agent))?.Alias ?? "" : ""));
    }

    private async Task<TransferAnswer> Carry((string Name, string? Branch) request, Actor actor, bool pushes, CancellationToken ended)
    {
        var target = await Grain(actor.ProjectId).Target(request.Name) ?? throw NoRemote();
        var branch = request.Branch is { Length: > 0 } given ? given : "main";
        var project = new ProjectHistory(grains.GetGrain<IHistoryGrain>(actor.ProjectId),
            new(actor.Alias, actor.Id, actor.Agent.HumanName));
        try
        {
            var (site, tier) = Open(target);
            using var closing = site as IDisposable;
            var transfer = new Transfer(static _ => { }, time);
            ILocalHistory local = !tier.Changes() ? project
                : new SovereignSender(project, tier, Convert.FromHexString(await Grain(actor.ProjectId).PseudonymKey()), branch);
            var done = pushes ? await transfer.Push(local, site, branch, ended)
                : await transfer.Fetch(site, local, request.Name, branch, ended);
            return new(request.Name, branch, done.Commit?.ToString(), done.Packs, done.Skipped, done.Objects);
        }
        catch (RemoteException e)
        {
            throw Refusal(e);
        }
    }

    private async Task<RemoteBranchRemoved> RemoveBranch((string Name, string Branch) request, Actor actor, CancellationToken ended)
    {
        var target = await Grain(actor.ProjectId).Target(request.Name) ?? throw NoRemote();
        try
        {
            var (site, _) = Open(target);
            using var closing = site as IDisposable;
            var removed = await site.Remove(request.Branch, ended);
            var project = new ProjectHistory(grains.GetGrain<IHistoryGrain>(actor.ProjectId), Commits.By(actor));
            var forgotten = await project.Remove($"{request.Name}/{request.Branch}", ended);
            return removed || forgotten ? new(request.Name, request.Branch) : throw ApiException.NotFound("The remote has no such branch");
        }
        catch (RemoteException e)
        {
            throw Refusal(e);
        }
    }

    private (IHistorySite Site, SovereigntyTier Tier) Open(RemoteTarget target)
    {
        var tier = Sovereignty.Parse(target.Remote.Sovereignty);
        var address = RemoteAddress.Parse(target.Remote.Url);
        access.MustAllow(address, tier);
        return (access.Open(address, new(target.User, target.Password)), tier);
    }

    private IRemotesGrain Grain(string projectId) => grains.GetGrain<IRemotesGrain>(projectId);

    private static T Told<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (RemoteException e)
        {
            throw ApiException.Unprocessable(e.Message);
        }
    }

    private static ApiException Refusal(RemoteException e) => new(e.Kind switch
    {
        RemoteFault.NotForward or RemoteFault.Overtaken or RemoteFault.Refused => StatusCodes.Status409Conflict,
        RemoteFault.NotFound => StatusCodes.Status404NotFound,
        _ => StatusCodes.Status502BadGateway,
    }, e.Message);

    private static bool IsName(string name) => name.Length is > 0 and <= 40
        && name.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-') && name is not "pseudonyms";

    private static ApiException NoRemote() => ApiException.NotFound("Remote not found");
}

/// <summary>Where the server itself goes for its users: by the rules of all that it calls at addresses that others name.</summary>
internal sealed class RemoteAccess : IDisposable
{
    private readonly RemoteSettings _settings;
    private readonly SocketsHttpHandler _http;
    private readonly OutboundAddresses _addresses;

    public RemoteAccess(RemoteSettings settings)
    {
        _settings = settings;
        _addresses = new(settings.AllowPrivate, System.Net.Dns.GetHostAddressesAsync);
        _http = new()
        {
            AllowAutoRedirect = false, UseProxy = false, UseCookies = false, ConnectCallback = _addresses.Connect,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1), MaxConnectionsPerServer = 8, MaxResponseHeadersLength = 16,
        };
    }

    /// <summary>Refuses addresses to which this server does not go, and tiers that do not allow them.</summary>
    /// <exception cref="RemoteException">It is one.</exception>
    public void MustAllow(RemoteAddress address, SovereigntyTier tier)
    {
        tier.MustAllow(address, _settings.Hosts);
        if (address.Kind == RemoteKind.Folder)
        {
            if (_settings.Directory is not { } root || !IsBelow(Path.GetFullPath(root), address.Name))
                throw new RemoteException("this server keeps remotes in no folder but those below its BEADHUB_REMOTES_DIR; from your own "
                    + "machine push by the command line");
        }
        else if (address.Endpoint is { } endpoint && _addresses.Problem(endpoint.ToString(), out _) is { } problem)
        {
            throw new RemoteException($"this server does not go there: {problem}");
        }
    }

    public IHistorySite Open(RemoteAddress address, RemoteCredentials credentials) => RemoteSites.Open(address, credentials, _http);

    public void Dispose() => _http.Dispose();

    /// <summary>Whether a folder is below another one, without links on the way that would lead elsewhere.</summary>
    private static bool IsBelow(string root, string folder)
    {
        var path = Path.GetFullPath(folder);
        if (!path.StartsWith(root.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            return false;
        for (var part = path; part is not null && part.Length > root.Length; part = Path.GetDirectoryName(part))
            if (new FileInfo(part).LinkTarget is not null || new DirectoryInfo(part).LinkTarget is not null) return false;
        return true;
    }
}

/// <summary>What an operator says about remotes.</summary>
/// <param name="Directory">Folder below which remotes may be; null for none.</param>
/// <param name="Hosts">Hosts that remotes of tier T2 may be at.</param>
/// <param name="AllowPrivate">Whether remotes may be at private addresses.</param>
public sealed record RemoteSettings(string? Directory, ImmutableArray<string> Hosts, bool AllowPrivate)
{
    /// <summary>No folder, no hosts, no private addresses.</summary>
    public static RemoteSettings None { get; } = new(null, [], false);
}

/// <summary>A remote was removed.</summary>
internal sealed record RemoteRemovedAnswer(string Removed);

/// <summary>A branch was removed at a remote.</summary>
internal sealed record RemoteBranchRemoved(string Remote, string Removed);

/// <summary>A key, in hexadecimal digits.</summary>
internal sealed record PseudonymKeyAnswer(string Key);

/// <summary>What a push or a fetch did: the branch's commit there, packs sent, packs that were there already, objects.</summary>
internal sealed record TransferAnswer(string Remote, string Branch, string? Commit, int Packs, int Skipped, int Objects);
