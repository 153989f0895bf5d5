using System.Collections.Immutable;
using Beadhub.EventLog;
using Orleans;

namespace Beadhub.Projects;

/// <inheritdoc cref="IAgentLogGrain"/>
[ProjectPlacement]
public sealed class AgentLogGrain(IEventLog log) : Grain, IAgentLogGrain
{
    private const int PageSize = 1000;

    private AgentLog _log = AgentLog.Empty;
    private long _version;

    /// <inheritdoc/>
    public async Task<ImmutableArray<AgentLogEntry>> Of(string agentId)
    {
        var stream = new StreamKey(Project.Kind.Name, this.GetPrimaryKeyString());
        IReadOnlyList<StoredEvent> page;
        do
        {
            page = await log.ReadStream(stream, _version, PageSize);
            foreach (var stored in page)
            {
                if (EventTypes.Parse(stored.Type, stored.Data) is { } known) _log = _log.Apply(known, stored.Version);
                _version = stored.Version;
            }
        }
        while (page.Count == PageSize);

        return [.. _log.Entries.GetValueOrDefault(agentId, [])];
    }
}
