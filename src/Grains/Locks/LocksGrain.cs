using System.Collections.Concurrent;
using System.Collections.Immutable;
using Beadhub.EventLog;
using Orleans;

namespace Beadhub.Locks;

/// <inheritdoc cref="ILocksGrain"/>
public sealed class LocksGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<Locks>(log), ILocksGrain
{
    private static readonly Func<Locks, Locks> Itself = locks => locks;

    private volatile Lists _lists = new(Locks.Empty, DateTimeOffset.MinValue);

    /// <inheritdoc/>
    public async Task<AcquireOutcome> Acquire(AcquireReservations command)
    {
        var mark = Locks.MarkOf(command.ReservationId);
        while (true)
        {
            MarkedEvent? marked;
            try
            {
                var outcome = await Transact(locks => locks.Acquire(command, time.Now()));
                // What was reserved and is over by now may be another's; the repeat still hears what its first time did.
                marked = command.MayRepeat && outcome.Conflicts.Length > 0 ? await Log.FindMark(this.GetPrimaryKeyString(), mark) : null;
                if (marked is null) return outcome;
            }
            catch (MarkTakenException taken)
            {
                // Without an event it was decided at the same moment: by now it can be seen.
                if ((marked = taken.Marked) is null) continue;
            }

            return await FirstTime(marked.Value, command);
        }
    }

    /// <inheritdoc/>
    public Task<DateTimeOffset> Renew(RenewReservation command) => Transact(locks => locks.Renew(command, time.Now()));

    /// <inheritdoc/>
    public Task Release(string key, string agentId) => Transact(locks => locks.Release(key, agentId, time.Now()));

    /// <inheritdoc/>
    public Task<ImmutableArray<string>> Revoke(string? prefix, string agentId) => Transact(locks => locks.Revoke(prefix, agentId, time.Now()));

    /// <inheritdoc/>
    public async ValueTask<ReservationList> List(string? prefix)
    {
        var locks = await Read(Itself);
        var now = time.Now();
        var lists = _lists;
        if (!ReferenceEquals(lists.Locks, locks) || now >= lists.Until || now < lists.Since) _lists = lists = new(locks, now);
        return lists.Get(prefix ?? "");
    }

    private async Task<AcquireOutcome> FirstTime(MarkedEvent marked, AcquireReservations command)
    {
        var stored = await Log.ReadStream(marked.Stream, marked.Version - 1, 1);
        return stored is [var e] && EventTypes.Parse(e.Type, e.Data) is ReservationAcquired first && first.AgentId == command.AgentId
            ? new(first.At, first.ExpiresAt, [])
            : throw new RefusedException(RefusalKind.Conflict, "The reservation's id is taken");
    }

    /// <summary>Lists as they are while nothing changes, nothing ends, and no second passes that a list counts down.</summary>
    private sealed class Lists(Locks locks, DateTimeOffset now)
    {
        private const int Capacity = 32;
        private readonly ConcurrentDictionary<string, ReservationList> _byPrefix = new();

        public Locks Locks => locks;

        public DateTimeOffset Since => now;

        public DateTimeOffset Until { get; } = locks.At(now).FirstEnd is not { } end ? DateTimeOffset.MaxValue : end < now.AddSeconds(1) ? end : now.AddSeconds(1);

        public ReservationList Get(string prefix)
        {
            if (_byPrefix.TryGetValue(prefix, out var list)) return list;
            if (_byPrefix.Count >= Capacity) _byPrefix.Clear();
            return _byPrefix.GetOrAdd(prefix, locks.List(prefix, now));
        }
    }
}
