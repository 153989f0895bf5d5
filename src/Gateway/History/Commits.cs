using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.History;
using Orleans;

namespace Beadhub.Gateway.History;

/// <summary><c>/v1/beads</c>: commits, what differs between them, tags and branches.</summary>
internal sealed class Commits(IGrainFactory grains)
{
    private const string Working = "WORKING";
    private const int MaxName = 200;

    /// <summary>What names a version.</summary>
    public const string Versions =
        "a commit's id or its beginning, a tag, a branch of the history, a time, HEAD, HEAD~n";

    private static readonly Field<string> Message = InBody.RequiredProse("message", "What for", 1, CommitObject.MaxMessage)
        .Example("before the big renaming");
    private static readonly Field<string?> On = InBody.Optional("on",
        "Commit lines onto this branch of the history instead of what stands; it begins at HEAD when it is new", max: MaxName);
    private static readonly Field<string?> Repo = InBody.Optional("repo", "With on: canonical origin of the lines", max: 255)
        .Example("github.com/org/repo")
        .Must(static repo => repo is not { Length: > 0 } || Names.IsCanonicalOrigin(repo),
            "Invalid repo: must be a canonical origin such as github.com/org/repo");
    private static readonly Field<string?> Branch = InBody.Optional("branch", "With on: branch of the repository; main unless given",
        max: 255).Must(static branch => branch is not { Length: > 0 } || Names.IsBranch(branch), "Invalid branch name");
    private static readonly Field<ImmutableArray<byte>> Lines =
        InBody.Utf8("issues_jsonl", "With on: issues that are added or replaced, one a line", Beads.MaxText);
    private static readonly Field<List<string>> Deleted = InBody.Texts("deleted_ids", "With on: ids of issues that are gone", 10_000);

    private static readonly Field<string?> Start = InQuery.Filter("from", $"Version from which to go back, HEAD unless given: {Versions}",
        MaxName);
    private static readonly Field<int> Limit = InQuery.Limit(50, 200);
    private static readonly Field<Place?> LogCursor = InQuery.Cursor(static cursor => cursor.Text("from") is { } from
        && cursor.TryGetProperty("skip", out var skip) && skip.ValueKind == JsonValueKind.Number && skip.TryGetInt32(out var count)
        && count >= 0 ? new Place(from, count) : throw Cursor.Invalid("incomplete"));
    private static readonly Field<string> Version = InPath.Text("version", $"The version: {Versions}");

    private static readonly Field<string> From = InQuery.Required("from", $"The one version: {Versions}, or WORKING for what stands",
        MaxName).Example("HEAD~1");
    private static readonly Field<string?> To = InQuery.Filter("to", "The other, named in the same way; WORKING unless given", MaxName);
    private static readonly Field<string?> OnlyBead = InQuery.Filter("bead_id", "Only this bead", 100);
    private static readonly Field<string?> DiffCursor = InQuery.Cursor(static cursor => cursor.Text("after"));

    private static readonly Field<string> Name = InBody.Required("name", "Its name", 1, 100).Example("v1.0");
    private static readonly Field<string?> At = InBody.Optional("at", $"The version, HEAD unless given: {Versions}", max: MaxName);
    private static readonly Field<string?> Why = InBody.Prose("message", "What for", 4096);
    private static readonly Field<bool> Moves = InBody.Flag("move", "Whether a branch that is there already may move");
    private static readonly Field<string> Named = InQuery.Required("name", "Its name", 100).Example("v1.0");

    private static readonly Field<string?> Mode = InBody.RequiredWord("commit_mode",
        "manual: a commit when somebody asks for one; command: one after each sync or upload that changed something",
        CommitModes.Manual, CommitModes.Command);

