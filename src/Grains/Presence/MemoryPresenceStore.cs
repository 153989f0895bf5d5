using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Beadhub.Presence;

/// <summary>Presence in this process's memory, for a node that runs alone.</summary>
public sealed class MemoryPresenceStore(TimeProvider time, PresenceOptions options) : IPresenceStore
{
    private readonly ConcurrentDictionary<string, ProjectPresence> _projects = new();

    /// <summary>A store with the default options.</summary>
    public MemoryPresenceStore(TimeProvider time) : this(time, PresenceOptions.Default) { }

    /// <inheritdoc/>
    public ValueTask<AgentPresence> Set(SignOfLife sign) => new(Change(sign, AgentPresence.Told));

    /// <inheritdoc/>
    public ValueTask<AgentPresence> Refresh(SignOfLife sign) => new(Change(sign, AgentPresence.Refreshed));

    /// <inheritdoc/>
    public ValueTask<bool> Clear(string projectId, string workspaceId)
    {
        if (!_projects.TryGetValue(projectId, out var project)) return new(false);
        lock (project)
        {
            var before = project.Now.At(time.Now());
            project.Now = before.Without(workspaceId);
            return new(!ReferenceEquals(before, project.Now));
        }
    }

    /// <inheritdoc/>
    public ValueTask Touch(string projectId, string workspaceId)
    {
        var project = _projects.GetOrAdd(projectId, static _ => new());
        lock (project) project.Seen = project.Seen.SetItem(workspaceId, time.Now());
        return default;
    }

    /// <inheritdoc/>
    public ValueTask<ImmutableDictionary<string, DateTimeOffset>> Seen(string projectId) =>
        new(_projects.TryGetValue(projectId, out var project) ? project.Seen : ProjectPresence.Nobody);

    /// <inheritdoc/>
    public ValueTask<PresenceSnapshot> Snapshot(string projectId)
    {
        if (!_projects.TryGetValue(projectId, out var project)) return new(PresenceSnapshot.Empty);
        var now = time.Now();
        var snapshot = project.Now;
        if (now < snapshot.ValidUntil) return new(snapshot);
        lock (project) return new(project.Now = project.Now.At(now));
    }

    private AgentPresence Change(SignOfLife sign, Func<SignOfLife, AgentPresence?, AgentPresence> change)
    {
        var project = _projects.GetOrAdd(sign.ProjectId, static _ => new());
        lock (project)
        {
            var now = time.Now();
            var present = project.Now.At(now);
            var presence = change(sign, present.Find(sign.WorkspaceId)) with { LastSeen = now, ExpiresAt = now + (sign.Ttl ?? options.Ttl) };
            project.Now = present.With(presence);
            return presence;
        }
    }

    private sealed class ProjectPresence
    {
        public static readonly ImmutableDictionary<string, DateTimeOffset> Nobody = ImmutableDictionary<string, DateTimeOffset>.Empty;

        private volatile PresenceSnapshot _now = PresenceSnapshot.Empty;
        private volatile ImmutableDictionary<string, DateTimeOffset> _seen = Nobody;

        public PresenceSnapshot Now { get => _now; set => _now = value; }

        public ImmutableDictionary<string, DateTimeOffset> Seen { get => _seen; set => _seen = value; }
    }
}
