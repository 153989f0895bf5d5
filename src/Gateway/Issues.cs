using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.Boards;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// Issues that are made and changed here, for agents without the client's tool: <c>/v1/beads/issues</c>. A change is an edit of the issue's
/// line, newer than the one before: it is in the export, and a client that pushes an older copy meets a conflict (contract 7.3).
/// </summary>
internal sealed class Issues(IGrainFactory grains)
{
    private const int MaxText = 256 * 1024;
    private const int MostLinks = 1000;
    private const string Main = "main";

    private static readonly string[] Statuses = ["open", "in_progress", "blocked", "deferred", "closed"];

    private static readonly Field<string> BeadId = InPath.Text("beadId", "Id of the bead").Example("bd-1")
        .AfterCaller(static id => Names.IsBeadId(id) ? id : throw ApiException.NotFound("Issue not found"));

    private static readonly Field<string?> Repo = InBody
        .Optional("repo", "Canonical origin; only needed where the same id stands in several repositories", max: 255)
        .Example("github.com/org/repo")
        .Must(static repo => repo is not { Length: > 0 } || Names.IsCanonicalOrigin(repo), OriginRule);
    private static readonly Field<string?> Branch = InBody.Optional("branch", "Branch; only needed as the repository is", max: 255)
        .Must(static branch => branch is not { Length: > 0 } || Names.IsBranch(branch), "Invalid branch name");
    private static readonly Field<string?> OwnRepo = InBody
        .Optional("repo", "Canonical origin; your workspace's repository unless given", max: 255).Example("github.com/org/repo")
        .Must(static repo => repo is not { Length: > 0 } || Names.IsCanonicalOrigin(repo), OriginRule);
    private static readonly Field<string?> OwnBranch = InBody.Optional("branch", "Branch; main unless given", max: 255)
        .Must(static branch => branch is not { Length: > 0 } || Names.IsBranch(branch), "Invalid branch name");

    private static readonly Field<string> Title = InBody.RequiredProse("title", "Title", 1, 500);
    private static readonly Field<string?> NewTitle = InBody.Prose("title", "Title", 500, min: 1);
    private static readonly Field<string?> Description = InBody.Prose("description", "What is to be done, and why", MaxText);
    private static readonly Field<string?> Design = InBody.Prose("design", "How", MaxText);
    private static readonly Field<string?> Acceptance = InBody.Prose("acceptance_criteria", "When it is done", MaxText);
    private static readonly Field<string?> Notes = InBody.Prose("notes", "Notes", MaxText);
    private static readonly Field<string?> Type = InBody.Word("type", "Issue type; task unless given", Beads.KnownTypes);
    private static readonly Field<int?> Priority = InBody.Integer("priority", "0 (most urgent) to 4; 2 unless given", 0, 4);
    private static readonly Field<string?> Assignee = InBody.Prose("assignee", "Who is to do it", 255);
    private static readonly Field<List<string>> Labels = InBody.Words("labels", "All of its labels", 100, 255);
    private static readonly Field<List<string>> BlockedBy =
        InBody.Words("blocked_by", "Ids of all beads that it waits for", MostLinks, 100);
    private static readonly Field<string?> Parent =
        InBody.Optional("parent_id", "Id of the bead that it is a part of; empty for none", max: 100);
    private static readonly Field<string?> Status = InBody.Word("status",
        "Status: in_progress claims the bead for you, closed releases every claim on it", Statuses);
    private static readonly Field<string?> Reason = InBody.Prose("reason", "What was done, or why it is not to be done", 4096);
    private static readonly Field<string> Comment = InBody.RequiredProse("text", "What you say", 1, MaxText);

