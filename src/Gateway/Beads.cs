using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Beads;
using Beadhub.Boards;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.History;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/beads</c>: issues that clients push (contract 7).</summary>
internal sealed class Beads(IGrainFactory grains)
{
    /// <summary>Longest JSONL text, in characters.</summary>
    public const int MaxText = 10 * 1024 * 1024;

    private const int MaxIssues = 10_000;
    private const string Main = "main";

    public static readonly string[] KnownTypes = ["bug", "chore", "epic", "feature", "task"];
    private static readonly string[] KnownStatuses = ["open", "in_progress", "closed"];
    private static readonly FrozenSet<string> ContractFields = Wire.Types.Issue.Properties.Where(property => !property.IsExtensionData)
        .Select(property => property.Name).ToFrozenSet();

    private static readonly Field<string> PushedRepo = InBody.Required("repo", "Canonical origin", 1, 255).Example("github.com/org/repo")
        .Must(static repo => Names.IsCanonicalOrigin(repo), "Invalid repository: must be a canonical origin such as github.com/org/repo");
    private static readonly Field<string> PushedBranch = InBody.Optional("branch", "Branch; main unless given").BeforeCaller(OrMain);
    private static readonly Field<ImmutableArray<byte>> PushedIssues =
        InBody.ObjectLines("issues", "Issues, as bd writes them", MaxIssues, static () =>
        throw new ApiException(StatusCodes.Status400BadRequest, $"Too many issues: exceeds limit of {MaxIssues}"));

    private static readonly Field<string> OfRepo = InQuery.Required("repo", "Canonical origin", 255).Example("github.com/org/repo")
        .BeforeCaller(MustBeOrigin);
    private static readonly Field<string> TextBranch = InQuery.Text("branch", "Branch; main unless given").BeforeCaller(OrMain);
    private static readonly Field<ImmutableArray<byte>> Text = InBody.WholeText("Issues as JSONL: one JSON object a line", MaxText);
    private static readonly Field<string> OfBranch = InQuery.Text("branch", "Branch; main unless given", 255).BeforeCaller(OrMain);

    private static readonly Field<string?> OnlyBead = InQuery.Filter("bead_id", "Only this bead");

    private static readonly Field<string?> AsOf = InQuery.Filter("as_of", $"As it was at a version: {History.Commits.Versions}", 200);

    private static readonly Field<string> BeadId = InPath.Text("beadId", "Id of the bead").Example("bd-1")
        .AfterCaller(static id => Names.IsBeadId(id) ? id : throw ApiException.NotFound("Issue not found"));

    private static readonly Field<string?> ExactRepo = InQuery.Text("repo", "Canonical origin", 255)
        .AfterCaller(static repo => repo is null ? null : MustBeOrigin(repo));
    private static readonly Field<string?> ExactBranch = InQuery.Text("branch", "Branch", 255)
        .AfterCaller(static branch => branch is null ? null : MustBeBranch(branch));
    private static readonly Field<string?> Repo = InQuery.Filter("repo", "Canonical origin", 255)
        .AfterCaller(static repo => repo is null ? null : MustBeOrigin(repo));
    private static readonly Field<string?> Branch = InQuery.Filter("branch", "Branch", 255)
        .AfterCaller(static branch => branch is null ? null : MustBeBranch(branch));
    private static readonly Field<string?> Status = InQuery.Text("status", "open, in_progress or closed; several with commas")
        .AfterCaller(ReadStatuses);
    private static readonly Field<string?> Assignee = InQuery.Filter("assignee", "Assignee");
    private static readonly Field<string?> CreatedBy = InQuery.Filter("created_by", "Who created it", 255);
    private static readonly Field<string?> Label = InQuery.Filter("label", "Label");
    private static readonly Field<string?> Type = InQuery.Filter("type", "Issue type").Among(KnownTypes).AfterCaller(static type =>
        type is null || KnownTypes.Contains(type)
            ? type
            : throw ApiException.Unprocessable($"Invalid issue type: {type}. Must be one of: {string.Join(", ", KnownTypes)}"));
    private static readonly Field<string?> Search = InQuery.Filter("q", "Beginning of a bead id, or part of a title", 255);
    private static readonly Field<int> Limit = InQuery.Limit(50, 200);
    private static readonly Field<IssueCursor?> After = InQuery.Cursor(ReadCursor);

