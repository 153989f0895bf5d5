using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Beadhub.Escalations;

/// <summary>What is shown of one state of the escalations, good until the next of them expires. Each answer is made once. Safe for
/// concurrent callers.</summary>
internal sealed class EscalationViews
{
    private const int CachedPages = 64;

    private readonly EscalationList _state;
    private readonly DateTimeOffset _from;
    private readonly DateTimeOffset _until;
    private readonly Lazy<Escalation[]> _newestFirst;
    private readonly ConcurrentDictionary<EscalationQuery, EscalationPage> _pages = new();

    /// <param name="state">The escalations.</param>
    /// <param name="now">The time.</param>
    /// <param name="before">The views that these replace.</param>
    public EscalationViews(EscalationList state, DateTimeOffset now, EscalationViews? before)
    {
        (_state, _from) = (state, now);
        _newestFirst = new(() => [.. state.ById.Values.Order(Escalation.NewestFirst)]);
        var pending = 0;
        var until = DateTimeOffset.MaxValue;
        foreach (var escalation in state.ById.Values)
        {
            if (!escalation.IsPending || escalation.ExpiresAt <= now) continue;
            pending++;
            if (escalation.ExpiresAt < until) until = escalation.ExpiresAt;
        }

        _until = until;
        Pending = before?.Pending.Count == pending ? before.Pending : new(pending);
    }

    /// <summary>How many wait for an answer.</summary>
    public PendingEscalations Pending { get; }

    /// <summary>Whether these views show a state at a time. A clock that was set back makes new ones.</summary>
    public bool Show(EscalationList state, DateTimeOffset now) => ReferenceEquals(state, _state) && now >= _from && now < _until;

    /// <summary>A page (contract 11.2).</summary>
    public EscalationPage Page(EscalationQuery query)
    {
        // A set is compared by its identity: it would never be found again.
        if (query.WorkspaceIds is not null) return Make(query);
        if (_pages.TryGetValue(query, out var page)) return page;
        if (_pages.Count >= CachedPages) _pages.Clear();
        return _pages.GetOrAdd(query, Make);
    }

    private EscalationPage Make(EscalationQuery query)
    {
        var rows = ImmutableArray.CreateBuilder<EscalationRow>();
        foreach (var escalation in _newestFirst.Value)
        {
            if (query.After is { } cursor && !escalation.IsAfter(cursor)) continue;
            if (query.WorkspaceId is not null && escalation.WorkspaceId != query.WorkspaceId) continue;
            if (query.WorkspaceIds is not null && !query.WorkspaceIds.Contains(escalation.WorkspaceId)) continue;
            if (query.Alias is not null && escalation.Alias != query.Alias) continue;
            if (query.Status is not null && escalation.StatusAt(_from) != query.Status) continue;
            if (rows.Count == query.Limit)
            {
                var last = rows[^1];
                return new(rows.DrainToImmutable(), new(last.CreatedAt, last.EscalationId));
            }

            rows.Add(escalation.Row(_from));
        }

        return new(rows.DrainToImmutable(), null);
    }
}
