using System.Collections.Immutable;
using Beadhub.Beads;
using Beadhub.Boards;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// Who works on which bead: <c>GET /v1/claims</c> (contract 9.1), and claims that are asked for by themselves, beside those that a sync's
/// command line makes: <c>POST /v1/beads/claim-next</c> takes the best ready bead, <c>/v1/beads/{id}/claims</c> joins several agents on
/// one.
/// </summary>
internal sealed class Claims(IGrainFactory grains)
{
    private static readonly Field<string?> OfWorkspace = CommonFields.WorkspaceFilter("workspace_id", "Only this workspace's");
    private static readonly Field<int> Limit = InQuery.Limit(50, 200);
    private static readonly Field<ClaimCursor?> After = InQuery.Cursor(static cursor =>
        cursor.Time("claimed_at") is { } at ? new ClaimCursor(at, cursor.Text("bead_id"), cursor.Text("workspace_id")) : null);

    private static readonly Field<string> Bead = InPath.Text("beadId", "Id of the bead").Example("bd-1")
        .BeforeCaller(static id => Names.IsBeadId(id) ? id : throw ApiException.Unprocessable("Invalid bead_id format"));

    private static readonly Field<string?> Workspace =
        InBody.Uuid("workspace_id", "In whose name; the caller's own workspace unless given");
    private static readonly Field<string?> WorkspaceInQuery =
        CommonFields.WorkspaceFilter("workspace_id", "In whose name; the caller's own workspace unless given");

    private static readonly Field<string?> Role = InBody.Role();
    private static readonly Field<string?> Note = InBody.Prose("note", "What the others should know", 4096);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Claims>();
        routes.Map(
            new RequestGroup("/v1/claims", "claims", "Who works on which bead").Get("", "listClaims", "Claims, newest first")
                .Needs(Caller.Reader)
                .Takes(OfWorkspace, Limit, After)
                .Bind(static fields => new ClaimQuery(fields.Get(OfWorkspace), fields.Get(Limit), fields.Get(After)))
                .AnswersCached<ClaimPage, ClaimList>(Wire.Types.ClaimList, ClaimList.Of),
            endpoints.List);