    private const string OriginRule = "Invalid repo: must be a canonical origin such as github.com/org/repo";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Issues>();
        var requests = new RequestGroup("/v1/beads", "beads", "Issues that clients push");
        routes.Map(
            requests.Post("/issues", "createIssue", "Create an issue").Needs(Caller.Actor).Adds(Adding.Content)
                .TakesOnly(Title, Description, Design, Acceptance, Notes, Type, Priority, Assignee, Labels, BlockedBy, Parent, OwnRepo,
                    OwnBranch)
                .Bind(static fields => new Creation(NullIfEmpty(fields.Get(OwnRepo)), NullIfEmpty(fields.Get(OwnBranch)) ?? Main,
                    Read(fields, fields.Get(Title))))
                .Answers(Wire.Types.Issue),
            endpoints.Create);
        routes.Map(
            requests.Patch("/issues/{beadId}", "updateIssue", "Change an issue; what is not given stays as it is")
                .Needs(Caller.Actor).Adds(Adding.Content)
                .TakesOnly(BeadId, NewTitle, Status, Reason, Description, Design, Acceptance, Notes, Type, Priority, Assignee, Labels,
                    BlockedBy, Parent, Repo, Branch).Fails(409)
                .Bind(static fields => new Change(fields.Get(BeadId), NullIfEmpty(fields.Get(Repo)), NullIfEmpty(fields.Get(Branch)),
                    Read(fields, fields.Get(NewTitle)) with { Status = fields.Get(Status), Reason = fields.Get(Reason) }))
                .Answers(Wire.Types.Issue),
            endpoints.Edit);
        routes.Map(
            requests.Post("/issues/{beadId}/close", "closeIssue", "Close an issue, and release every claim on it").Needs(Caller.Actor)
                .TakesOnly(BeadId, Reason, Repo, Branch).BodyMayBeMissing()
                .Bind(static fields => new Change(fields.Get(BeadId), NullIfEmpty(fields.Get(Repo)), NullIfEmpty(fields.Get(Branch)),
                    new([], Status: "closed", Reason: fields.Get(Reason))))
                .Answers(Wire.Types.Issue),
            endpoints.Edit);
        routes.Map(
            requests.Post("/issues/{beadId}/comments", "commentOnIssue", "Comment on an issue").Needs(Caller.Actor).Adds(Adding.Content)
                .TakesOnly(BeadId, Comment, Repo, Branch)
                .Bind(static fields => new Change(fields.Get(BeadId), NullIfEmpty(fields.Get(Repo)), NullIfEmpty(fields.Get(Branch)),
                    new([], Comment: fields.Get(Comment))))
                .Answers(Wire.Types.Issue),
            endpoints.Edit);
    }

    private async Task<Issue> Create(Creation request, Actor actor, HttpContext http)
    {
        var created = await Board(actor).Create(new(
            By(actor), http.NewId(), actor.ProjectSlug, request.Repo ?? await OwnRepoOf(actor), request.Branch, request.Edit));
        await History.Commits.AfterWrite(grains, actor.ProjectId, History.Commits.By(actor), $"create {created.Record.BeadId}");
        return Beads.Whole(actor.Who, created);
    }

    private async Task<Issue> Edit(Change request, Actor actor)
    {
        var edited = await Board(actor).Edit(new(By(actor), request.BeadId, request.Repo, request.Branch, request.Edit));
        await History.Commits.AfterWrite(grains, actor.ProjectId, History.Commits.By(actor),
            $"{(request.Edit.Comment is not null ? "comment on" : request.Edit.Status == "closed" ? "close" : "update")} {request.BeadId}");
        return Beads.Whole(actor.Who, edited);
    }

    /// <summary>The repository of the caller's workspace; null when it has none.</summary>
    private async ValueTask<string?> OwnRepoOf(Actor actor) => !actor.Agent.HasWorkspace ? null
        : (await grains.GetGrain<IProjectGrain>(actor.ProjectId).Workspaces(
            new(actor.Id, null, null, null, null, false, false, false, 1, null))).Workspaces is [{ Repo: var repo }] ? repo : null;

    private static IssueEditor By(Actor actor) => new(actor.Id, actor.Alias, actor.Agent.HumanName);

    private IBoardGrain Board(Actor actor) => grains.GetGrain<IBoardGrain>(actor.ProjectId);

    /// <summary>The fields that creating and changing have in common.</summary>
    private static IssueEdit Read(RequestFields fields, string? title)
    {
        var set = ImmutableArray.CreateBuilder<LineField>();
        if (title is not null) set.Add(new("title", Json(title)));
        Text("description", Description);
        Text("design", Design);
        Text("acceptance_criteria", Acceptance);
        Text("notes", Notes);
        if (fields.Get(Priority) is { } priority)
            set.Add(new("priority", priority.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        if (fields.Get(Type) is { } type) set.Add(new("issue_type", Json(type)));
        Text("assignee", Assignee);
        var (labels, blockers) = (fields.Get(Labels), fields.Get(BlockedBy));
        if (fields.Has(Labels)) set.Add(new("labels", labels.Count == 0 ? null : $"[{string.Join(',', labels.Select(Json))}]"));
        return new(set.DrainToImmutable(), BlockedBy: fields.Has(BlockedBy) ? [.. blockers] : null, Parent: fields.Get(Parent));

        // An empty text takes the field away, as the client's tool leaves out what is empty.
        void Text(string name, Field<string?> field)
        {
            if (fields.Get(field) is { } text) set.Add(new(name, text.Length == 0 ? null : Json(text)));
        }
    }

    private static string Json(string text) => JsonSerializer.Serialize(text, Wire.Types.String);

    private static string? NullIfEmpty(string? text) => text is "" ? null : text;

    private sealed record Creation(string? Repo, string Branch, IssueEdit Edit);

    private sealed record Change(string BeadId, string? Repo, string? Branch, IssueEdit Edit);
}
