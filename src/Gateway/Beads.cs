using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Beads;
using Beadhub.Boards;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/beads</c>: issues that clients push (contract 7).</summary>
internal sealed class Beads(IGrainFactory grains, Identification identification)
{
    /// <summary>Longest JSONL text, in characters.</summary>
    public const int MaxText = 10 * 1024 * 1024;

    private const int MaxIssues = 10_000;
    private static readonly FrozenSet<string> ContractFields = Wire.Types.Issue.Properties.Where(property => !property.IsExtensionData).Select(property => property.Name).ToFrozenSet();
    private static readonly string[] KnownStatuses = ["open", "in_progress", "closed"];
    public static readonly string[] KnownTypes = ["bug", "chore", "epic", "feature", "task"];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Beads>();
        var group = routes.MapGroup("/v1/beads").WithTags("beads");
        group.Post("/upload", endpoints.Upload).Says("Store issues sent as a JSON array", 400, 401, 422);
        group.Post("/upload-jsonl", endpoints.UploadJsonl).Says("Store issues sent as JSONL text", 400, 401, 422);
        group.Get("/issues", endpoints.List).Says("Issues, last updated first", 401, 422);
        group.Get("/issues/{beadId}", endpoints.Get).Says("One issue", 401, 404);
        group.Get("/export-jsonl", endpoints.Export).Says("All issues of a repository and branch as they were received, one a line, by id", 401, 403, 422)
            .WithMetadata(new ProducesResponseTypeMetadata(200, typeof(string), [JsonLines.Type]));
        group.Get("/ready", endpoints.Ready).Says("Open issues whose blockers are all closed", 401, 422);
    }

    private async Task<Answer<UploadAnswer>> Upload(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var repo = body.Required("repo", 1, 255);
        if (repo.Length > 0 && !Names.IsCanonicalOrigin(repo)) body.Fail("repo", "Invalid repository: must be a canonical origin such as github.com/org/repo");
        var branch = body.Optional("branch");
        var issues = body.ObjectLines("issues", MaxIssues, () => throw new ApiException(StatusCodes.Status400BadRequest, $"Too many issues: exceeds limit of {MaxIssues}"));
        body.Done();

        return await Store(http, repo, branch, issues);
    }

    private async Task<Answer<UploadAnswer>> UploadJsonl(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var repo = query.Required("repo", 255);
        var branch = query.Text("branch");
        query.Done();
        using var body = await RequestBody.Read(http.Request);
        var text = body.Bytes;
        if (text.IsEmpty || text.Length > MaxText && Encoding.UTF8.GetCharCount(text.Span) > MaxText)
        {
            var errors = new FieldErrors();
            if (text.IsEmpty) errors.Add("missing", "Field required", default, null, "body");
            else errors.Add("string_too_long", $"String should have at most {MaxText} characters", default, ("max_length", MaxText), "body");
            throw errors.ToException();
        }

        if (!Names.IsCanonicalOrigin(repo)) throw ApiException.Unprocessable($"Invalid repo: {repo}");
        return await Store(http, repo, branch, [.. text.Span]);
    }

    private async Task<Answer<UploadAnswer>> Store(
        HttpContext http, string repo, string? branch, ImmutableArray<byte> issues)
    {
        branch ??= "main";
        if (!Names.IsBranch(branch)) throw ApiException.Unprocessable($"Invalid branch name: {branch}");
        var who = await identification.Of(http);
        var alias = who.AgentId is null ? null : (await grains.GetGrain<IProjectGrain>(who.ProjectId).Agent(who.AgentId))?.Alias;
        var stored = await grains.GetGrain<IBoardGrain>(who.ProjectId).Sync(new(who.AgentId, alias ?? "", "", repo, branch, issues, [], false, null));
        return Answer.Of(
            new UploadAnswer(
                stored.NotificationsFailed > 0 ? "completed_with_errors" : "completed", repo, branch, stored.Received, stored.Added, stored.Updated, stored.Conflicts,
                stored.Conflicts.Length, stored.NotificationsSent, stored.NotificationsFailed, stored.SyncedAt, stored.Unchanged),
            Wire.Types.UploadAnswer);
    }

    private async Task<Answer<IssueList>> List(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var repo = query.Text("repo", 255);
        var branch = query.Text("branch", 255);
        var status = query.Text("status");
        var assignee = query.Text("assignee");
        var createdBy = query.Text("created_by", 255);
        var label = query.Text("label");
        var type = query.Text("type");
        var q = query.Text("q", 255);
        var limit = query.Integer("limit", 50, 1, 200);
        var cursorText = query.Text("cursor");
        query.Done();

        var who = await identification.Of(http);
        if (!string.IsNullOrEmpty(repo) && !Names.IsCanonicalOrigin(repo)) throw ApiException.Unprocessable($"Invalid repo: {repo}");
        if (!string.IsNullOrEmpty(branch) && !Names.IsBranch(branch)) throw ApiException.Unprocessable($"Invalid branch name: {branch}");
        var statuses = (status ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (statuses.FirstOrDefault(s => !KnownStatuses.Contains(s)) is { } unknown)
            throw ApiException.Unprocessable($"Invalid status: {unknown}. Must be one of: {string.Join(", ", KnownStatuses)}");
        if (!string.IsNullOrEmpty(type) && !KnownTypes.Contains(type))
            throw ApiException.Unprocessable($"Invalid issue type: {type}. Must be one of: {string.Join(", ", KnownTypes)}");

        var page = await grains.GetGrain<IBoardGrain>(who.ProjectId).Issues(new(
            NullIfEmpty(repo), NullIfEmpty(branch), statuses.Length == 0 ? null : string.Join(',', statuses), NullIfEmpty(assignee), NullIfEmpty(createdBy),
            NullIfEmpty(label), NullIfEmpty(type), NullIfEmpty(q), limit, After(cursorText)));
        return Answer.Shared(page, ToList, Wire.Types.IssueList);
    }

    private async Task<Answer<Issue>> Get(HttpContext http)
    {
        var beadId = http.PathPart("beadId");
        var query = new QueryFields(http.Request);
        var repo = query.Text("repo", 255);
        var branch = query.Text("branch", 255);
        query.Done();

        var who = await identification.Of(http);
        if (repo is not null && !Names.IsCanonicalOrigin(repo)) throw ApiException.Unprocessable($"Invalid repo: {repo}");
        if (branch is not null && !Names.IsBranch(branch)) throw ApiException.Unprocessable($"Invalid branch name: {branch}");
        if (!Names.IsBeadId(beadId)) throw ApiException.NotFound("Issue not found");
        if (await grains.GetGrain<IBoardGrain>(who.ProjectId).Issue(new(beadId, repo, branch)) is not { Record: var record, Line: var line })
            throw ApiException.NotFound("Issue not found");
        var issue = new Issue(
            record.BeadId, who.ProjectId, record.Repo, record.Branch, record.Title, record.Description, record.Status, record.Priority, record.Type,
            record.Assignee, record.CreatedBy, Labels(record.Labels), record.BlockedBy, record.Parent, record.CreatedAt, record.UpdatedAt)
        {
            // What else clients write may name people: readers of a public project see what the contract names (1.7, 7.7).
            Further = who.Mode == AuthMode.PublicReader ? null : Further(line),
        };
        return Answer.Of(issue, Wire.Types.Issue);
    }

    /// <summary>The fields of a line that the contract's answer does not name, each with its own JSON. Of a name that stands twice the last counts, as it did when the line was read.</summary>
    private static Dictionary<string, JsonElement> Further(string line)
    {
        using var document = JsonDocument.Parse(line);
        var further = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var field in document.RootElement.EnumerateObject())
            if (!ContractFields.Contains(field.Name)) further[field.Name] = field.Value.Clone();
        return further;
    }

    private async Task<JsonLines> Export(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var repo = query.Required("repo", 255);
        var branch = query.Text("branch", 255) ?? "main";
        query.Done();

        if (!Names.IsCanonicalOrigin(repo)) throw ApiException.Unprocessable($"Invalid repo: {repo}");
        if (!Names.IsBranch(branch)) throw ApiException.Unprocessable($"Invalid branch name: {branch}");
        var who = await identification.Of(http);
        if (who.Mode == AuthMode.PublicReader) throw ApiException.Forbidden("Public readers may not export issues");
        var board = grains.GetGrain<IBoardGrain>(who.ProjectId);
        var first = await board.Export(new(repo, branch, null));
        return new(first, after => board.Export(new(repo, branch, after)));
    }

    private async Task<Answer<ReadyIssues>> Ready(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var workspace = query.Required("workspace_id", min: 0);
        var repo = query.Text("repo", 255);
        var branch = query.Text("branch", 255);
        var limit = query.Integer("limit", 10, 1, int.MaxValue);
        query.Done();
        if (CommonFields.WorkspaceIdOrNull(workspace) is null) throw ApiException.Unprocessable("workspace_id cannot be empty");
        if (!string.IsNullOrEmpty(repo) && !Names.IsCanonicalOrigin(repo)) throw ApiException.Unprocessable($"Invalid repo: {repo}");
        if (!string.IsNullOrEmpty(branch) && !Names.IsBranch(branch)) throw ApiException.Unprocessable($"Invalid branch name: {branch}");

        var who = await identification.Of(http);
        var ready = await grains.GetGrain<IBoardGrain>(who.ProjectId).Ready(new(NullIfEmpty(repo), NullIfEmpty(branch), limit));
        return Answer.Shared(ready, static list => new ReadyIssues(
            [.. list.Issues.Select(i => new ReadyIssue(i.BeadId, i.Repo, i.Branch, i.Title, i.Status, i.Priority, i.Type, i.BlockedBy))], list.Issues.Length, list.HasMore),
            Wire.Types.ReadyIssues);
    }

    private static IssueCursor? After(string? text)
    {
        if (Cursor.Decode(text) is not { } cursor) return null;
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

    private static IssueList ToList(IssuePage page) => new(
        [.. page.Issues.Select(Listed)],
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

    /// <summary>An issue as lists show it.</summary>
    public static ListedIssue Listed(IssueRow issue) => new(
        issue.BeadId, issue.Repo, issue.Branch, issue.Title, issue.Status, issue.Priority, issue.Type, issue.Assignee, issue.CreatedBy,
        Labels(issue.Labels), issue.BlockedBy, issue.Parent, issue.CreatedAt, issue.UpdatedAt);

    private static ImmutableArray<string>? Labels(ImmutableArray<string> labels) => labels.IsDefaultOrEmpty ? null : labels;

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
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
    /// <summary>Always null; clients read it.</summary>
    public DateTimeOffset? SyncedAt => null;
}

/// <summary>An issue in a list.</summary>
internal sealed record ListedIssue(
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

    /// <summary>Always empty; clients read it.</summary>
    public ImmutableArray<string> Reservations => [];
}

/// <summary>One issue whole (contract 7.7).</summary>
internal sealed record Issue(
    string BeadId,
    string ProjectId,
    string Repo,
    string Branch,
    string? Title,
    string? Description,
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

    /// <summary>What else the issue's line says, under the names that it has there.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Further { get; set; }
}

/// <summary>Ready issues (contract 7.8).</summary>
internal sealed record ReadyIssues(ImmutableArray<ReadyIssue> Issues, int Count, bool HasMore);

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
