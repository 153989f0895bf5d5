using System.Collections.Immutable;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/workspaces</c> (contract 5).</summary>
internal sealed class Workspaces(IGrainFactory grains, Identification identification)
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Workspaces>();
        var group = routes.MapGroup("/v1/workspaces").WithTags("workspaces");
        group.Post("/suggest-name-prefix", endpoints.SuggestNamePrefix).Says("The next free name for a repository; needs no key", 401, 404, 409, 422).AllowAnonymous().Answers<NamePrefixAnswer>();
        group.Post("/register", endpoints.Register).Says("Open the caller's workspace on a repository", 401, 409, 410, 422);
        group.Post("/heartbeat", endpoints.Heartbeat).Says("A sign of life with the workspace's profile", 400, 401, 403, 409, 410);
        group.Get("", endpoints.List).Says("Workspaces, last updated first", 401, 422);
        group.Get("/team", endpoints.Team).Says("The workspaces that matter most to a team member", 401, 422);
        group.Get("/online", endpoints.Online).Says("Workspaces that are present", 401);
        group.Get("/{workspaceId}", endpoints.Get).Says("One workspace with its claims", 401, 404);
        group.Patch("/{workspaceId}", endpoints.Change).Says("Change what the caller's workspace tells of itself", 401, 403, 404, 410, 422);
        group.Delete("/{workspaceId}", endpoints.Delete).Says("Delete a workspace; any agent of the project may", 401, 404);
        group.Post("/{workspaceId}/restore", endpoints.Restore).Says("Restore a deleted workspace with its agent and keys", 401, 404, 409);
    }

    private async Task<IResult> SuggestNamePrefix(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var origin = body.Origin("origin_url", required: true);
        body.Done();

        string projectId, slug, repoId;
        if (Identification.HasCredentials(http))
        {
            projectId = (await identification.ReaderOf(http)).ProjectId;
            var own = grains.GetGrain<IProjectGrain>(projectId);
            slug = (await own.Describe() ?? throw ApiException.NotFound("Project not found")).Slug;
            repoId = (await own.FindRepo(origin!.Canonical))?.Id ?? "";
        }
        else
        {
            var uses = (await grains.GetGrain<IOriginGrain>(origin!.Canonical).Projects()).RemoveAll(static use => use.TenantId is not null);
            if (uses.IsEmpty) throw ApiException.NotFound($"Repo not registered: {origin.Canonical}. Run 'bdh :init' first.");
            if (uses.Length > 1)
                throw new ApiException(StatusCodes.Status409Conflict,
                    $"Repo {origin.Canonical} exists in multiple projects: {string.Join(", ", uses.Select(u => u.ProjectSlug))}");
            (projectId, slug, repoId) = (uses[0].ProjectId, uses[0].ProjectSlug, uses[0].RepoId);
        }

        var prefix = await grains.GetGrain<IProjectGrain>(projectId).SuggestPrefix()
            ?? throw new ApiException(StatusCodes.Status409Conflict, "All name prefixes are taken.");
        return Answer.Of(new NamePrefixAnswer(prefix, projectId, slug, repoId, origin.Canonical), Wire.Types.NamePrefixAnswer);
    }

    private async Task<Answer<WorkspaceRegistered>> Register(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var origin = body.Origin("repo_origin", required: true);
        var role = body.Role("role", CommonFields.RoleRule);
        var hostname = body.Plain("hostname", 255);
        var path = body.Plain("workspace_path", 4096, linesAllowed: true);
        body.Done();

        var (who, agentId) = await identification.AgentOf(http);
        return Answer.Of(await grains.GetGrain<IProjectGrain>(who.ProjectId).Register(new(agentId, origin!, role, hostname, path)), Wire.Types.WorkspaceRegistered);
    }

    private async Task<Answer<HeartbeatAnswer>> Heartbeat(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var workspaceId = body.WorkspaceId();
        var alias = body.Alias();
        var origin = body.Origin("repo_origin", required: true, max: 512);
        var role = body.Role("role", CommonFields.RoleRule);
        var branch = body.Optional("current_branch", max: 255);
        var timezone = body.Optional("timezone", max: 64);
        if (timezone is { Length: > 0 } && !Names.IsTimezone(timezone)) body.Fail("timezone", "Invalid timezone format");
        var hostname = body.Plain("hostname", 255);
        var path = body.Plain("workspace_path", 1024, linesAllowed: true);
        var humanName = body.Optional("human_name", max: 64);
        body.Done();

        var who = await identification.Of(http);
        who.MustBe(workspaceId);
        await grains.GetGrain<IProjectGrain>(who.ProjectId).Heartbeat(new(workspaceId, alias, origin!,
            new(OnlyIfUnset: true, HumanName: humanName, Role: role, Hostname: hostname, WorkspacePath: path, Branch: branch, Timezone: timezone)));
        return Answer.Of(new HeartbeatAnswer(true, workspaceId), Wire.Types.HeartbeatAnswer);
    }

    private async Task<Answer<WorkspaceList>> List(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var humanName = query.Text("human_name", 64);
        var repo = query.Text("repo", 255);
        var alias = query.Text("alias", 64);
        var hostname = query.Text("hostname", 255);
        var includeDeleted = query.Flag("include_deleted", false);
        var includeClaims = query.Flag("include_claims", false);
        var includePresence = query.Flag("include_presence", true);
        var limit = query.Integer("limit", 50, 1, 200);
        var cursorText = query.Text("cursor");
        query.Done();

        var who = await identification.Of(http);
        CheckRepo(repo);
        if (!string.IsNullOrEmpty(alias) && !Names.IsAlias(alias)) throw ApiException.Unprocessable("Invalid alias format");
        if (hostname is not null && CommonFields.HasControl(hostname, linesAllowed: false)) throw ApiException.Unprocessable("Invalid hostname: control characters");
        var cursor = Cursor.Decode(cursorText);
        var after = cursor?.Time("updated_at") is { } updatedAt ? new WorkspaceCursor(updatedAt, cursor.Value.Text("workspace_id")) : null;
        var page = await grains.GetGrain<IProjectGrain>(who.ProjectId).Workspaces(
            new(null, NullIfEmpty(humanName), NullIfEmpty(repo), NullIfEmpty(alias), NullIfEmpty(hostname), includeDeleted, includeClaims, includePresence, limit, after));
        return Render(page, who);
    }

    private async Task<Answer<WorkspaceList>> Team(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var humanName = query.Text("human_name", 64);
        var repo = query.Text("repo", 255);
        var includeClaims = query.Flag("include_claims", true);
        var includePresence = query.Flag("include_presence", true);
        var onlyWithClaims = query.Flag("only_with_claims", true);
        var always = query.Text("always_include_workspace_id");
        var limit = query.Integer("limit", 15, 1, 200);
        query.Done();

        var who = await identification.Of(http);
        CheckRepo(repo);
        var alwaysId = CommonFields.WorkspaceIdOrNull(always);
        var page = await grains.GetGrain<IProjectGrain>(who.ProjectId).Team(
            new(NullIfEmpty(humanName), NullIfEmpty(repo), includeClaims, includePresence, onlyWithClaims, alwaysId, limit));
        return Render(page, who);
    }

    private async Task<Answer<WorkspaceList>> Online(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var humanName = query.Text("human_name", 64);
        query.Done();

        var who = await identification.Of(http);
        var page = await grains.GetGrain<IProjectGrain>(who.ProjectId).Online(NullIfEmpty(humanName));
        return who.Mode == AuthMode.PublicReader
            ? Answer.Of(new WorkspaceList([.. page.Workspaces.Select(w => w with { MemberEmail = null, Role = null })], false, null), Wire.Types.WorkspaceList)
            : Render(page, who);
    }

    private async Task<Answer<WorkspaceView>> Get(HttpContext http)
    {
        var workspaceId = http.PathPart("workspaceId");
        var who = await identification.Of(http);
        var id = CommonFields.WorkspaceIdOrNull(workspaceId) ?? "";
        var found = await One(grains.GetGrain<IProjectGrain>(who.ProjectId), id);
        return Answer.Of(who.Mode == AuthMode.PublicReader ? Redact(found) : found, Wire.Types.WorkspaceView);
    }

    private static async Task<WorkspaceView> One(IProjectGrain project, string id)
    {
        var page = await project.Workspaces(new(id, null, null, null, null, false, true, true, 1, null));
        return page.Workspaces is [var one] ? one : throw ApiException.NotFound("Workspace not found");
    }

    private async Task<Answer<WorkspaceView>> Change(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("role", "current_branch", "timezone", "hostname", "workspace_path", "human_name");
        var role = body.Role("role", CommonFields.RoleRule);
        var branch = body.Plain("current_branch", 255);
        var timezone = body.Optional("timezone", max: 64);
        if (timezone is { Length: > 0 } && !Names.IsTimezone(timezone)) body.Fail("timezone", "Invalid timezone format");
        var hostname = body.Plain("hostname", 255);
        var path = body.Plain("workspace_path", 1024, linesAllowed: true);
        var humanName = body.Optional("human_name", max: 64);
        if (humanName is not null && !Names.IsHumanName(humanName)) body.Fail("human_name", "Invalid human_name format");
        body.Done();

        var who = await identification.Of(http);
        var id = CommonFields.WorkspaceIdOrNull(http.PathPart("workspaceId")) ?? "";
        who.MustBe(id);
        var project = grains.GetGrain<IProjectGrain>(who.ProjectId);
        await project.ChangeWorkspace(id, new(HumanName: humanName, Role: role, Hostname: hostname, WorkspacePath: path, Branch: branch, Timezone: timezone));
        return Answer.Of(await One(project, id), Wire.Types.WorkspaceView);
    }

    private async Task<Answer<DeletedAnswer>> Delete(HttpContext http)
    {
        var workspaceId = http.PathPart("workspaceId");
        var id = CommonFields.WorkspaceIdOrNull(workspaceId) ?? "";
        var who = await identification.Of(http);
        var ended = await grains.GetGrain<IProjectGrain>(who.ProjectId).DeleteWorkspace(id);
        return Answer.Of(new DeletedAnswer(ended.WorkspaceId, ended.Alias, ended.At), Wire.Types.DeletedAnswer);
    }

    private async Task<Answer<RestoredAnswer>> Restore(HttpContext http)
    {
        var workspaceId = http.PathPart("workspaceId");
        // Peers may restore as they may delete: the deleted workspace's own key is dead (contract 5.5).
        var id = CommonFields.WorkspaceIdOrNull(workspaceId) ?? "";
        var who = await identification.RestorerOf(http);
        var restored = await grains.GetGrain<IProjectGrain>(who.ProjectId).RestoreWorkspace(id);
        return Answer.Of(new RestoredAnswer(restored.WorkspaceId, restored.Alias, restored.At), Wire.Types.RestoredAnswer);
    }

    private static Answer<WorkspaceList> Render(WorkspacePage page, ProjectIdentity who)
    {
        if (who.Mode == AuthMode.PublicReader) page = page with { Workspaces = [.. page.Workspaces.Select(Redact)] };
        return Answer.Shared(page, ToList, Wire.Types.WorkspaceList);

        static WorkspaceList ToList(WorkspacePage page) => new(page.Workspaces, page.Next is not null, page.Next is { } next
            ? Cursor.Encode(c =>
            {
                c.WriteString("updated_at", IsoTime.Text(next.UpdatedAt));
                if (next.WorkspaceId is not null) c.WriteString("workspace_id", next.WorkspaceId);
            })
            : null);
    }

    // What a public reader does not see (contract 1.7).
    private static WorkspaceView Redact(WorkspaceView workspace) => workspace with { MemberEmail = null, Role = null, Hostname = null, WorkspacePath = null };

    private static void CheckRepo(string? repo)
    {
        if (!string.IsNullOrEmpty(repo) && !Names.IsCanonicalOrigin(repo)) throw ApiException.Unprocessable($"Invalid repo format: {repo}");
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}

/// <summary>Answer of <c>POST /v1/workspaces/suggest-name-prefix</c> (contract 5.1).</summary>
internal sealed record NamePrefixAnswer(string NamePrefix, string ProjectId, string ProjectSlug, string RepoId, string CanonicalOrigin);

/// <summary>Answer of a heartbeat (contract 5.3).</summary>
internal sealed record HeartbeatAnswer(bool Ok, string WorkspaceId);

/// <summary>Answer of a deletion (contract 5.4).</summary>
internal sealed record DeletedAnswer(string WorkspaceId, string Alias, DateTimeOffset DeletedAt);

/// <summary>Answer of a restoration (contract 5.5).</summary>
internal sealed record RestoredAnswer(string WorkspaceId, string Alias, DateTimeOffset RestoredAt);

/// <summary>A page of workspaces (contract 5.6).</summary>
internal sealed record WorkspaceList(ImmutableArray<WorkspaceView> Workspaces, bool HasMore, string? NextCursor);
