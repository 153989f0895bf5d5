using System.Collections.Immutable;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Beadhub.Workspaces;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/workspaces</c> (contract 5).</summary>
internal sealed class Workspaces(IGrainFactory grains)
{
    private static readonly Field<string> Workspace = CommonFields.WorkspaceId("workspace_id", "The workspace");
    private static readonly Field<string> Alias = CommonFields.Alias("Its alias");
    private static readonly Field<Origin> OriginUrl = InBody.RequiredOrigin("origin_url", "Remote of the repository");
    private static readonly Field<Origin> Origin = InBody.RequiredOrigin("repo_origin", "Remote of the repository");
    private static readonly Field<Origin> ShortOrigin = InBody.RequiredOrigin("repo_origin", "Remote of the repository", max: 512);
    private static readonly Field<string?> Role = InBody.Role();
    private static readonly Field<string?> Hostname = InBody.Plain("hostname", "Machine on which it works", 255);
    private static readonly Field<string?> LongPath = InBody.Plain("workspace_path", "Folder in which it works", 4096, linesAllowed: true);
    private static readonly Field<string?> Path = InBody.Plain("workspace_path", "Folder in which it works", 1024, linesAllowed: true);
    private static readonly Field<string?> Branch = InBody.Optional("current_branch", "Branch on which it works", max: 255);
    private static readonly Field<string?> PlainBranch = InBody.Plain("current_branch", "Branch on which it works", 255);
    private static readonly Field<string?> Timezone = InBody.Optional("timezone", "Its time zone", max: 64).Example("Europe/Madrid")
        .Must(static zone => zone is not { Length: > 0 } || Names.IsTimezone(zone), "Invalid timezone format");
    private static readonly Field<string?> HumanName = InBody.Optional("human_name", "Whom it works for", max: 64);
    private static readonly Field<string?> NewHumanName =
        HumanName.Must(static name => name is null || Names.IsHumanName(name), "Invalid human_name format");

    private static readonly Field<string?> OfHuman = InQuery.Filter("human_name", "Only those that work for this human", 64);
    private static readonly Field<string?> OnRepo = InQuery.Filter("repo", "Only those on this canonical origin", 255)
        .AfterCaller(static repo => repo is null || Names.IsCanonicalOrigin(repo)
            ? repo : throw ApiException.Unprocessable($"Invalid repo format: {repo}"));
    private static readonly Field<string?> OfAlias = InQuery.Filter("alias", "Only that of this alias", 64)
        .AfterCaller(static alias => alias is null || Names.IsAlias(alias)
            ? alias : throw ApiException.Unprocessable("Invalid alias format"));
    private static readonly Field<string?> OnHost = InQuery.Filter("hostname", "Only those on this machine", 255).AfterCaller(static host =>
        host is null || !CommonFields.HasControl(host, linesAllowed: false)
            ? host
            : throw ApiException.Unprocessable("Invalid hostname: control characters"));
    private static readonly Field<bool> IncludeDeleted = InQuery.Flag("include_deleted", "Whether deleted ones are shown", false);
    private static readonly Field<bool> IncludeClaims = InQuery.Flag("include_claims", "Whether claims are shown", false);
    private static readonly Field<bool> IncludeClaimsOfTeam = InQuery.Flag("include_claims", "Whether claims are shown", true);
    private static readonly Field<bool> IncludePresence = InQuery.Flag("include_presence", "Whether it is shown who is there", true);
    private static readonly Field<bool> OnlyWithClaims = InQuery.Flag("only_with_claims", "Only those with claims", true);
    private static readonly Field<string?> Always =
        CommonFields.WorkspaceFilter("always_include_workspace_id", "A workspace that is shown in any case");
    private static readonly Field<int> Limit = InQuery.Limit(50, 200);
    private static readonly Field<int> LimitOfTeam = InQuery.Limit(15, 200);
    private static readonly Field<WorkspaceCursor?> After = InQuery.Cursor(static cursor =>
        cursor.Time("updated_at") is { } at ? new WorkspaceCursor(at, cursor.Text("workspace_id")) : null);

