using System.Collections.Immutable;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/projects</c>: the caller's project (protocol 5.1) and, for administrators, all of them.</summary>
internal sealed class Projects(IGrainFactory grains)
{
    private const int MaxName = 256;

    /// <summary>The project of the path.</summary>
    public static readonly Field<string> Id = InPath.Uuid("projectId", "Id of the project");

    private static readonly Field<string> Slug =
        InBody.Required("slug", "Slug, unique within its tenant", 1, 256).Example("my-project").Must(Names.IsSlug, "Invalid slug format");
    private static readonly Field<string?> Name = InBody.Plain("name", "Name", MaxName);
    private static readonly Field<string?> NewName = Name.Must(static name => name is not "", "name must not be empty");
    private static readonly Field<string?> Tenant = InBody.Uuid("tenant_id", "Tenant of the project, if any");
    private static readonly Field<string?> Visibility =
        InBody.Word("visibility", "Who may read the project", Visibilities.Private, Visibilities.Public);

    private static readonly Field<string?> OfSlug = InQuery.Filter("slug", "The project of this slug", 256);
    private static readonly Field<string?> OfTenant = InQuery.Uuid("tenant_id", "Only this tenant's");
    private static readonly Field<bool?> Archived = InQuery.OptionalFlag("archived", "Only those that are archived, or are not");
    private static readonly Field<int> Limit = InQuery.Limit(50, 200);
    private static readonly Field<string?> After = InQuery.Cursor(static cursor => cursor.Text("project_id"));

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Projects>();
        var requests = new RequestGroup("/v1/projects", "projects", "The caller's project and, for administrators, all of them");
        routes.Map(
            requests.Get("/current", "getCurrentProject", "The caller's project").Needs(Caller.Reader)
                .Answers(Wire.Types.ProjectView),
            async who => await endpoints.Project(who.ProjectId).Describe() ?? throw NotFound());
        routes.Map(
            requests.Get("", "listProjects", "Projects, by id; for administrators").Needs(Caller.Admin)
                .Takes(OfSlug, OfTenant, Archived, Limit, After)
                .Bind(static fields => (
                    Slug: fields.Get(OfSlug), Tenant: fields.Get(OfTenant), Archived: fields.Get(Archived), Limit: fields.Get(Limit),
                    After: fields.Get(After)))
                .Answers(Wire.Types.ProjectListAnswer),
            (query, _) => query.Slug is { } slug
                ? endpoints.Named(slug, query.Tenant)
                : endpoints.List(new(query.Limit, query.After, query.Tenant, query.Archived)));
        routes.Map(
            requests.Post("", "createProject", "Create a project before anybody joins it; for administrators")
                .Needs(Caller.Admin).Audited("project.created")
                .TakesOnly(Slug, Name, Tenant, Visibility).Fails(409)
                .Bind(static fields =>
                    new CreateProject(fields.Get(Slug), fields.Get(Name) ?? "", fields.Get(Tenant), fields.Get(Visibility)))
                .Answers(Wire.Types.ProjectDetails),
            endpoints.Create);
        routes.Map(
            requests.Get("/{projectId}", "getProject", "One project; for administrators").Needs(Caller.Admin)
                .Takes(Id)
                .Bind(static fields => fields.Get(Id))
                .Answers(Wire.Types.ProjectDetails),
            async (id, _) => await endpoints.Project(id).Details() ?? throw NotFound());
        routes.Map(
            requests.Patch("/{projectId}", "changeProject", "Change name or visibility; for administrators")
                .Needs(Caller.Admin).Audited("project.changed")
                .TakesOnly(Id, NewName, Visibility)
                .Bind(static fields => (Change: new ChangeProject(fields.Get(NewName), fields.Get(Visibility)), Id: fields.Get(Id)))
                .Answers(Wire.Types.ProjectDetails),
            (request, _) => endpoints.Project(request.Id).Change(request.Change));
        routes.Map(
            requests.Post("/{projectId}/archive", "archiveProject",
                "Put a project aside: it is read, not changed, and nobody joins it; for administrators")
                .Needs(Caller.Admin).Audited("project.archived")
                .Takes(Id)
                .Bind(static fields => fields.Get(Id))
                .Answers(Wire.Types.ProjectDetails),
            (id, _) => endpoints.Project(id).SetArchived(true));
        routes.Map(
            requests.Post("/{projectId}/unarchive", "unarchiveProject", "Take an archived project into use again; for administrators")
                .Needs(Caller.Admin).Audited("project.unarchived")
                .Takes(Id)
                .Bind(static fields => fields.Get(Id))
                .Answers(Wire.Types.ProjectDetails),
            (id, _) => endpoints.Project(id).SetArchived(false));
    }

    private async Task<ProjectListAnswer> List(ProjectsQuery query)
    {
        var page = await grains.GetGrain<IProjectsGrain>(IProjectsGrain.Key).List(query);
        var next = page is { HasMore: true, Projects: [.., var last] }
            ? Cursor.Encode(json => json.WriteString("project_id", last.ProjectId))
            : null;
        return new(page.Projects, page.HasMore, next);
    }

    private async Task<ProjectListAnswer> Named(string slug, string? tenant)
    {
        var id = Names.IsSlug(slug) ? await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.SlugName(tenant, slug)).Find() : null;
        var project = id is null ? null : await Project(id).Details();
        return new(project is null ? [] : [project], false, null);
    }

    private async Task<ProjectDetails> Create(CreateProject request, Anybody _, HttpContext http)
    {
        // A slug that was taken while its project could not be created is free for it.
        var id = await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.SlugName(request.TenantId, request.Slug)).Ensure(http.NewId());
        var created = await Project(id).Create(request);
        http.Deed(new(id, request.Slug, id));
        return created;
    }

    private IProjectGrain Project(string id) => grains.GetGrain<IProjectGrain>(id);

    private static ApiException NotFound() => ApiException.NotFound("Project not found");
}

/// <summary>A page of projects.</summary>
internal sealed record ProjectListAnswer(ImmutableArray<ProjectDetails> Projects, bool HasMore, string? NextCursor);