    private static readonly Field<string> ReadyFor = InQuery.Required("workspace_id", "Your workspace", min: 0).BeforeCaller(static text =>
        CommonFields.WorkspaceIdOrNull(text) ?? throw ApiException.Unprocessable("workspace_id cannot be empty"));
    private static readonly Field<string?> ReadyRepo = InQuery.Filter("repo", "Canonical origin, such as github.com/org/repo", 255)
        .BeforeCaller(static repo => repo is null ? null : MustBeOrigin(repo));
    private static readonly Field<string?> ReadyBranch = InQuery.Filter("branch", "Branch", 255)
        .BeforeCaller(static branch => branch is null ? null : MustBeBranch(branch));
    private static readonly Field<int> ReadyLimit = InQuery.Integer("limit", "How many; 10 unless given", 10, 1, int.MaxValue);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Beads>();
        var requests = new RequestGroup("/v1/beads", "beads", "Issues that clients push");
        routes.Map(
            requests.Post("/upload", "uploadIssues", "Store issues sent as a JSON array").Needs(Caller.Project).Adds(Adding.Content)
                .Takes(PushedRepo, PushedBranch, PushedIssues)
                .Bind(static fields => new Upload(fields.Get(PushedRepo), fields.Get(PushedBranch), fields.Get(PushedIssues)))
                .Answers(Wire.Types.UploadAnswer),
            endpoints.Store);
        routes.Map(
            requests.Post("/upload-jsonl", "uploadIssueLines", "Store issues sent as JSONL text").Needs(Caller.Project).Adds(Adding.Content)
                .Takes(OfRepo, TextBranch, Text)
                .Bind(static fields => new Upload(fields.Get(OfRepo), fields.Get(TextBranch), fields.Get(Text)))
                .Answers(Wire.Types.UploadAnswer),
            endpoints.Store);
        routes.Map(
            requests.Get("/issues", "listIssues", "Issues, last updated first").Needs(Caller.Reader)
                .Takes(Repo, Branch, Status, Assignee, CreatedBy, Label, Type, Search, Limit, After, AsOf)
                .Bind(static fields => (Query: new IssueQuery(
                    fields.Get(Repo), fields.Get(Branch), fields.Get(Status), fields.Get(Assignee), fields.Get(CreatedBy),
                    fields.Get(Label),
                    fields.Get(Type), fields.Get(Search), fields.Get(Limit), fields.Get(After)), AsOf: fields.Get(AsOf)))
                .AnswersCached<IssuePage, IssueList>(Wire.Types.IssueList, IssueList.Of),
            async (request, who) => await endpoints.Board(who).Issues(request.AsOf is { } version
                ? request.Query with { AsOf = await endpoints.RootOf(version, who) } : request.Query));
        routes.Map(
            requests.Get("/issues/{beadId}", "getIssue", "One issue").Needs(Caller.Reader)
                .Takes(BeadId, ExactRepo, ExactBranch, AsOf)
                .Bind(static fields => (Repo: fields.Get(ExactRepo), Branch: fields.Get(ExactBranch), BeadId: fields.Get(BeadId),
                    AsOf: fields.Get(AsOf)))
                .Answers(Wire.Types.Issue),
            endpoints.Get);
        routes.Map(
            requests.Get("/export-jsonl", "exportIssues", "All issues of a repository and branch as they were received, one a line, by id")
                .Needs(Caller.Member("export issues"))
                .Takes(OfRepo, OfBranch, OnlyBead, AsOf)
                .Bind(static fields => (Repo: fields.Get(OfRepo), Branch: fields.Get(OfBranch), BeadId: fields.Get(OnlyBead),
                    AsOf: fields.Get(AsOf)))
                .AnswersWith<JsonLines>(typeof(string), JsonLines.Type),
            endpoints.Export);
        routes.Map(
            requests.Get("/ready", "listReadyIssues", "Open issues whose blockers are all closed").Needs(Caller.Reader)
                .Takes(ReadyFor, ReadyRepo, ReadyBranch, ReadyLimit, AsOf)
                .Bind(static fields =>
                {
                    fields.Get(ReadyFor);
                    return (Query: new ReadyQuery(fields.Get(ReadyRepo), fields.Get(ReadyBranch), fields.Get(ReadyLimit)),
                        AsOf: fields.Get(AsOf));
                })
                .AnswersCached<ReadyList, ReadyIssues>(Wire.Types.ReadyIssues, ReadyIssues.Of),
            async (request, who) => await endpoints.Board(who).Ready(request.AsOf is { } version
                ? request.Query with { AsOf = await endpoints.RootOf(version, who) } : request.Query));
    }

    private async Task<UploadAnswer> Store(Upload upload, ProjectIdentity who)
    {
        var alias = who.AgentId is null ? null : (await grains.GetGrain<IProjectGrain>(who.ProjectId).Agent(who.AgentId))?.Alias;
        var stored = await Board(who).Sync(new(who.AgentId, alias ?? "", "", upload.Repo, upload.Branch, upload.Issues, [], false, null));
        if (stored.Added > 0 || stored.Updated > stored.Unchanged)
            await History.Commits.AfterWrite(grains, who.ProjectId, new(alias ?? "", who.AgentId),
                $"upload {upload.Repo} {upload.Branch}");
        return new(
            stored.NotificationsFailed > 0 ? "completed_with_errors" : "completed", upload.Repo, upload.Branch, stored.Received,
            stored.Added, stored.Updated,
            stored.Conflicts, stored.Conflicts.Length, stored.NotificationsSent, stored.NotificationsFailed, stored.SyncedAt,
            stored.Unchanged);
    }

    private async Task<Issue> Get((string? Repo, string? Branch, string BeadId, string? AsOf) name, ProjectIdentity who)
    {
        return await Board(who).Issue(new(name.BeadId, name.Repo, name.Branch, AsOf: await RootOf(name.AsOf, who))) is { } issue
            ? Whole(who, issue) : throw ApiException.NotFound("Issue not found");
    }

    /// <summary>An issue whole, as a reader may see it.</summary>
    public static Issue Whole(ProjectIdentity who, IssueText issue)
    {
        var record = issue.Record;
        return new(new(record.BeadId, record.Repo, record.Branch, record.Title, record.Status, record.Priority, record.Type,
            record.Assignee, record.CreatedBy, Labels(record.Labels), record.BlockedBy, record.Parent, record.CreatedAt, record.UpdatedAt),
            who.ProjectId, record.Description)
        {
            // What else clients write may name people: readers of a public project see what the contract names (1.7, 7.7).
            Further = who.Mode == AuthMode.PublicReader ? null : Further(issue.Line),
        };
    }

    private async Task<JsonLines> Export((string Repo, string Branch, string? BeadId, string? AsOf) of, ProjectIdentity who)
    {
        var root = await RootOf(of.AsOf, who);
        if (of.BeadId is not null)
        {
            var issue = await Board(who).Issue(new(of.BeadId, of.Repo, of.Branch, AsOf: root));
            return new(new(issue is null ? [] : [.. Encoding.UTF8.GetBytes(issue.Line), (byte)'\n'], null), _ => default);
        }

        var first = await Board(who).Export(new(of.Repo, of.Branch, null, root));
        return new(first, after => Board(who).Export(new(of.Repo, of.Branch, after, root)));
    }

    /// <summary>Root of a version's tree; null for what stands.</summary>
    private async ValueTask<ObjectHash?> RootOf(string? version, ProjectIdentity who) =>
        version is null ? null : await grains.GetGrain<IHistoryGrain>(who.ProjectId).Resolve(version);

    private IBoardGrain Board(ProjectIdentity who) => grains.GetGrain<IBoardGrain>(who.ProjectId);

    /// <summary>
    /// The fields of a line that the contract's answer does not name, each with its own JSON. Of a name that stands twice the last
    /// counts, as it
    /// did when the line was read.
    /// </summary>
    private static Dictionary<string, JsonElement> Further(string line)
    {
        using var document = JsonDocument.Parse(line);
        var further = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var field in document.RootElement.EnumerateObject())
            if (!ContractFields.Contains(field.Name)) further[field.Name] = field.Value.Clone();
        return further;
    }

    /// <summary>An issue as lists show it.</summary>
    public static ListedIssue Listed(IssueRow issue) => new(new IssueFields(
        issue.BeadId, issue.Repo, issue.Branch, issue.Title, issue.Status, issue.Priority, issue.Type, issue.Assignee, issue.CreatedBy,
        Labels(issue.Labels), issue.BlockedBy, issue.Parent, issue.CreatedAt, issue.UpdatedAt));

    private static ImmutableArray<string>? Labels(ImmutableArray<string> labels) => labels.IsDefaultOrEmpty ? null : labels;

    private static string MustBeOrigin(string repo) => Names.IsCanonicalOrigin(repo)
        ? repo : throw ApiException.Unprocessable($"Invalid repo: {repo}");

    private static string MustBeBranch(string branch) =>
        Names.IsBranch(branch) ? branch : throw ApiException.Unprocessable($"Invalid branch name: {branch}");

    private static string OrMain(string? branch) => MustBeBranch(branch ?? Main);

    private static string? ReadStatuses(string? text)
    {
        var statuses = (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return Array.Find(statuses, status => !KnownStatuses.Contains(status)) is { } unknown
            ? throw ApiException.Unprocessable($"Invalid status: {unknown}. Must be one of: {string.Join(", ", KnownStatuses)}")
            : statuses.Length == 0 ? null : string.Join(',', statuses);
    }

    private static IssueCursor? ReadCursor(JsonElement cursor)
    {
        var known = (cursor.TryGetProperty("sort_time", out _) ? 1 : 0) + (cursor.TryGetProperty("bead_id", out _) ? 1 : 0);
        var hasPriority = cursor.TryGetProperty("priority", out var priority);
        if (known == 0 && !hasPriority) return null;
        if (known < 2 || !hasPriority) throw Cursor.Invalid("incomplete sort key");
        long number = 0;
        if (priority.ValueKind != JsonValueKind.Null
            && (priority.ValueKind != JsonValueKind.Number || !priority.TryGetInt64(out number))) throw Cursor.Invalid("bad priority");
        var time = cursor.Time("sort_time", "Invalid cursor: bad timestamp") ?? throw Cursor.Invalid("incomplete sort key");
        var beadId = cursor.Text("bead_id") ?? throw Cursor.Invalid("bad bead_id");
        return new(time, priority.ValueKind == JsonValueKind.Null ? null : number, beadId, cursor.Text("repo"), cursor.Text("branch"));
    }

    private sealed record Upload(string Repo, string Branch, ImmutableArray<byte> Issues);
}

