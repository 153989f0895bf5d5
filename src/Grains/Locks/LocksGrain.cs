using System.Collections.Concurrent;
using System.Collections.Immutable;
using Beadhub.EventLog;

namespace Beadhub.Locks;

/// <inheritdoc cref="ILocksGrain"/>
public sealed class LocksGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<Locks>(log), ILocksGrain
{
    private static readonly Func<Locks, Locks> WholeState = locks => locks;

    private volatile Lists _lists = new(Locks.Empty, DateTimeOffset.MinValue);

    /// <inheritdoc/>
    public Task<AcquireOutcome> Acquire(AcquireReservations command) =>
        Transact(locks => locks.Acquire(command, time.Now()), result: LocksJson.Relaxed.AcquireOutcome);

    /// <inheritdoc/>
    public Task<DateTimeOffset> Renew(RenewReservation command) =>
        Transact(locks => locks.Renew(command, time.Now()), result: LocksJson.Relaxed.DateTimeOffset);

    /// <inheritdoc/>
    public Task Release(string key, string agentId)
    {
        // Another agent may have taken the key since the call that this one repeats gave it back.
        var mayBeDone = RepeatedCall.IsServed;
        return Transact(locks => locks.Release(key, agentId, time.Now(), mayBeDone), result: LocksJson.Relaxed.Boolean);
    }

    /// <inheritdoc/>
    public Task<ImmutableArray<string>> Revoke(string? prefix, string agentId) =>
        Transact(locks => locks.Revoke(prefix, agentId, time.Now()), result: LocksJson.Relaxed.ImmutableArrayString);

    /// <inheritdoc/>
    public async ValueTask<ReservationList> List(string? prefix)
    {
        var locks = await Read(WholeState);
        var now = time.Now();
        var lists = _lists;
        if (!ReferenceEquals(lists.Locks, locks) || now >= lists.Until || now < lists.Since) _lists = lists = new(locks, now);
        return lists.Get(prefix ?? "");
    }

    /// <summary>Lists as they are while nothing changes, nothing ends, and no second passes that a list counts down.</summary>
    private sealed class Lists(Locks locks, DateTimeOffset now)
    {
        private const int Capacity = 32;
        private readonly ConcurrentDictionary<string, ReservationList> _byPrefix = new();

        public Locks Locks => locks;

        public DateTimeOffset Since => now;

        public DateTimeOffset Until { get; } = locks.At(now).FirstEnd is not { } end
            ? DateTimeOffset.MaxValue : end < now.AddSeconds(1) ? end : now.AddSeconds(1);

        public ReservationList Get(string prefix)
        {
            if (_byPrefix.TryGetValue(prefix, out var list)) return list;
            if (_byPrefix.Count >= Capacity) _byPrefix.Clear();
            return _byPrefix.GetOrAdd(prefix, locks.List(prefix, now));
        }
    }
}
