using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Beadhub.Projects;

/// <summary>The agents of a project, the deleted ones included, by id and, the living, by alias.</summary>
public sealed class Roster
{
    private readonly ImmutableDictionary<string, string> _idsOfTheLiving;

    /// <summary>A roster of these agents by id.</summary>
    [JsonConstructor]
    public Roster(ImmutableDictionary<string, Agent> agents)
        : this(agents, agents.Values.Where(agent => agent.IsLiving).ToImmutableDictionary(agent => agent.Alias, agent => agent.Id)) { }

    private Roster(ImmutableDictionary<string, Agent> agents, ImmutableDictionary<string, string> idsOfTheLiving)
    {
        Agents = agents;
        _idsOfTheLiving = idsOfTheLiving;
    }

    /// <summary>Nobody.</summary>
    public static Roster Empty { get; } = new(ImmutableDictionary<string, Agent>.Empty);

    /// <summary>All agents ever, by id.</summary>
    public ImmutableDictionary<string, Agent> Agents { get; }

    /// <summary>Aliases that are taken.</summary>
    [JsonIgnore]
    public IEnumerable<string> Aliases => _idsOfTheLiving.Keys;

    /// <summary>The agents that were not deleted, in no particular order.</summary>
    [JsonIgnore]
    public IEnumerable<Agent> Living => Agents.Values.Where(agent => agent.IsLiving);

    /// <summary>An agent, deleted or not; null when the project never had it.</summary>
    public Agent? Find(string agentId) => Agents.GetValueOrDefault(agentId);

    /// <summary>The living agent with exactly this alias.</summary>
    public Agent? Named(string alias) => _idsOfTheLiving.TryGetValue(alias, out var id) ? Agents[id] : null;

    /// <summary>The roster with an agent added or changed.</summary>
    public Roster With(Agent agent)
    {
        var ids = _idsOfTheLiving;
        if (Find(agent.Id) is { IsLiving: true } before) ids = ids.Remove(before.Alias);
        if (agent.IsLiving) ids = ids.SetItem(agent.Alias, agent.Id);
        return new(Agents.SetItem(agent.Id, agent), ids);
    }
}
