using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Beadhub.Projects;

/// <summary>The logs of a project's agents (protocol 12.9), folded from the project's events. Pure.</summary>
/// <param name="Project">The project as the events so far leave it.</param>
/// <param name="Entries">Entries by agent, oldest first.</param>
internal sealed record AgentLog(Project Project, ImmutableDictionary<string, ImmutableList<AgentLogEntry>> Entries)
{
    /// <summary>Nothing has happened.</summary>
    public static AgentLog Empty { get; } = new(Project.Empty, ImmutableDictionary<string, ImmutableList<AgentLogEntry>>.Empty);

    /// <summary>The logs after one more event.</summary>
    /// <param name="event">The event.</param>
    /// <param name="version">Its version in the project's stream, from which the ids of its entries come.</param>
    public AgentLog Apply(IEvent @event, long version)
    {
        var before = Project;
        var after = new AgentLog(before.Apply(@event), Entries);
        return @event switch
        {
            AgentJoined e => after.With(version, e.AgentId, "create", null, e.Did, e.At),
            AgentDeregistered e => after.With(version, e.AgentId, "deregister", DidOf(e.AgentId), null, e.At),
            WorkspaceDeleted e => after.With(version, e.WorkspaceId, "workspace_cleanup", DidOf(e.WorkspaceId), null, e.At),
            RepoRemoved e => before.WorkspacesOn(e.RepoId)
                .Aggregate(after, (log, agent) => log.With(version, agent.Id, "workspace_cleanup", agent.Did, null, e.At)),
            WorkspaceRestored e => after.With(version, e.WorkspaceId, "restore", null, DidOf(e.WorkspaceId), e.At),
            IdentityClaimed e => after.With(version, e.AgentId, "claim_identity", null, e.Did, e.At),
            IdentityReset e => after.With(version, e.AgentId, "reset_identity", DidOf(e.AgentId), null, e.At,
                metadata: Metadata(("old_public_key", before.Roster.Agents[e.AgentId].PublicKey),
                    ("old_stable_id", before.Roster.Agents[e.AgentId].StableId))),
            KeyRotated e => after.With(version, e.AgentId, "rotate", e.OldDid, e.NewDid, e.At, e.OldDid, e.Signature,
                Metadata(("old_custody", before.Roster.Agents[e.AgentId].Custody), ("new_custody", e.Custody), ("timestamp", e.Timestamp))),
            AgentRetired e =>
                after.With(version, e.AgentId, "retire", DidOf(e.AgentId), null, e.At, e.Signature is null ? null : DidOf(e.AgentId),
                e.Signature,
                Metadata(("successor_agent_id", e.SuccessorAgentId), ("timestamp", e.Timestamp))),
            _ => after,
        };

        string? DidOf(string agentId) => before.Roster.Agents[agentId].Did;
    }

    private AgentLog With(
        long version, string agentId, string operation, string? oldDid, string? newDid, DateTimeOffset at,
        string? signedBy = null, string? signature = null, string? metadata = null) =>
        this with
        {
            Entries = Entries.SetItem(agentId, Entries.GetValueOrDefault(agentId, [])
                .Add(new(IdOf(version, agentId), operation, oldDid, newDid, signedBy, signature, metadata, at))),
        };

    // The same id whenever the stream is read: a UUID of version 8, whose bits are of our own choice.
    private string IdOf(long version, string agentId)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{Project.Id}/{version}/{agentId}"), hash);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true).ToString();
    }

    private static string Metadata(params ReadOnlySpan<(string Name, string? Value)> fields)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var (name, value) in fields)
                if (value is not null) json.WriteString(name, value);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