/// <summary>Answer of both uploads (contract 7.4).</summary>
internal sealed record UploadAnswer(
    string Status,
    string Repo,
    string Branch,
    int IssuesSynced,
    int IssuesAdded,
    int IssuesUpdated,
    ImmutableArray<string> Conflicts,
    int ConflictsCount,
    int NotificationsSent,
    int NotificationsFailed,
    DateTimeOffset SyncedAt,
    int IssuesUnchanged);

/// <summary>A page of issues (contract 7.6).</summary>
internal sealed record IssueList(ImmutableArray<ListedIssue> Issues, int Count, bool HasMore, string? NextCursor)
{
    public static IssueList Of(IssuePage page) => new(
        [.. page.Issues.Select(Beads.Listed)],
        page.Issues.Length,
        page.Next is not null,
        page.Next is { } next ? Cursor.Encode(c =>
        {
            c.WriteString("sort_time", IsoTime.Text(next.SortTime));
            if (next.Priority is { } p) c.WriteNumber("priority", p);
            else c.WriteNull("priority");
            c.WriteString("bead_id", next.BeadId);
            // One id may stand in several repositories with the same time: they break the tie.
            if (next.Repo is not null) c.WriteString("repo", next.Repo);
            if (next.Branch is not null) c.WriteString("branch", next.Branch);
        }) : null);

