using System.Collections.Immutable;
using Beadhub.Beads;
using Beadhub.Boards;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// Claims that are asked for by themselves, beside those that a sync's command line makes: <c>POST /v1/beads/claim-next</c> takes the best ready bead,
/// <c>/v1/beads/{id}/claims</c> joins several agents on one bead.
/// </summary>
internal sealed class BeadClaims(IGrainFactory grains, Identification identification)
{
    private const int MaxNote = 4096;
    private const int MaxLabels = 100;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<BeadClaims>();
        var group = routes.MapGroup("/v1/beads").WithTags("claims");
        group.Post("/claim-next", endpoints.ClaimNext).Says("Claim the best ready bead that nobody works on", 401, 403, 404, 410, 422);
        group.Get("/{beadId}/claims", endpoints.List).Says("Who works on a bead, newest first", 401, 422);
        group.Post("/{beadId}/claims", endpoints.Join).Says("Join in the work on a bead, whoever else holds it", 401, 403, 404, 410, 422);
        group.Delete("/{beadId}/claims", endpoints.Leave).Says("Release one's own claim on a bead", 401, 403, 404, 410, 422);
    }

    private async Task<Answer<ClaimNextAnswer>> ClaimNext(HttpContext http)
    {
        using var body = await BodyFields.Read(http, mayBeMissing: true);
        // A filter that is misspelt would claim another bead than was meant.
        body.Only("workspace_id", "labels", "type", "types", "max_priority", "repo", "branch", "assignee");
        var workspaceId = Workspace(body);
        var labels = body.Words("labels", MaxLabels, 255);
        var types = body.Words("types", MaxLabels, 64);
        if (body.Optional("type", max: 64) is { Length: > 0 } type) types.Add(type);
        if (types.Find(t => !Beads.KnownTypes.Contains(t)) is { } unknown)
            body.Fail(body.Has("types") ? "types" : "type", $"Invalid issue type. Must be one of: {string.Join(", ", Beads.KnownTypes)}");
        var maxPriority = body.Integer("max_priority", int.MinValue, int.MaxValue);
        var repo = body.Optional("repo", max: 255);
        if (repo is { Length: > 0 } && !Names.IsCanonicalOrigin(repo)) body.Fail("repo", "Invalid repo: must be a canonical origin such as github.com/org/repo");
        var branch = body.Optional("branch", max: 255);
        if (branch is { Length: > 0 } && !Names.IsBranch(branch)) body.Fail("branch", "Invalid branch name");
        var assignee = body.Optional("assignee", max: 255);
        body.Done();

        var (project, who) = await Enter(http, workspaceId);
        var claimed = await grains.GetGrain<IBoardGrain>(project).ClaimNext(new(who.WorkspaceId, who.Alias, who.HumanName, [.. labels], [.. types], maxPriority,
            NullIfEmpty(repo), NullIfEmpty(branch), NullIfEmpty(assignee), RequestId(http, "claim-next")));
        return Answer.Of(
            claimed is null ? new ClaimNextAnswer(false, null, null) : new(true, Beads.Listed(claimed.Issue), Item(project, claimed.Claim.BeadId, claimed.Claim.Claim)),
            Wire.Types.ClaimNextAnswer);
    }

    private async Task<Answer<BeadClaimList>> List(HttpContext http)
    {
        var beadId = BeadId(http);
        var who = await identification.Of(http);
        var project = who.ProjectId;
        return Answer.Of(ListOf(project, await grains.GetGrain<IBoardGrain>(project).ClaimsOn(beadId)), Wire.Types.BeadClaimList);
    }

    private async Task<Answer<JoinAnswer>> Join(HttpContext http)
    {
        using var body = await BodyFields.Read(http, mayBeMissing: true);
        body.Only("workspace_id", "role", "note");
        var workspaceId = Workspace(body);
        var role = body.Role("role", CommonFields.RoleRule);
        var note = body.Prose("note", MaxNote);
        body.Done();
        var beadId = BeadId(http);

        var (project, who) = await Enter(http, workspaceId);
        var board = grains.GetGrain<IBoardGrain>(project);
        var joined = await board.Join(new(beadId, who.WorkspaceId, who.Alias, who.HumanName, role, NullIfEmpty(note), RequestId(http, "claim")));
        var all = ListOf(project, await board.ClaimsOn(beadId));
        return Answer.Of(new JoinAnswer(beadId, Item(project, joined.BeadId, joined.Claim), all.Claims, all.Count), Wire.Types.JoinAnswer);
    }

    private async Task<Answer<LeaveAnswer>> Leave(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var workspace = query.Text("workspace_id");
        query.Done();
        var beadId = BeadId(http);

        var (project, who) = await Enter(http, CommonFields.WorkspaceIdOrNull(workspace));
        return Answer.Of(
            new LeaveAnswer(beadId, who.WorkspaceId, await grains.GetGrain<IBoardGrain>(project).Leave(who.WorkspaceId, beadId)), Wire.Types.LeaveAnswer);
    }

    /// <summary>Authentication, actor binding, existence (contract 0.3), in this order. Without a workspace the caller's own is meant.</summary>
    private async Task<(string ProjectId, WorkspaceEntered Workspace)> Enter(HttpContext http, string? workspaceId)
    {
        var who = await identification.Of(http);
        var acting = workspaceId ?? who.AgentId ?? throw ApiException.Forbidden("API key is not bound to an agent");
        who.MustBe(acting);
        return (who.ProjectId, await grains.GetGrain<IProjectGrain>(who.ProjectId).Enter(new(acting, "", null)));
    }

    private static string? Workspace(BodyFields body) => body.Uuid("workspace_id", "Invalid workspace_id format");

    private static string BeadId(HttpContext http) =>
        http.PathPart("beadId") is var id && Names.IsBeadId(id) ? id : throw ApiException.Unprocessable("Invalid bead_id format");

    private static string? RequestId(HttpContext http, string what) => http.MayRepeat() ? http.NewId(what) : null;

    private static BeadClaimList ListOf(string project, Boards.BeadClaims claims) =>
        new(claims.BeadId, [.. claims.Claims.Select(claim => Item(project, claims.BeadId, claim))], claims.Claims.Length);

    private static BeadClaimItem Item(string project, string beadId, BeadClaim claim) =>
        new(beadId, claim.WorkspaceId, claim.Alias, claim.HumanName, claim.ClaimedAt, project, claim.Apex?.BeadId, claim.Role, claim.Note);

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}

/// <summary>Answer of <c>POST /v1/beads/claim-next</c>; without bead and claim when nothing is ready.</summary>
internal sealed record ClaimNextAnswer(bool Claimed, ListedIssue? Bead, BeadClaimItem? Claim);

/// <summary>The claims on one bead.</summary>
internal sealed record BeadClaimList(string BeadId, ImmutableArray<BeadClaimItem> Claims, int Count);

/// <summary>Answer of <c>POST /v1/beads/{id}/claims</c>: one's own claim, and all on the bead.</summary>
internal sealed record JoinAnswer(string BeadId, BeadClaimItem Claim, ImmutableArray<BeadClaimItem> Claims, int Count);

/// <summary>Answer of <c>DELETE /v1/beads/{id}/claims</c>.</summary>
internal sealed record LeaveAnswer(string BeadId, string WorkspaceId, bool Released);

/// <summary>A claim on a bead: the fields of <c>GET /v1/claims</c> and what the claimant said of it.</summary>
internal sealed record BeadClaimItem(
    string BeadId,
    string WorkspaceId,
    string Alias,
    string HumanName,
    DateTimeOffset ClaimedAt,
    string ProjectId,
    string? ApexId,
    string? Role,
    string? Note);
