using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Beadhub.Presence;

/// <summary>Presence in this process's memory, for a node that runs alone.</summary>
public sealed class MemoryPresenceStore(TimeProvider time, PresenceOptions options) : IPresenceStore
{
    // Whoever was there longer ago is not remembered here: it would be lost with a restart, too.
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(1);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<string, ProjectPresence> _projects = new();
    private long _sweptAt;

    /// <summary>A store with the default options.</summary>
    public MemoryPresenceStore(TimeProvider time) : this(time, PresenceOptions.Default) { }

    /// <summary>Projects of which something is known.</summary>
    public int Count => _projects.Count;

    /// <inheritdoc/>
    public ValueTask<AgentPresence> Set(SignOfLife sign) => new(Change(sign, AgentPresence.Reported));

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
        var now = time.Now();
        Sweep(now);
        while (true)
        {
            var project = _projects.GetOrAdd(projectId, static _ => new());
            lock (project)
            {
                if (project.IsForgotten) continue;
                (project.Seen, project.ChangedAt) = (project.Seen.SetItem(workspaceId, now), now);
                return default;
            }
        }
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
        Sweep(time.Now());
        while (true)
        {
            var project = _projects.GetOrAdd(sign.ProjectId, static _ => new());
            lock (project)
            {
                if (project.IsForgotten) continue;
                var now = time.Now();
                var present = project.Now.At(now);
                var presence = change(sign, present.Find(sign.WorkspaceId)) with { LastSeen = now, ExpiresAt = now
                    + (sign.Ttl ?? options.Ttl) };
                (project.Now, project.ChangedAt) = (present.With(presence), now);
                return presence;
            }
        }
    }

    /// <summary>Forgets projects where nobody was for long, now and then.</summary>
    private void Sweep(DateTimeOffset now)
    {
        var sweptAt = Volatile.Read(ref _sweptAt);
        if (now.UtcTicks - sweptAt < SweepEvery.Ticks || Interlocked.CompareExchange(ref _sweptAt, now.UtcTicks, sweptAt) != sweptAt)
            return;
        foreach (var (id, project) in _projects)
        {
            lock (project)
            {
                if (now - project.ChangedAt < Remembered || !ReferenceEquals(project.Now.At(now), PresenceSnapshot.Empty)) continue;
                project.IsForgotten = true;
                _projects.TryRemove(new(id, project));
            }
        }
    }

    private sealed class ProjectPresence
    {
        public static readonly ImmutableDictionary<string, DateTimeOffset> Nobody = ImmutableDictionary<string, DateTimeOffset>.Empty;

        private volatile PresenceSnapshot _now = PresenceSnapshot.Empty;
        private volatile ImmutableDictionary<string, DateTimeOffset> _seen = Nobody;

        public DateTimeOffset ChangedAt { get; set; }

        /// <summary>Whoever holds it still looks for another one.</summary>
        public bool IsForgotten { get; set; }

        public PresenceSnapshot Now { get => _now; set => _now = value; }

        public ImmutableDictionary<string, DateTimeOffset> Seen { get => _seen; set => _seen = value; }
    }
}