    private sealed record Place(string From, int Skip);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Commits>();
        var requests = new RequestGroup("/v1/beads", "history", "Commits of all beads: compare, restore, merge");
        var member = Caller.Member("read the history");
        routes.Map(
            requests.Get("/history", "getHistory", "What the history stands at").Needs(member).Answers(Wire.Types.HistoryAnswer),
            async who => HistoryAnswer.Of(await endpoints.History(who).Status()));
        routes.Map(
            requests.Patch("/history", "setCommitMode", "Choose when commits are made").Needs(Caller.Lead).Audited("history.commit_mode")
                .TakesOnly(Mode)
                .Bind(static fields => fields.Get(Mode) ?? CommitModes.Manual)
                .Answers(Wire.Types.HistoryAnswer),
            endpoints.SetMode);
        routes.Map(
            requests.Post("/commits", "commitBeads", "Commit what stands, or lines onto another branch of the history")
                .Needs(Caller.Actor).Adds(Adding.Content)
                .TakesOnly(Message, On, Repo, Branch, Lines, Deleted).Fails(409)
                .Bind(static fields =>
                {
                    var (message, on, repo) = (fields.Get(Message), fields.Get(On), fields.Get(Repo));
                    var (branch, lines, deleted) = (fields.Get(Branch), fields.Get(Lines), fields.Get(Deleted));
                    if (on is not { Length: > 0 }) return (Message: message, Lines: default(CommittedLines?));
                    if (repo is not { Length: > 0 }) fields.Fail(Repo, "repo is needed with on");
                    return (Message: message, Lines: new(on, repo ?? "", branch is { Length: > 0 } ? branch : "main", lines,
                        [.. deleted]));
                })
                .Answers(Wire.Types.CommitAnswer),
            endpoints.Commit);
        routes.Map(
            requests.Get("/commits", "listCommits", "Commits, newest first").Needs(member)
                .Takes(Start, Limit, LogCursor)
                .Bind(static fields => fields.Get(Start) is var start && fields.Get(Limit) is var limit
                    && fields.Get(LogCursor) is { } place ? new LogQuery(place.From, limit, place.Skip)
                    : new LogQuery(start ?? "HEAD", limit, 0))
                .Answers(Wire.Types.CommitList),
            endpoints.List);
        routes.Map(
            requests.Get("/commits/{version}", "getCommit", "One commit").Needs(member)
                .Takes(Version)
                .Bind(static fields => fields.Get(Version))
                .Answers(Wire.Types.CommitView),
            (version, who) => endpoints.History(who).Show(version).AsTask());
        routes.Map(
            requests.Get("/diff", "diffBeads", "What differs between two versions, bead by bead and field by field").Needs(member)
                .Takes(From, To, OnlyBead, Limit, DiffCursor).Fails(409)
                .Bind(Diffs)
                .Answers(Wire.Types.DiffAnswer),
            async (query, who) => DiffAnswer.Of(await endpoints.History(who).Diff(query)));
        routes.Map(
            requests.Get("/diff/text", "diffBeadsAsText", "The same as text, for people").Needs(member)
                .Takes(From, To, OnlyBead, Limit, DiffCursor).Fails(409)
                .Bind(Diffs)
                .AnswersWith<DiffText>(typeof(string), "text/plain"),
            async (query, who) => new DiffText(await endpoints.History(who).Diff(query)));
        foreach (var tags in (bool[])[true, false])
        {
            var (one, many, path) = tags ? ("Tag", "Tags", "/tags") : ("Branch", "Branches", "/branches");
            routes.Map(
                requests.Get(path, $"listHistory{many}", tags ? "Tags, by name" : "Branches of the history, by name").Needs(member)
                    .Answers(Wire.Types.HistoryRefs),
                who => endpoints.History(who).Refs(tags).AsTask());
            routes.Map(
                requests.Post(path, $"setHistory{one}", tags ? "Tag a commit" : "Make or move a branch of the history")
                    .Needs(Caller.Actor)
                    .TakesOnly(tags ? new Field[] { Name, At, Why } : [Name, At, Moves]).Fails(409)
                    .Bind(fields => (Name: fields.Get(Name), At: fields.Get(At), Message: tags ? fields.Get(Why) : null,
                        Moves: !tags && fields.Get(Moves)))
                    .Answers(Wire.Types.HistoryRef),
                (request, actor) => endpoints.History(actor.Who).SetRef(new(By(actor), tags, request.Name,
                    request.At is { Length: > 0 } at ? at : "HEAD", request.Message ?? "", request.Moves)));
            routes.Map(
                requests.Delete(path, $"deleteHistory{one}", tags ? "Delete a tag" : "Delete a branch of the history").Needs(Caller.Actor)
                    .Takes(Named).Fails(409)
                    .Bind(static fields => fields.Get(Named))
                    .Answers(Wire.Types.HistoryRef),
                (name, actor) => endpoints.History(actor.Who).SetRef(new(By(actor), tags, name, null)));
        }
    }

    /// <summary>Who changes the history.</summary>
    public static HistoryAuthor By(Actor actor) => new(actor.Alias, actor.Id, actor.Agent.HumanName);

    /// <summary>
    /// After something has changed issues: commits that when the project wants it so. What is stored is stored: a commit that cannot be
    /// made now is made with the next.
    /// </summary>
    public static async ValueTask AfterWrite(IGrainFactory grains, string projectId, HistoryAuthor by, string message)
    {
        try
        {
            await grains.GetGrain<IHistoryGrain>(projectId).AfterWrite(new(by, message));
        }
        catch (UnavailableException)
        {
        }
    }

    private static DiffQuery Diffs(RequestFields fields) => new(fields.Get(From), fields.Get(To) ?? Working, Limit: fields.Get(Limit),
        BeadId: fields.Get(OnlyBead), After: fields.Get(DiffCursor));

    private async Task<HistoryAnswer> SetMode(string mode, ProjectIdentity who)
    {
        await History(who).SetMode(mode, who.Standing.Agent?.Alias ?? "");
        return HistoryAnswer.Of(await History(who).Status());
    }

    private async Task<CommitAnswer> Commit((string Message, CommittedLines? Lines) request, Actor actor)
    {
        var made = await History(actor.Who).Commit(new(By(actor), request.Message, request.Lines));
        return new(made is not null, made);
    }

    private async Task<CommitList> List(LogQuery query, ProjectIdentity who)
    {
        var page = await History(who).Commits(query);
        return new(page.Commits, page.HasMore, page.HasMore ? Cursor.Encode(cursor =>
        {
            cursor.WriteString("from", page.From!.Value.ToString());
            cursor.WriteNumber("skip", query.Skip + page.Commits.Length);
        }) : null);
    }

    private IHistoryGrain History(ProjectIdentity who) => grains.GetGrain<IHistoryGrain>(who.ProjectId);
}

