using Beadhub.EventLog;

namespace Beadhub.Idempotency;

/// <summary>The shell of <see cref="IdempotentRequest"/>. That a request is under way is known in memory only: a node that dies ends it, and two nodes may carry out one request at the same time, of which both give the
/// answer of the one that was faster.</summary>
public sealed class IdempotentRequestGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<IdempotentRequest>(log), IIdempotentRequestGrain
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private TaskCompletionSource? _underWay;

    /// <inheritdoc/>
    public async Task<RequestBegun> Begin(string fingerprint)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            var begun = await Read(request => request.Begin(fingerprint));
            if (begun.Step != RequestStep.Proceed) return begun;
            Task first;
            lock (_lock)
            {
                if (_underWay is null)
                {
                    _underWay = new(TaskCreationOptions.RunContinuationsAsynchronously);
                    return begun;
                }

                first = _underWay.Task;
            }

            var left = Patience - time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero) return new(RequestStep.Wait);
            try
            {
                await first.WaitAsync(left, time);
            }
            catch (TimeoutException)
            {
                return new(RequestStep.Wait);
            }
        }
    }

    /// <inheritdoc/>
    public async Task<RequestBegun> Complete(RecordedAnswer answer)
    {
        try
        {
            return await Transact(request => request.Complete(answer, time.Now()));
        }
        finally
        {
            await Abandon();
        }
    }

    /// <inheritdoc/>
    public Task Abandon()
    {
        TaskCompletionSource? ended;
        lock (_lock) (ended, _underWay) = (_underWay, null);
        ended?.TrySetResult();
        return Task.CompletedTask;
    }
}
