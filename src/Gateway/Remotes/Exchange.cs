using System.Collections.Immutable;
using System.Globalization;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.History;
using Orleans;

namespace Beadhub.Gateway.Remotes;

/// <summary>
/// <c>/v1/beads/exchange</c>: objects of the history, to and from other sites and the command line. The client's side is
/// <see cref="Beadhub.Remotes.HubHistory"/>.
/// </summary>
internal sealed class Exchange(IGrainFactory grains)
{
    private const int MostHashes = 2000;
    private const int MostObjects = 100_000;
    private const int PageCharacters = 1024 * 1024;
    private const int AncestorsOfPage = 200;

    private static readonly Field<List<string>> Commits = InBody.RequiredTexts("commits", "Commits' ids", MostHashes);
    private static readonly Field<List<string>> Objects = InBody.RequiredTexts("hashes", "Objects' names", MostHashes);
    private static readonly Field<string> Commit = HashField("commit", "A commit's id");
    private static readonly Field<List<string>> Known = InBody.Texts("known", "Ids of commits that the other site has", MostHashes);
    private static readonly Field<string?> PageAfter = InBody.Optional("after", "Where the page begins: next of the page before", max: 40);
    private static readonly Field<int> Skip =
        InBody.IntegerOr("after", "Where the page begins: next of the page before", 0, 0, int.MaxValue);
    private static readonly Field<List<string>> Texts =
        InBody.RequiredTexts("objects", "Objects' texts: lines and chunks before the commits that name them", MostObjects);
    private static readonly Field<string> Branch = BranchField("branch", "Branch of the history");
    private static readonly Field<string> Remote = BranchField("remote", "What the remote is called here");
    private static readonly Field<string?> Expected =
        InBody.Optional("expected", "Commit at which the branch was seen; absent when there was none")
            .Must(static text => text is not { Length: > 0 } || IsHash(text), "Must be 64 hexadecimal digits");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Exchange>();
        var requests = new RequestGroup("/v1/beads/exchange", "remotes", "Histories of other sites: push, fetch, pull");
        routes.Map(
            requests.Get("", "getHeads", "The project, and the newest commit of each branch of its history").Needs(Caller.Actor)
                .Answers(Wire.Types.ExchangeHeads),
            endpoints.Heads);
        routes.Map(
            requests.Post("/known", "knownCommits", "Which of these commits are here whole").Needs(Caller.Actor)
                .TakesOnly(Commits).Bind(static fields => fields.Get(Commits))
                .Answers(Wire.Types.ExchangeHashes),
            async (commits, actor) => new([.. (await endpoints.Project(actor).Known([.. commits.Select(Hash)], default))
                .Select(static commit => commit.ToString())]));
        routes.Map(
            requests.Post("/ancestors", "commitAncestors", "A commit and those before it, newest first").Needs(Caller.Actor)
                .TakesOnly(Commit, Skip).Bind(static fields => (Commit: fields.Get(Commit), After: fields.Get(Skip)))
                .Answers(Wire.Types.ExchangeCommits),
            endpoints.Ancestors);
        routes.Map(
            requests.Post("/missing", "missingObjects", "What a site lacks beside the commits that it has").Needs(Caller.Actor)
                .TakesOnly(Commit, Known, PageAfter)
                .Bind(static fields => (Commit: fields.Get(Commit), Known: fields.Get(Known), After: fields.Get(PageAfter)))
                .Answers(Wire.Types.ExchangePage),
            endpoints.Missing);
        routes.Map(
            requests.Post("/absent", "absentObjects", "Which of these objects are not here as such").Needs(Caller.Actor)
                .TakesOnly(Objects).Bind(static fields => fields.Get(Objects))
                .Answers(Wire.Types.ExchangeHashes),
            endpoints.Absent);
        routes.Map(
            requests.Post("/objects", "receiveObjects", "Take objects in, each checked; below no branch as yet").Needs(Caller.Actor)
                .Adds(Adding.Content).TakesOnly(Texts).Fails(409).Bind(static fields => fields.Get(Texts))
                .Answers(Wire.Types.ExchangeTaken),
            endpoints.Receive);
        routes.Map(
            requests.Post("/move", "moveBranch",
                "Move a branch forward, when it is where it was seen; main takes what stands along, when all of that is committed")
                .Needs(Caller.Actor).Audited("history.pushed").TakesOnly(Branch, Commit, Expected).Fails(404, 409)
                .Bind(static fields => (Branch: fields.Get(Branch), Commit: fields.Get(Commit), Expected: fields.Get(Expected)))
                .Answers(Wire.Types.ExchangeMoved),
            endpoints.Move);
        routes.Map(
            requests.Post("/remove", "removeBranch", "Take a branch other than main away; its commits stay")
                .Needs(Caller.Actor).Audited("history.branch_removed").TakesOnly(Branch).Fails(409)
                .Bind(static fields => fields.Get(Branch))
                .Answers(Wire.Types.ExchangeRemoved),
            async (branch, actor) => new(branch, await endpoints.Project(actor).Remove(branch, default)));
        routes.Map(
            requests.Post("/track", "trackRemote", "Note where a remote's branch is, as branch REMOTE/BRANCH of the history")
                .Needs(Caller.Actor).TakesOnly(Remote, Branch, Commit).Fails(404, 409)
                .Bind(static fields => (Remote: fields.Get(Remote), Branch: fields.Get(Branch), Commit: fields.Get(Commit)))
                .Answers(Wire.Types.ExchangeTracked),
            endpoints.Track);
    }

    private async Task<ExchangeHeads> Heads(Actor actor) => new(actor.ProjectSlug,
        [.. (await Project(actor).Heads(default)).Select(static head => new ExchangeBranch(head.Key, head.Value.ToString()))]);

    private async Task<ExchangeCommits> Ancestors((string Commit, int After) query, Actor actor)
    {
        var page = await History(actor).Commits(new(query.Commit, AncestorsOfPage, query.After));
        return new([.. page.Commits.Select(static commit => commit.Id.ToString())],
            page.HasMore ? query.After + page.Commits.Length : null);
    }

    /// <summary>A commit may bring more than a page holds: a page begins at an object of a commit.</summary>
    private async Task<ExchangePage> Missing((string Commit, List<string> Known, string? After) query, Actor actor)
    {
        var (commit, first) = query.After?.Split('.') is [var one, var two]
            && int.TryParse(one, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && int.TryParse(two, NumberStyles.None, CultureInfo.InvariantCulture, out var skip)
            ? (at, skip) : query.After is null or "" ? (0, 0) : throw ApiException.Unprocessable("Invalid after");
        var page = await History(actor).Missing(new([Hash(query.Commit)], [.. query.Known.Select(Hash)], commit, PageCharacters, first));
        return new([.. page.Objects.Select(static found => found.Text)], page.Next is { } next ? $"{next}.{page.NextSkip}" : null);
    }

    private async Task<ExchangeHashes> Absent(List<string> hashes, Actor actor)
    {
        var here = (await History(actor).Objects([.. hashes.Select(Hash)])).Select(static found => found.Id).ToHashSet();
        return new([.. hashes.Where(text => !here.Contains(Hash(text)))]);
    }

    private async Task<ExchangeTaken> Receive(List<string> texts, Actor actor)
    {
        await History(actor).Receive([.. texts.Select(static text => new HistoryObject(ObjectHash.Of(text), text))]);
        return new(texts.Count);
    }

    private async Task<ExchangeMoved> Move((string Branch, string Commit, string? Expected) move, Actor actor) =>
        new(await Project(actor).Move(new(move.Branch, move.Expected is { Length: > 0 } seen ? Hash(seen) : null, Hash(move.Commit), []),
            default) switch
        {
            Beadhub.Remotes.MoveOutcome.Moved => "moved",
            Beadhub.Remotes.MoveOutcome.NotForward => "not_forward",
            _ => "overtaken",
        });

    private async Task<ExchangeTracked> Track((string Remote, string Branch, string Commit) track, Actor actor)
    {
        await Project(actor).Track(track.Remote, track.Branch, Hash(track.Commit), default);
        return new($"{track.Remote}/{track.Branch}");
    }

    private IHistoryGrain History(Actor actor) => grains.GetGrain<IHistoryGrain>(actor.ProjectId);

    private ProjectHistory Project(Actor actor) =>
        new(History(actor), new(actor.Alias, actor.Id, actor.Agent.HumanName));

    private static bool IsHash(string text) => ObjectHash.TryParse(text, out _);

    private static ObjectHash Hash(string text) => ObjectHash.TryParse(text, out var hash) ? hash : default;

    private static Field<string> HashField(string name, string description) =>
        InBody.Required(name, description, ObjectHash.Digits, ObjectHash.Digits).Must(IsHash, "Must be 64 hexadecimal digits")
            .Example(new string('0', ObjectHash.Digits));

    private static Field<string> BranchField(string name, string description) =>
        InBody.Required(name, description, 1, 50).Example("main").Must(static name => Names.IsBranch(name), "Invalid name");
}

/// <summary>A project and the branches of its history.</summary>
internal sealed record ExchangeHeads(string ProjectSlug, ImmutableArray<ExchangeBranch> Branches);

/// <summary>A branch of the history.</summary>
internal sealed record ExchangeBranch(string Name, string Commit);

/// <summary>Names of objects.</summary>
internal sealed record ExchangeHashes(ImmutableArray<string> Hashes);

/// <summary>Commits, and where the next page begins.</summary>
internal sealed record ExchangeCommits(ImmutableArray<string> Commits, int? Next);

/// <summary>Objects' texts, and where the next page begins.</summary>
internal sealed record ExchangePage(ImmutableArray<string> Objects, string? Next);

/// <summary>How many objects were taken in.</summary>
internal sealed record ExchangeTaken(int Taken);

/// <summary>How a branch's move ended: moved, overtaken or not_forward.</summary>
internal sealed record ExchangeMoved(string Outcome);

/// <summary>Whether there was a branch to be removed.</summary>
internal sealed record ExchangeRemoved(string Branch, bool Removed);

/// <summary>The branch under which a remote's is noted.</summary>
internal sealed record ExchangeTracked(string Branch);