    private static readonly Field<string> Id = InPath.Text("workspaceId", "Id of the workspace").AfterCaller(ReadId);
    private static readonly Field<string> IdBeforeCaller = InPath.Text("workspaceId", "Id of the workspace").BeforeCaller(ReadId);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Workspaces>();
        var requests = new RequestGroup("/v1/workspaces", "workspaces", "Workspaces: agents at work on a repository");
        routes.Map(
            requests.Post("/suggest-name-prefix", "suggestNamePrefix", "The next free name for a repository; needs no key")
                .Needs(Caller.ReaderIfAny)
                .Takes(OriginUrl).Fails(404, 409)
                .Bind(static fields => fields.Get(OriginUrl))
                .Answers(Wire.Types.NamePrefixAnswer),
            endpoints.SuggestNamePrefix);
        routes.Map(
            requests.Post("/register", "registerWorkspace", "Open the caller's workspace on a repository").Needs(Caller.KeyAgent)
                .Takes(Origin, Role, Hostname, LongPath)
                .Bind(static fields => new RegisterWorkspace(
                    AgentId: "", fields.Get(Origin), fields.Get(Role), fields.Get(Hostname), fields.Get(LongPath)))
                .Answers(Wire.Types.WorkspaceRegistered),
            (register, agent) => endpoints.Project(agent.Who).Register(register with { AgentId = agent.AgentId }));
        routes.Map(
            requests.Post("/heartbeat", "sendHeartbeat", "A sign of life with the workspace's profile").Needs(Caller.NamedWorkspace)
                .Takes(Workspace, Alias, ShortOrigin, Role, Branch, Timezone, Hostname, Path, HumanName)
                .Bind(static fields => new Beat(
                    fields.Get(Workspace), fields.Get(Alias), fields.Get(ShortOrigin), new(
                        OnlyIfUnset: true, Role: fields.Get(Role), Branch: fields.Get(Branch), Timezone: fields.Get(Timezone),
                        Hostname: fields.Get(Hostname),
                        WorkspacePath: fields.Get(Path), HumanName: fields.Get(HumanName))))
                .Answers(Wire.Types.HeartbeatAnswer),
            endpoints.Heartbeat);
        routes.Map(
            requests.Get("", "listWorkspaces", "Workspaces, last updated first").Needs(Caller.Reader)
                .Takes(OfHuman, OnRepo, OfAlias, OnHost, IncludeDeleted, IncludeClaims, IncludePresence, Limit, After)
                .Bind(static fields => new WorkspaceQuery(
                    null, fields.Get(OfHuman), fields.Get(OnRepo), fields.Get(OfAlias), fields.Get(OnHost), fields.Get(IncludeDeleted),
                    fields.Get(IncludeClaims), fields.Get(IncludePresence), fields.Get(Limit), fields.Get(After)))
                .AnswersCached<WorkspacePage, WorkspaceList>(Wire.Types.WorkspaceList, WorkspaceList.Of),
            async (query, who) => ShownTo(who, await endpoints.Project(who).Workspaces(query)));
        routes.Map(
            requests.Get("/team", "listTeam", "The workspaces that matter most to a team member").Needs(Caller.Reader)
                .Takes(OfHuman, OnRepo, IncludeClaimsOfTeam, IncludePresence, OnlyWithClaims, Always, LimitOfTeam)
                .Bind(static fields => new TeamQuery(
                    fields.Get(OfHuman), fields.Get(OnRepo), fields.Get(IncludeClaimsOfTeam), fields.Get(IncludePresence),
                    fields.Get(OnlyWithClaims),
                    fields.Get(Always), fields.Get(LimitOfTeam)))
                .AnswersCached<WorkspacePage, WorkspaceList>(Wire.Types.WorkspaceList, WorkspaceList.Of),
            async (query, who) => ShownTo(who, await endpoints.Project(who).Team(query)));
        routes.Map(
            requests.Get("/online", "listOnline", "Workspaces that are present").Needs(Caller.Reader)
                .Takes(OfHuman)
                .Bind(static fields => fields.Get(OfHuman))
                .AnswersCached<WorkspacePage, WorkspaceList>(Wire.Types.WorkspaceList, WorkspaceList.Of),
            endpoints.Online);
        routes.Map(
            requests.Get("/{workspaceId}", "getWorkspace", "One workspace with its claims").Needs(Caller.Reader)
                .Takes(Id)
                .Bind(static fields => fields.Get(Id))
                .Answers(Wire.Types.WorkspaceView),
            async (id, who) => await One(endpoints.Project(who), id) is var found && who.Mode == AuthMode.PublicReader
                ? Redact(found) : found);
        routes.Map(
            requests.Patch("/{workspaceId}", "changeWorkspace", "Change what the caller's workspace tells of itself")
                .Needs(Caller.NamedWorkspace)
                .TakesOnly(Id, Role, PlainBranch, Timezone, Hostname, Path, NewHumanName)
                .Bind(static fields => new Change(
                    new(
                        Role: fields.Get(Role), Branch: fields.Get(PlainBranch), Timezone: fields.Get(Timezone),
                        Hostname: fields.Get(Hostname),
                        WorkspacePath: fields.Get(Path), HumanName: fields.Get(NewHumanName)),
                    fields.Get(Id)))
                .Answers(Wire.Types.WorkspaceView),
            endpoints.Alter);
        routes.Map(
            requests.Delete("/{workspaceId}", "deleteWorkspace",
                "Delete a workspace: one's own, one that was left behind on one's own host, or as lead any")
                .Needs(Caller.OwnerOrLead).Audited("workspace.deleted")
                .Takes(IdBeforeCaller)
                .Bind(static fields => fields.Get(IdBeforeCaller))
                .Answers(Wire.Types.DeletedAnswer),
            endpoints.Delete);
        // The deleted workspace's own key is dead (contract 5.5).
        routes.Map(
            requests.Post("/{workspaceId}/restore", "restoreWorkspace", "Restore a deleted workspace with its agent and keys")
                .Needs(Caller.Restorer).Audited("workspace.restored")
                .Takes(IdBeforeCaller)
                .Bind(static fields => fields.Get(IdBeforeCaller))
                .Answers(Wire.Types.RestoredAnswer),
            async (id, who) => RestoredAnswer.Of(await endpoints.Project(who).RestoreWorkspace(id)));
    }

    private async Task<NamePrefixAnswer> SuggestNamePrefix(Origin origin, ProjectIdentity? who)
    {
        string projectId, slug, repoId;
        if (who is not null)
        {
            projectId = who.ProjectId;
            slug = (await Project(who).Describe() ?? throw ApiException.NotFound("Project not found")).Slug;
            repoId = (await Project(who).FindRepo(origin.Canonical))?.Id ?? "";
        }
        else
        {
            var uses = (await grains.GetGrain<IOriginGrain>(origin.Canonical).Projects()).RemoveAll(static use => use.TenantId is not null);
            if (uses.IsEmpty) throw ApiException.NotFound($"Repo not registered: {origin.Canonical}. Run 'bdh :init' first.");
            if (uses.Length > 1)
                throw new ApiException(StatusCodes.Status409Conflict,
                    $"Repo {origin.Canonical} exists in multiple projects: {string.Join(", ", uses.Select(u => u.ProjectSlug))}");
            (projectId, slug, repoId) = (uses[0].ProjectId, uses[0].ProjectSlug, uses[0].RepoId);
        }

        var prefix = await grains.GetGrain<IProjectGrain>(projectId).SuggestPrefix()
            ?? throw new ApiException(StatusCodes.Status409Conflict, "All name prefixes are taken.");
        return new(prefix, projectId, slug, repoId, origin.Canonical);
    }

    private async Task<DeletedAnswer> Delete(string id, ProjectIdentity who)
    {
        // Command lines delete what they find left behind on their machine, after each command (clients of contract 5.4).
        if (who.AgentId is not { } agent || who.Leads || agent == id || !await Project(who).IsLeftBehind(id, agent)) who.MustOwn(id);
        return DeletedAnswer.Of(await Project(who).DeleteWorkspace(id));
    }

    private async Task<HeartbeatAnswer> Heartbeat(Beat beat, ProjectIdentity who)
    {
        await Project(who).Heartbeat(new(beat.WorkspaceId, beat.Alias, beat.Origin, beat.Profile));
        return new(true, beat.WorkspaceId);
    }

    private async Task<WorkspacePage> Online(string? humanName, ProjectIdentity who)
    {
        var page = await Project(who).Online(humanName);
        return who.Mode == AuthMode.PublicReader
            ? page with { Workspaces = [.. page.Workspaces.Select(w => w with { MemberEmail = null, Role = null })], Next = null }
            : page;
    }

    private async Task<WorkspaceView> Alter(Change change, ProjectIdentity who)
    {
        await Project(who).ChangeWorkspace(change.WorkspaceId, change.Profile);
        return await One(Project(who), change.WorkspaceId);
    }

    private IProjectGrain Project(ProjectIdentity who) => grains.GetGrain<IProjectGrain>(who.ProjectId);

    private static async Task<WorkspaceView> One(IProjectGrain project, string id)
    {
        var page = await project.Workspaces(new(id, null, null, null, null, false, true, true, 1, null));
        return page.Workspaces is [var one] ? one : throw ApiException.NotFound("Workspace not found");
    }

    private static WorkspacePage ShownTo(ProjectIdentity who, WorkspacePage page) =>
        who.Mode == AuthMode.PublicReader ? page with { Workspaces = [.. page.Workspaces.Select(Redact)] } : page;

    // What a public reader does not see (contract 1.7).
    private static WorkspaceView Redact(WorkspaceView workspace) =>
        workspace with { MemberEmail = null, Role = null, Hostname = null, WorkspacePath = null };

    private static string ReadId(string text) => CommonFields.WorkspaceIdOrNull(text) ?? "";

    private sealed record Beat(string WorkspaceId, string Alias, Origin Origin, ProfilePatch Profile) : INamesWorkspace;

    private sealed record Change(ProfilePatch Profile, string WorkspaceId) : INamesWorkspace;
}

