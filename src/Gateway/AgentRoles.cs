using System.Collections.Immutable;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>/v1/roles</c>: who leads a project, who works in it and who only reads. What a role may do is said by each request, in what its
/// caller must be.
/// </summary>
internal sealed class AgentRoles(IGrainFactory grains)
{
    private static readonly Field<string> Project = InPath.Uuid("projectId", "Id of the project");
    private static readonly Field<string> Agent = InPath.Uuid("agentId", "Id of the agent");
    private static readonly Field<string?> Role = InBody.RequiredWord(
        "role", "lead: all of the project; agent: its own work; observer: reads only", ProjectRoles.Lead, ProjectRoles.Agent,
        ProjectRoles.Observer);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<AgentRoles>();
        var own = new RequestGroup("/v1/roles", "roles", "Who leads a project, who works in it and who only reads");
        routes.Map(
            own.Get("", "listRoles", "Roles of the project's agents, by alias").Needs(Caller.Member("see roles"))
                .Answers(Wire.Types.RoleList),
            who => endpoints.List(who.ProjectId));
        routes.Map(
            own.Put("/{agentId}", "giveRole", "Give an agent of the project a role; for those who lead it")
                .Needs(Caller.Lead).Audited("role.given")
                .TakesOnly(Agent, Role).Fails(409)
                .Bind(static fields => (Role: fields.Get(Role)!, AgentId: fields.Get(Agent)))
                .Answers(Wire.Types.AgentRole),
            // A person behind a gateway gives it in nobody's name.
            (give, who, http) =>
                endpoints.Give(who.ProjectId, new(give.AgentId, give.Role, who.UserId is null ? who.AgentId : null), http));

        var all = new RequestGroup("/v1/projects/{projectId}/roles", "roles", "Who leads a project, who works in it and who only reads");
        routes.Map(
            all.Get("", "listRolesOfProject", "Roles of a project's agents, by alias; for administrators").Needs(Caller.Admin)
                .Takes(Project)
                .Bind(static fields => fields.Get(Project))
                .Answers(Wire.Types.RoleList),
            (project, _) => endpoints.List(project));
        routes.Map(
            all.Put("/{agentId}", "giveRoleInProject", "Give an agent of a project a role; for administrators")
                .Needs(Caller.Admin).Audited("role.given")
                .TakesOnly(Project, Agent, Role).Fails(409)
                .Bind(static fields => (Role: fields.Get(Role)!, ProjectId: fields.Get(Project), AgentId: fields.Get(Agent)))
                .Answers(Wire.Types.AgentRole),
            (give, _, http) => endpoints.Give(give.ProjectId, new(give.AgentId, give.Role, null), http));
    }

    private async Task<AgentRole> Give(string projectId, GiveRole command, HttpContext http)
    {
        var given = await Of(projectId).GiveRole(command);
        http.Deed(new(given.AgentId, $"{given.Alias}: {given.Role}"));
        return given;
    }

    private async Task<RoleList> List(string projectId) =>
        await Of(projectId).Details() is null ? throw ApiException.NotFound("Project not found")
            : new(projectId, await Of(projectId).RolesOfAgents());

    private IProjectGrain Of(string projectId) => grains.GetGrain<IProjectGrain>(projectId);
}

/// <summary>Roles of a project's agents.</summary>
internal sealed record RoleList(string ProjectId, ImmutableArray<AgentRole> Agents);
