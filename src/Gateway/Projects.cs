using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/projects</c>: the caller's project (protocol 5.1).</summary>
internal static class Projects
{
    public static void MapProjects(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/projects/current", Current).WithTags("projects").WithSummary("The caller's project")
            .Produces<ErrorDetail>(401).Produces<ErrorDetail>(404);

    private static async Task<Answer<ProjectView>> Current(HttpContext http, IGrainFactory grains, Identification identification)
    {
        var who = await identification.Of(http);
        var project = await grains.GetGrain<IProjectGrain>(who.ProjectId).Describe() ?? throw ApiException.NotFound("Project not found");
        return Answer.Of(project, Wire.Types.ProjectView);
    }
}
