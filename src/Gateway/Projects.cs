using System.Collections.Immutable;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/projects</c>: the caller's project (protocol 5.1) and, for administrators, all of them.</summary>
internal sealed class Projects(IGrainFactory grains, Identification identification)
{
    private const int MaxName = 256;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Projects>();
        var group = routes.MapGroup("/v1/projects").WithTags("projects");
        group.Get("/current", endpoints.Current).Says("The caller's project", 401, 404);
        group.Get("", endpoints.List).Says("Projects, by id; for administrators", 401, 403, 422);
        group.Post("", endpoints.Create).Says("Create a project before anybody joins it; for administrators", 401, 403, 409, 422);
        group.Get("/{projectId}", endpoints.Get).Says("One project; for administrators", 401, 403, 404, 422);
        group.Patch("/{projectId}", endpoints.Change).Says("Change name or visibility; for administrators", 401, 403, 404, 422);
        group.Post("/{projectId}/archive", endpoints.Archive)
            .Says("Put a project aside: it is read, not changed, and nobody joins it; for administrators", 401, 403, 404, 422);
        group.Post("/{projectId}/unarchive", endpoints.Unarchive)
            .Says("Take an archived project into use again; for administrators", 401, 403, 404, 422);
    }

    private async Task<Answer<ProjectView>> Current(HttpContext http)
    {
        var who = await identification.Of(http);
        var project = await grains.GetGrain<IProjectGrain>(who.ProjectId).Describe() ?? throw ApiException.NotFound("Project not found");
        return Answer.Of(project, Wire.Types.ProjectView);
    }

    private async Task<Answer<ProjectListAnswer>> List(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var slug = query.Text("slug", 256);
        var tenant = query.Text("tenant_id");
        if (!string.IsNullOrEmpty(tenant) && !Names.TryNormalizeUuid(tenant, out tenant)) query.Fail("tenant_id", "Invalid tenant_id format");
        var archived = query.Flag("archived", false);
        var limit = query.Integer("limit", 50, 1, 200);
        var cursor = query.Text("cursor");
        query.Done();

        identification.MustBeAdmin(http);
        if (!string.IsNullOrEmpty(slug))
            return Answer.Of(await Named(slug, string.IsNullOrEmpty(tenant) ? null : tenant), Wire.Types.ProjectListAnswer);
        var page = await grains.GetGrain<IProjectsGrain>(IProjectsGrain.Key).List(new(
            limit, Cursor.Decode(cursor)?.Text("project_id"), string.IsNullOrEmpty(tenant) ? null : tenant,
            http.Request.Query.ContainsKey("archived") ? archived : null));
        var next = page is { HasMore: true, Projects: [.., var last] }
            ? Cursor.Encode(json => json.WriteString("project_id", last.ProjectId))
            : null;
        return Answer.Of(new ProjectListAnswer(page.Projects, page.HasMore, next), Wire.Types.ProjectListAnswer);
    }

    private async Task<ProjectListAnswer> Named(string slug, string? tenant)
    {
        var id = Names.IsSlug(slug) ? await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.SlugName(tenant, slug)).Find() : null;
        var project = id is null ? null : await grains.GetGrain<IProjectGrain>(id).Details();
        return new(project is null ? [] : [project], false, null);
    }

    private async Task<Answer<ProjectDetails>> Create(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("slug", "name", "tenant_id", "visibility");
        var slug = body.Required("slug", 1, 256);
        if (slug.Length > 0 && !Names.IsSlug(slug)) body.Fail("slug", "Invalid slug format");
        var name = body.Plain("name", MaxName) ?? "";
        var tenant = body.Uuid("tenant_id", "Invalid tenant_id format");
        var visibility = body.OneOf("visibility", [Visibilities.Private, Visibilities.Public]);
        body.Done();

        identification.MustBeAdmin(http);
        // A slug that was taken while its project could not be created is free for it.
        var id = await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.SlugName(tenant, slug)).Ensure(http.NewId());
        return Answer.Of(await grains.GetGrain<IProjectGrain>(id).Create(new(slug, name, tenant, visibility)), Wire.Types.ProjectDetails);
    }

    private async Task<Answer<ProjectDetails>> Get(HttpContext http)
    {
        var project = ProjectOf(http);
        return Answer.Of(await project.Details() ?? throw ApiException.NotFound("Project not found"), Wire.Types.ProjectDetails);
    }

    private async Task<Answer<ProjectDetails>> Change(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("name", "visibility");
        var name = body.Plain("name", MaxName);
        if (name is "") body.Fail("name", "name must not be empty");
        var visibility = body.OneOf("visibility", [Visibilities.Private, Visibilities.Public]);
        body.Done();

        return Answer.Of(await ProjectOf(http).Change(new(name, visibility)), Wire.Types.ProjectDetails);
    }

    private async Task<Answer<ProjectDetails>> Archive(HttpContext http) =>
        Answer.Of(await ProjectOf(http).SetArchived(true), Wire.Types.ProjectDetails);

    private async Task<Answer<ProjectDetails>> Unarchive(HttpContext http) =>
        Answer.Of(await ProjectOf(http).SetArchived(false), Wire.Types.ProjectDetails);

    private IProjectGrain ProjectOf(HttpContext http) => grains.GetGrain<IProjectGrain>(Administered(http, identification));

    /// <summary>The project of the path, for administrators.</summary>
    /// <exception cref="ApiException">401, 403; 422 for what is no id.</exception>
    public static string Administered(HttpContext http, Identification identification)
    {
        var text = http.PathPart("projectId");
        identification.MustBeAdmin(http);
        return Names.TryNormalizeUuid(text, out var id) ? id : throw ApiException.Unprocessable("Invalid project_id format");
    }
}

/// <summary>A page of projects.</summary>
internal sealed record ProjectListAnswer(ImmutableArray<ProjectDetails> Projects, bool HasMore, string? NextCursor);