/// <summary>What the history stands at.</summary>
internal sealed record HistoryAnswer(string CommitMode, ObjectHash? Head, int Commits, bool Merging)
{
    public static HistoryAnswer Of(HistoryStatus status) => new(status.Mode, status.Head, status.Commits, status.IsMerging);
}

/// <summary>Whether there was anything to commit, and the commit.</summary>
internal sealed record CommitAnswer(bool Committed, CommitView? Commit);

/// <summary>A page of commits.</summary>
internal sealed record CommitList(ImmutableArray<CommitView> Commits, bool HasMore, string? NextCursor);

/// <summary>What differs between two versions.</summary>
internal sealed record DiffAnswer(ObjectHash? From, ObjectHash? To, ImmutableArray<DifferingBead> Beads, int Total, bool HasMore,
    string? NextCursor)
{
    public static DiffAnswer Of(DiffPage page) => new(page.From, page.To,
        [.. page.Beads.Select(static bead => new DifferingBead(bead.BeadId, bead.Repo, bead.Branch, bead.Change, bead.Title,
            [.. bead.Fields.Select(ChangedField.Of)]))],
        page.Total, page.Next is not null, NextOf(page));

    /// <summary>Where the next page begins; null when there is none.</summary>
    public static string? NextOf(DiffPage page) =>
        page.Next is { } next ? Cursor.Encode(cursor => cursor.WriteString("after", next)) : null;
}

/// <summary>A bead in which two versions differ.</summary>
internal sealed record DifferingBead(string BeadId, string Repo, string Branch, string Change, string? Title,
    ImmutableArray<ChangedField> Fields);

/// <summary>A field that differs; null where there is none.</summary>
internal sealed record ChangedField(string Field, JsonElement? Old, JsonElement? New)
{
    public static ChangedField Of(FieldChange change) => new(change.Field, Json(change.Old), Json(change.New));

    /// <summary>JSON as it stands in a line.</summary>
    public static JsonElement? Json(string? text)
    {
        if (text is null) return null;
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}

/// <summary>A difference as text: a paragraph for each bead, a line for each value that went or came.</summary>
internal sealed class DiffText(DiffPage page) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.ContentType = "text/plain; charset=utf-8";
        return httpContext.Response.WriteAsync(Text(), httpContext.RequestAborted);
    }

    private string Text()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{page.From?.ToString() ?? "WORKING"}..{page.To?.ToString() ?? "WORKING"}")
            .Append(CultureInfo.InvariantCulture, $": {page.Total} bead{(page.Total == 1 ? "" : "s")}\n");
        foreach (var bead in page.Beads)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{bead.Change} {bead.BeadId}  {bead.Repo} {bead.Branch}  {bead.Title}\n");
            foreach (var field in bead.Fields)
            {
                if (field.Old is { } old) text.Append(CultureInfo.InvariantCulture, $"- {field.Field}: {old}\n");
                if (field.New is { } becomes) text.Append(CultureInfo.InvariantCulture, $"+ {field.Field}: {becomes}\n");
            }
        }

        if (DiffAnswer.NextOf(page) is { } next) text.Append(CultureInfo.InvariantCulture, $"\nmore: cursor={next}\n");
        return text.ToString();
    }
}