    /// <summary>Always null; clients read it.</summary>
    public DateTimeOffset? SyncedAt => null;
}

/// <summary>An issue in a list.</summary>
internal sealed record ListedIssue : IssueFields
{
    public ListedIssue(IssueFields fields) : base(fields)
    {
    }

    /// <summary>Always empty; clients read it.</summary>
    public ImmutableArray<string> Reservations => [];
}

/// <summary>What lists and single issues show alike.</summary>
internal record IssueFields(
    string BeadId,
    string Repo,
    string Branch,
    string? Title,
    string? Status,
    long? Priority,
    string? Type,
    string? Assignee,
    string? CreatedBy,
    ImmutableArray<string>? Labels,
    ImmutableArray<BeadRef> BlockedBy,
    [property: JsonPropertyName("parent_id")] BeadRef? Parent,
    DateTimeOffset? CreatedAt,
    DateTimeOffset? UpdatedAt)
{
    /// <summary>Always null; clients read it.</summary>
    public string? CurrentReservation => null;
}

/// <summary>One issue whole (contract 7.7).</summary>
internal sealed record Issue : IssueFields
{
    public Issue(IssueFields fields, string projectId, string? description) : base(fields) =>
        (ProjectId, Description) = (projectId, description);

    public string ProjectId { get; }

    public string? Description { get; }

    /// <summary>What else the issue's line says, under the names that it has there.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Further { get; set; }
}

/// <summary>Ready issues (contract 7.8).</summary>
internal sealed record ReadyIssues(ImmutableArray<ReadyIssue> Issues, int Count, bool HasMore)
{
    public static ReadyIssues Of(ReadyList list) => new(
        [.. list.Issues.Select(i => new ReadyIssue(i.BeadId, i.Repo, i.Branch, i.Title, i.Status, i.Priority, i.Type, i.BlockedBy))],
        list.Issues.Length,
        list.HasMore);
}

/// <summary>A ready issue.</summary>
internal sealed record ReadyIssue(
    string BeadId,
    string Repo,
    string Branch,
    string? Title,
    string? Status,
    long? Priority,
    string? Type,
    ImmutableArray<BeadRef> BlockedBy)
{
    /// <summary>Always null; clients read it.</summary>
    public string? CurrentReservation => null;
}
