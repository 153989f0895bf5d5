using Beadhub.EventLog;
using Beadhub.Identities;

namespace Beadhub.Idempotency;

/// <summary>The shell of <see cref="IdempotentRequest"/>. That a request is under way is known in memory only: a node that dies ends it, and two nodes may carry out one request at the same time, of which both give the
/// answer of the one that was faster.</summary>
public sealed class IdempotentRequestGrain(IEventLog log, TimeProvider time, Seal seal) : EventSourcedGrain<IdempotentRequest>(log), IIdempotentRequestGrain
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // Longer than any request takes; a client that repeats one whose node died is told to wait for no longer.
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private Turn? _underWay;

    /// <summary>Who carries the request out. Completes when it has ended.</summary>
    private sealed class Turn(long begun) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public Guid Id { get; } = Guid.NewGuid();

        public long Begun => begun;
    }

    /// <inheritdoc/>
    public async Task<RequestBegun> Begin(string fingerprint)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            var begun = await Read(request => request.Begin(fingerprint, seal));
            if (begun.Step != RequestStep.Proceed) return begun;
            Task first;
            TimeSpan held;
            lock (_lock)
            {
                held = _underWay is null ? TimeSpan.Zero : HeldFor(_underWay);
                if (held <= TimeSpan.Zero)
                {
                    _underWay = new(time.GetTimestamp());
                    return begun with { Turn = _underWay.Id };
                }

                first = _underWay!.Task;
            }

            var left = Patience - time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero) return new(RequestStep.Wait);
            await first.WaitAsync(left < held ? left : held, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    /// <inheritdoc/>
    public async Task<RequestBegun> Complete(RecordedAnswer answer, Guid turn)
    {
        try
        {
            return await Transact(request => request.Complete(answer, seal, time.Now()));
        }
        finally
        {
            await Abandon(turn);
        }
    }

    /// <inheritdoc/>
    public Task Abandon(Guid turn)
    {
        Turn? ended = null;
        lock (_lock)
            if (_underWay?.Id == turn) (ended, _underWay) = (_underWay, null);
        ended?.TrySetResult();
        return Task.CompletedTask;
    }

    /// <summary>How long the turn still lasts. In a process that is alone, whoever carries out a request dies together with this grain, and may take as long as it likes.</summary>
    private TimeSpan HeldFor(Turn turn) => Log.ExclusiveEpoch > 0 ? TimeSpan.MaxValue : Lease - time.GetElapsedTime(turn.Begun);
}
