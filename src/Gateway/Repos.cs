using System.Collections.Immutable;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>/v1/repos</c> (contract 6). Look-up is open, as clients need it before they have a key; the rest is for the project's own callers,
/// unless the server was told to be as open as the reference.
/// </summary>
internal sealed class Repos(IGrainFactory grains, GatewaySettings settings)
{
    private static readonly Field<Origin> OriginUrl = InBody.RequiredOrigin("origin_url", "Remote of the repository");
    private static readonly Field<string> ProjectId = InBody.Required("project_id", "Id of the project", 36, 36)
        .To<string>(Names.TryNormalizeUuid!, "Invalid project_id format");
    private static readonly Field<string?> OfProject = InQuery.Uuid("project_id", "Id of the project; the caller's own unless given");
    private static readonly Field<int> Limit = InQuery.Limit(50, 200);
    private static readonly Field<Place?> After =
        InQuery.Cursor<Place>(static cursor => new(cursor.Time("created_at", "Invalid cursor"), cursor.Text("id")));
    private static readonly Field<string> RepoId =
        InPath.Text("repoId", "Id of the repository").To<string>(Names.TryNormalizeUuid!, "Invalid repo_id format");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Repos>();
        var isOpen = routes.ServiceProvider.GetRequiredService<GatewaySettings>().ReposOpen;
        var (reader, project, lead) = (Caller.ReaderUnless(isOpen), Caller.ProjectUnless(isOpen), Caller.LeadUnless(isOpen));
        var requests = new RequestGroup("/v1/repos", "repos", "Repositories of a project");
        routes.Map(
            requests.Post("/lookup", "lookUpRepo", "Which project has a repository; needs no key").Needs(Caller.Tenant)
                .Takes(OriginUrl).Fails(404).Fails<AmbiguousRepoError>(409)
                .Bind(static fields => fields.Get(OriginUrl))
                .Answers<RepoFound>(),
            endpoints.Lookup);
        routes.Map(
            requests.Post("/ensure", "ensureRepo", "Add a repository or find it").Needs(project)
                .Takes(ProjectId, OriginUrl)
                .Bind(static fields => (ProjectId: fields.Get(ProjectId), Origin: fields.Get(OriginUrl)))
                .Answers(Wire.Types.RepoEnsured),
            endpoints.Ensure);
        routes.Map(
            requests.Get("", "listRepos", "Repositories of the project, oldest first").Needs(reader)
                .Takes(OfProject, Limit, After)
                .Bind(static fields => (ProjectId: fields.Get(OfProject), Limit: fields.Get(Limit), After: fields.Get(After)))
                .Answers(Wire.Types.RepoList),
            endpoints.List);
        routes.Map(
            requests.Delete("/{repoId}", "deleteRepo", "Delete a repository with its workspaces").Needs(lead).Audited("repo.deleted")
                .Takes(RepoId)
                .Bind(static fields => fields.Get(RepoId))
                .Answers(Wire.Types.RepoDeleted),
            endpoints.Delete);
    }

    private async Task<Answer<RepoFound>> Lookup(Origin origin, SignedTenant tenant)
    {
        var uses = (await grains.GetGrain<IOriginGrain>(origin.Canonical).Projects()).RemoveAll(use => use.TenantId != tenant.TenantId);
        return uses switch
        {
            [] => throw ApiException.NotFound($"Repo not found: {origin.Canonical}"),
            [var use] => Answer.Of(new RepoFound(use.RepoId, use.ProjectId, use.ProjectSlug, origin.Canonical, use.Name),
                Wire.Types.RepoFound),
            _ => AmbiguousRepoError.Refusal(origin.Canonical, uses),
        };
    }

    private Task<RepoEnsured> Ensure((string ProjectId, Origin Origin) request, ProjectIdentity? who, HttpContext http) =>
        settings.ReposOpen || who!.ProjectId == request.ProjectId
            ? grains.GetGrain<IProjectGrain>(request.ProjectId).EnsureRepo(request.Origin, http.NewId())
            : throw ApiException.NotFound("Project not found");

    private async Task<RepoList> List((string? ProjectId, int Limit, Place? After) request, ProjectIdentity? who)
    {
        // Without a project the reference lists every tenant's; here it is always the caller's own.
        var projectId = request.ProjectId ?? (who ?? throw ApiException.Unauthorized()).ProjectId;
        if (!settings.ReposOpen && projectId != who!.ProjectId) throw ApiException.NotFound("Project not found");
        var page = await grains.GetGrain<IProjectGrain>(projectId).Repos(new(request.Limit, request.After?.CreatedAt, request.After?.Id));
        var next = page is { HasMore: true, Repos: [.., var last] }
            ? Cursor.Encode(c =>
            {
                c.WriteString("created_at", IsoTime.Text(last.CreatedAt));
                c.WriteString("id", last.Id);
            })
            : null;
        return new(
            [.. page.Repos.Select(r =>
                new RepoItem(r.Id, r.ProjectId, r.CanonicalOrigin, r.Name, IsoTime.Text(r.CreatedAt, "Z"), r.WorkspaceCount))],
            page.HasMore, next);
    }

    private async Task<RepoDeleted> Delete(string repoId, ProjectIdentity? who) =>
        await grains.GetGrain<IProjectGrain>(who?.ProjectId ?? await OwnerOf(repoId)).DeleteRepo(repoId);

    private async Task<string> OwnerOf(string repoId) =>
        await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.RepoName(repoId)).Find() ?? throw ApiException.NotFound("Repo not found");

    private sealed record Place(DateTimeOffset? CreatedAt, string? Id);
}

/// <summary>A repository found by its URL (contract 6.1).</summary>
internal sealed record RepoFound(string RepoId, string ProjectId, string ProjectSlug, string CanonicalOrigin, string Name);

/// <summary>A page of repositories (contract 6.3); <c>created_at</c> ends with Z here.</summary>
internal sealed record RepoList(ImmutableArray<RepoItem> Repos, bool HasMore, string? NextCursor);

/// <summary>A repository in the list.</summary>
internal sealed record RepoItem(string Id, string ProjectId, string CanonicalOrigin, string Name, string CreatedAt, int WorkspaceCount);

/// <summary>409: several projects have the repository (contract 6.1).</summary>
internal sealed record AmbiguousRepoError(AmbiguousRepoDetail Detail)
{
    public static Refusal Refusal(string canonicalOrigin, ImmutableArray<OriginUse> uses) => Answer.Refusal(
        StatusCodes.Status409Conflict,
        new AmbiguousRepoError(new AmbiguousRepoDetail(
            $"Repo {canonicalOrigin} exists in multiple projects: {string.Join(", ", uses.Select(u => u.ProjectSlug))}. Name the project.",
            canonicalOrigin,
            [.. uses.Select(u => new RepoCandidate(u.RepoId, u.ProjectId, u.ProjectSlug))])),
        Wire.Types.AmbiguousRepoError);
}

/// <summary>What is ambiguous.</summary>
internal sealed record AmbiguousRepoDetail(string Message, string CanonicalOrigin, ImmutableArray<RepoCandidate> Candidates);

/// <summary>One of the projects, ordered by slug.</summary>
internal sealed record RepoCandidate(string RepoId, string ProjectId, string ProjectSlug);