/// <summary>Answer of <c>POST /v1/workspaces/suggest-name-prefix</c> (contract 5.1).</summary>
internal sealed record NamePrefixAnswer(string NamePrefix, string ProjectId, string ProjectSlug, string RepoId, string CanonicalOrigin);

/// <summary>Answer of a heartbeat (contract 5.3).</summary>
internal sealed record HeartbeatAnswer(bool Ok, string WorkspaceId);

/// <summary>Answer of a deletion (contract 5.4).</summary>
internal sealed record DeletedAnswer(string WorkspaceId, string Alias, DateTimeOffset DeletedAt)
{
    public static DeletedAnswer Of(WorkspaceEnded ended) => new(ended.WorkspaceId, ended.Alias, ended.At);
}

/// <summary>Answer of a restoration (contract 5.5).</summary>
internal sealed record RestoredAnswer(string WorkspaceId, string Alias, DateTimeOffset RestoredAt)
{
    public static RestoredAnswer Of(WorkspaceEnded restored) => new(restored.WorkspaceId, restored.Alias, restored.At);
}

/// <summary>A page of workspaces (contract 5.6).</summary>
internal sealed record WorkspaceList(ImmutableArray<WorkspaceView> Workspaces, bool HasMore, string? NextCursor)
{
    public static WorkspaceList Of(WorkspacePage page) => new(page.Workspaces, page.Next is not null, page.Next is { } next
        ? Cursor.Encode(c =>
        {
            c.WriteString("updated_at", IsoTime.Text(next.UpdatedAt));
            if (next.WorkspaceId is not null) c.WriteString("workspace_id", next.WorkspaceId);
        })
        : null);
}
