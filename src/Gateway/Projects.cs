using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/projects</c>: the caller's project (protocol 5.1).</summary>
internal sealed class Projects(IGrainFactory grains, Identification identification)
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.Get("/v1/projects/current", routes.Make<Projects>().Current).WithTags("projects").Says("The caller's project", 401, 404);

    private async Task<Answer<ProjectView>> Current(HttpContext http)
    {
        var who = await identification.Of(http);
        var project = await grains.GetGrain<IProjectGrain>(who.ProjectId).Describe() ?? throw ApiException.NotFound("Project not found");
        return Answer.Of(project, Wire.Types.ProjectView);
    }
}
