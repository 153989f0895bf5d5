using Orleans.Local;
using Orleans.Runtime;

namespace Orleans.Streams;

/// <summary>A queue and its observer. One delivery at a time; a grain's are turns of the grain.</summary>
internal sealed class MemorySubscription<T>(MemoryStreamProvider provider, StreamId stream, Activation? owner, IAsyncObserver<T> observer)
    : StreamSubscriptionHandle<T>, IThreadPoolWorkItem, IDisposable
{
    private readonly Queue<StreamNotice<T>> _queue = new();
    private volatile IAsyncObserver<T> _observer = observer;
    private volatile bool _ended;
    private bool _delivering;
    private bool _full;

    public override StreamId StreamId => stream;

    public override string ProviderName => provider.Name;

    public override Guid HandleId { get; } = Guid.NewGuid();

    public Activation? Owner => owner;

    public override Task UnsubscribeAsync()
    {
        Dispose();
        owner?.Disown(this);
        return Task.CompletedTask;
    }

    public override Task<StreamSubscriptionHandle<T>> ResumeAsync(IAsyncObserver<T> observer, StreamSequenceToken? token = null)
    {
        if (_ended) throw new InvalidOperationException("The subscription has ended.");
        _observer = observer;
        return Task.FromResult<StreamSubscriptionHandle<T>>(this);
    }

    public void Post(StreamNotice<T> notice)
    {
        var limit = provider.Cluster.Options.StreamBacklog;
        lock (_queue)
        {
            if (_ended) return;
            var full = _queue.Count >= limit;
            if (full && !_full) provider.Cluster.SubscriberTooSlow(stream, limit);
            _full = full;
            if (full) return;
            _queue.Enqueue(notice);
            if (_delivering) return;
            _delivering = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    public void Dispose()
    {
        _ended = true;
        provider.Remove(this);
        lock (_queue) _queue.Clear();
    }

    void IThreadPoolWorkItem.Execute() => _ = DeliverAsync();

    private async Task DeliverAsync()
    {
        while (true)
        {
            StreamNotice<T> notice;
            lock (_queue)
            {
                if (!_queue.TryDequeue(out notice))
                {
                    _delivering = false;
                    return;
                }
            }
            try
            {
                await (owner is null
                    ? Deliver(notice)
                    : owner.Turn(static (_, next) => next.Self.Deliver(next.Notice), (Self: this, Notice: notice))).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_ended)
            {
            }
            catch (Exception exception)
            {
                provider.Cluster.LogFailure(exception, "A subscriber", "stream", stream.ToString());
            }
        }
    }

    private Task Deliver(StreamNotice<T> notice) => _ended ? Task.CompletedTask : notice.Deliver(_observer);
}