        var requests = new RequestGroup("/v1/beads", "claims", "Who works on which bead");
        routes.Map(
            requests.Post("/claim-next", "claimNextBead", "Claim the best ready bead that nobody works on").Needs(Caller.NamedWorkspace)
                .TakesOnly(NextClaim.Fields).BodyMayBeMissing().RepeatsFromResult()
                .Bind(NextClaim.Read)
                .Answers(Wire.Types.ClaimNextAnswer),
            endpoints.ClaimNext);
        routes.Map(
            requests.Get("/{beadId}/claims", "listBeadClaims", "Who works on a bead, newest first").Needs(Caller.Reader)
                .Takes(Bead)
                .Bind(static fields => fields.Get(Bead))
                .Answers(Wire.Types.BeadClaimList),
            async (beadId, who) => BeadClaimList.Of(who.ProjectId, await endpoints.Board(who).ClaimsOn(beadId)));
        routes.Map(
            requests.Post("/{beadId}/claims", "joinBead", "Join in the work on a bead, whoever else holds it").Needs(Caller.NamedWorkspace)
                .TakesOnly(Bead, Workspace, Role, Note).BodyMayBeMissing()
                .Bind(static fields => new JoinRequest(fields.Get(Workspace), fields.Get(Role), fields.Get(Note), fields.Get(Bead)))
                .Answers(Wire.Types.JoinAnswer),
            endpoints.Join);
        routes.Map(
            requests.Delete("/{beadId}/claims", "leaveBead", "Release one's own claim on a bead").Needs(Caller.NamedWorkspace)
                .Takes(Bead, WorkspaceInQuery)
                .Bind(static fields => new LeaveRequest(fields.Get(WorkspaceInQuery), fields.Get(Bead)))
                .Answers(Wire.Types.LeaveAnswer),
            endpoints.Leave);
    }

    private Task<ClaimPage> List(ClaimQuery query, ProjectIdentity who) => Board(who).Claims(query).AsTask();

    private async Task<ClaimNextAnswer> ClaimNext(NextClaim request, ProjectIdentity who)
    {
        var workspace = await Enter(who, request.WorkspaceId);
        var claimed = await Board(who).ClaimNext(request.By(workspace));
        return claimed is null
            ? new(false, null, null, null)
            : new(true, Beads.Listed(claimed.Issue), BeadClaimItem.Of(who.ProjectId, claimed.Claim.BeadId, claimed.Claim.Claim),
                claimed.Why);
    }

    private async Task<JoinAnswer> Join(JoinRequest request, ProjectIdentity who)
    {
        var workspace = await Enter(who, request.WorkspaceId);
        var joined = await Board(who).Join(new(
            request.BeadId, workspace.WorkspaceId, workspace.Alias, workspace.HumanName, request.Role,
            request.Note is "" ? null : request.Note));
        var all = BeadClaimList.Of(who.ProjectId, await Board(who).ClaimsOn(request.BeadId));
        return new(request.BeadId, BeadClaimItem.Of(who.ProjectId, joined.BeadId, joined.Claim), all.Claims, all.Count);
    }

    private async Task<LeaveAnswer> Leave(LeaveRequest request, ProjectIdentity who)
    {
        var workspace = await Enter(who, request.WorkspaceId);
        return new(request.BeadId, workspace.WorkspaceId, await Board(who).Leave(workspace.WorkspaceId, request.BeadId));
    }

    /// <summary>The workspace that acts: the one that is named, else the caller's own.</summary>
    private Task<WorkspaceEntered> Enter(ProjectIdentity who, string? workspaceId) => grains.GetGrain<IProjectGrain>(who.ProjectId).Enter(
        new(workspaceId ?? who.AgentId ?? throw ApiException.Forbidden("API key is not bound to an agent"), "", null));

    private IBoardGrain Board(ProjectIdentity who) => grains.GetGrain<IBoardGrain>(who.ProjectId);

    private sealed record JoinRequest(string? WorkspaceId, string? Role, string? Note, string BeadId) : INamesWorkspace;

    private sealed record LeaveRequest(string? WorkspaceId, string BeadId) : INamesWorkspace;

    /// <summary>Which bead is wanted. A filter that is misspelt would claim another than was meant: unknown fields are refused.</summary>
    private sealed record NextClaim(
        string? WorkspaceId, List<string> Labels, List<string> Types, int? MaxPriority, string? Repo, string? Branch, string? Assignee,
        ClaimStrategy Strategy)
            : INamesWorkspace
    {
        private const int Most = 100;

        private static readonly Field<List<string>> AllLabels = InBody.Words("labels", "All of these labels", Most, 255);
        private static readonly Field<List<string>> AnyType = InBody.Words("types", "One of these issue types", Most, 64);
        private static readonly Field<string?> OneType = InBody.Optional("type", "Issue type", max: 64).Among(Beads.KnownTypes);

        private static readonly Field<int?> Priority =
            InBody.Integer("max_priority", "Not less urgent than this: 0 is most urgent", int.MinValue, int.MaxValue);

        private static readonly Field<string?> OnRepo = InBody.Optional("repo", "Canonical origin", max: 255).Example("github.com/org/repo")
            .Must(
            static repo => repo is not { Length: > 0 } || Names.IsCanonicalOrigin(repo),
            "Invalid repo: must be a canonical origin such as github.com/org/repo");

        private static readonly Field<string?> OnBranch = InBody.Optional("branch", "Branch", max: 255)
            .Must(static branch => branch is not { Length: > 0 } || Names.IsBranch(branch), "Invalid branch name");

        private static readonly Field<string?> AssignedTo = InBody.Optional("assignee", "Assignee", max: 255);

        private static readonly Field<string> Strategies = InBody.Choice("strategy",
            "Which of the most urgent: priority: the first by name; unblock: what the longest chain of work follows; track: what is near "
            + "the bead that the workspace had last", "priority", "priority", "unblock", "track");

        public static readonly Field[] Fields =
            [Workspace, AllLabels, OneType, AnyType, Priority, OnRepo, OnBranch, AssignedTo, Strategies];

        public static NextClaim Read(RequestFields fields)
        {
            var (workspace, labels, types) = (fields.Get(Workspace), fields.Get(AllLabels), fields.Get(AnyType));
            if (fields.Get(OneType) is { Length: > 0 } type) types.Add(type);
            if (types.Find(t => !Beads.KnownTypes.Contains(t)) is not null)
                fields.Fail(fields.Has(AnyType) ? AnyType : OneType,
                    $"Invalid issue type. Must be one of: {string.Join(", ", Beads.KnownTypes)}");
            return new(workspace, labels, types, fields.Get(Priority), fields.Get(OnRepo), fields.Get(OnBranch), fields.Get(AssignedTo),
                Enum.Parse<ClaimStrategy>(fields.Get(Strategies), ignoreCase: true));
        }

        public ClaimNextBead By(WorkspaceEntered workspace) => new(
            workspace.WorkspaceId, workspace.Alias, workspace.HumanName, [.. Labels], [.. Types], MaxPriority, NullIfEmpty(Repo),
            NullIfEmpty(Branch),
            NullIfEmpty(Assignee),
            Strategy);

        private static string? NullIfEmpty(string? text) => text is "" ? null : text;
    }
}

/// <summary>A page of claims.</summary>
internal sealed record ClaimList(ImmutableArray<ClaimRow> Claims, bool HasMore, string? NextCursor)
{
    public static ClaimList Of(ClaimPage page) => new(page.Claims, page.Next is not null, page.Next is { } next
        ? Cursor.Encode(c =>
        {
            c.WriteString("claimed_at", IsoTime.Text(next.ClaimedAt));
            if (next.BeadId is not null) c.WriteString("bead_id", next.BeadId);
            if (next.WorkspaceId is not null) c.WriteString("workspace_id", next.WorkspaceId);
        })
        : null);
}

/// <summary>Answer of <c>POST /v1/beads/claim-next</c>; without bead and claim when nothing is ready.</summary>
internal sealed record ClaimNextAnswer(bool Claimed, ListedIssue? Bead, BeadClaimItem? Claim, string? Why);

/// <summary>The claims on one bead.</summary>
internal sealed record BeadClaimList(string BeadId, ImmutableArray<BeadClaimItem> Claims, int Count)
{
    public static BeadClaimList Of(string projectId, BeadClaims claims) =>
        new(claims.BeadId, [.. claims.Claims.Select(claim => BeadClaimItem.Of(projectId, claims.BeadId, claim))], claims.Claims.Length);
}

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
    string? Note)
{
    public static BeadClaimItem Of(string projectId, string beadId, BeadClaim claim) =>
        new(beadId, claim.WorkspaceId, claim.Alias, claim.HumanName, claim.ClaimedAt, projectId, claim.Apex?.BeadId, claim.Role,
            claim.Note);
}
