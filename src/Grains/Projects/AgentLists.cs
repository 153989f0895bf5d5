using Beadhub.Presence;

namespace Beadhub.Projects;

/// <summary>The list of a project's agents (contract 4.2).</summary>
internal static class AgentLists
{
    public static AgentList Compose(Sources sources, string projectId) => new(projectId,
    [
        .. sources.Roster.Project.Roster.Living
            .Where(agent => agent.AgentType != Agent.SystemType)
            .OrderBy(agent => agent.Alias, StringComparer.Ordinal)
            .Select(agent => ViewOf(agent, sources.Presence.Find(agent.Id))),
    ]);

    private static AgentView ViewOf(Agent agent, AgentPresence? presence) => new(
        agent.Id,
        agent.Alias,
        Text.OrNull(agent.HumanName),
        Text.OrNull(agent.AgentType),
        presence?.Status ?? WorkspaceLists.Offline,
        presence?.LastSeen,
        Online: presence is not null,
        agent.Did,
        agent.Custody,
        agent.Lifetime,
        IdentityStatus: agent.Status,
        agent.AccessMode,
        agent.Role,
        agent.Program,
        agent.Context);
}

/// <summary>Text as answers show it.</summary>
internal static class Text
{
    /// <summary>The text, or null for an empty one.</summary>
    public static string? OrNull(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
