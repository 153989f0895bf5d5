using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>/v1/repos</c> (contract 6). Look-up is open, as clients need it before they have a key; the rest is for the project's own callers,
/// unless the server was told to be as open as the reference.
/// </summary>
internal sealed class Repos(IGrainFactory grains, Identification identification, GatewaySettings settings)
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Repos>();
        var group = routes.MapGroup("/v1/repos").WithTags("repos");
        group.Post("/lookup", endpoints.Lookup).Says("Which project has a repository; needs no key", 404).Answers<RepoFound>().Refuses<AmbiguousRepoError>(409);
        group.Post("/ensure", endpoints.Ensure).Says("Add a repository or find it", 401, 404);
        group.Get("", endpoints.List).Says("Repositories of the project, oldest first", 401);
        group.Delete("/{repoId}", endpoints.Delete).Says("Delete a repository with its workspaces", 401, 404);
    }

    private async Task<IResult> Lookup(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var origin = body.Origin("origin_url", required: true);
        body.Done();

        var (tenant, _) = identification.SignedTenantOf(http);
        var uses = (await grains.GetGrain<IOriginGrain>(origin!.Canonical).Projects()).RemoveAll(use => use.TenantId != tenant);
        return uses switch
        {
            [] => throw ApiException.NotFound($"Repo not found: {origin.Canonical}"),
            [var use] => Answer.Of(new RepoFound(use.RepoId, use.ProjectId, use.ProjectSlug, origin.Canonical, use.Name), Wire.Types.RepoFound),
            _ => new AmbiguousRepo(origin.Canonical, uses),
        };
    }

    private async Task<Answer<RepoEnsured>> Ensure(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var text = body.Required("project_id", 36, 36);
        if (!Names.TryNormalizeUuid(text, out var projectId) && text.Length > 0) body.Fail("project_id", "Invalid project_id format");
        var origin = body.Origin("origin_url", required: true);
        body.Done();

        if (!settings.ReposOpen && (await identification.Of(http)).ProjectId != projectId) throw ApiException.NotFound("Project not found");
        return Answer.Of(await grains.GetGrain<IProjectGrain>(projectId!).EnsureRepo(origin!, http.NewId()), Wire.Types.RepoEnsured);
    }

    private async Task<Answer<RepoList>> List(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var text = query.Text("project_id");
        string? projectId = null;
        if (!string.IsNullOrEmpty(text) && !Names.TryNormalizeUuid(text, out projectId)) query.Fail("project_id", "Invalid project_id format");
        var limit = query.Integer("limit", 50, 1, 200);
        var cursorText = query.Text("cursor");
        query.Done();

        if (!settings.ReposOpen || projectId is null)
        {
            // Without a project the reference lists every tenant's; here it is always the caller's own.
            var own = (await identification.Of(http)).ProjectId;
            if (projectId is not null && projectId != own) throw ApiException.NotFound("Project not found");
            projectId = own;
        }

        var cursor = Cursor.Decode(cursorText);
        var page = await grains.GetGrain<IProjectGrain>(projectId).Repos(
            new(limit, cursor?.Time("created_at", "Invalid cursor"), cursor?.Text("id")));
        var next = page is { HasMore: true, Repos: [.., var last] }
            ? Cursor.Encode(c =>
            {
                c.WriteString("created_at", IsoTime.Text(last.CreatedAt));
                c.WriteString("id", last.Id);
            })
            : null;
        return Answer.Of(
            new RepoList([.. page.Repos.Select(r => new RepoItem(r.Id, r.ProjectId, r.CanonicalOrigin, r.Name, IsoTime.Text(r.CreatedAt, "Z"), r.WorkspaceCount))],
                page.HasMore, next),
            Wire.Types.RepoList);
    }

    private async Task<Answer<RepoDeleted>> Delete(HttpContext http)
    {
        var repoId = http.PathPart("repoId");
        if (!Names.TryNormalizeUuid(repoId, out var id))
        {
            var errors = new FieldErrors();
            errors.AddRule("Invalid repo_id format", JsonSerializer.SerializeToUtf8Bytes(repoId, Wire.Types.String), "path", "repo_id");
            throw errors.ToException();
        }

        var projectId = settings.ReposOpen && !Identification.HasCredentials(http) ? await OwnerOf(id) : (await identification.Of(http)).ProjectId;
        return Answer.Of(await grains.GetGrain<IProjectGrain>(projectId).DeleteRepo(id), Wire.Types.RepoDeleted);
    }

    private async Task<string> OwnerOf(string repoId) =>
        await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.RepoName(repoId)).Find() ?? throw ApiException.NotFound("Repo not found");
}

/// <summary>A repository found by its URL (contract 6.1).</summary>
internal sealed record RepoFound(string RepoId, string ProjectId, string ProjectSlug, string CanonicalOrigin, string Name);

/// <summary>A page of repositories (contract 6.3); <c>created_at</c> ends with Z here.</summary>
internal sealed record RepoList(ImmutableArray<RepoItem> Repos, bool HasMore, string? NextCursor);

/// <summary>A repository in the list.</summary>
internal sealed record RepoItem(string Id, string ProjectId, string CanonicalOrigin, string Name, string CreatedAt, int WorkspaceCount);

/// <summary>409: several projects have the repository (contract 6.1).</summary>
internal sealed class AmbiguousRepo(string canonicalOrigin, ImmutableArray<OriginUse> uses) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        var detail = new AmbiguousRepoDetail(
            $"Repo {canonicalOrigin} exists in multiple projects: {string.Join(", ", uses.Select(u => u.ProjectSlug))}. Name the project.",
            canonicalOrigin,
            [.. uses.Select(u => new RepoCandidate(u.RepoId, u.ProjectId, u.ProjectSlug))]);
        httpContext.Response.StatusCode = StatusCodes.Status409Conflict;
        Answer.Write(httpContext.Response, JsonSerializer.SerializeToUtf8Bytes(new AmbiguousRepoError(detail), Wire.Types.AmbiguousRepoError));
        return Task.CompletedTask;
    }
}

/// <summary>Body of that 409.</summary>
internal sealed record AmbiguousRepoError(AmbiguousRepoDetail Detail);

/// <summary>What is ambiguous.</summary>
internal sealed record AmbiguousRepoDetail(string Message, string CanonicalOrigin, ImmutableArray<RepoCandidate> Candidates);

/// <summary>One of the projects, ordered by slug.</summary>
internal sealed record RepoCandidate(string RepoId, string ProjectId, string ProjectSlug);
