using Orleans.Local;
using Orleans.Runtime;

namespace Orleans.Streams;

/// <summary>A queue and its observer. One delivery at a time; a grain's are turns of the grain.</summary>
internal sealed class MemorySubscription<T>(MemoryStreamProvider provider, StreamId stream, Activation? owner, IAsyncObserver<T> observer)
    : StreamSubscriptionHandle<T>, IThreadPoolWorkItem, IDisposable
{
    private readonly Queue<StreamNotice<T>> _queue = new();
    private StreamNotice<T>? _dropped; // the newest of those that found the queue full
    private long _bytes; // of what is in the queue
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
        var options = provider.Cluster.Options;
        var size = SizeOf(notice);
        lock (_queue)
        {
            if (_ended) return;
            // One item fits in always, however large.
            var full = _queue.Count >= options.StreamBacklog || (_queue.Count > 0 && _bytes + size > options.StreamBacklogBytes);
            if (full && !_full) provider.Cluster.SubscriberTooSlow(stream, _queue.Count);
            _full = full;
            if (full)
            {
                // Delivered in the end, so that the subscriber sees that it has missed something also when nothing follows.
                _dropped = notice;
                return;
            }

            _dropped = null; // what follows shows it as well
            _queue.Enqueue(notice);
            _bytes += size;
            if (_delivering) return;
            _delivering = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    public void Dispose()
    {
        _ended = true;
        provider.Remove(this);
        lock (_queue)
        {
            _queue.Clear();
            (_dropped, _bytes) = (null, 0);
        }
    }

    void IThreadPoolWorkItem.Execute() => _ = DeliverAsync();

    private async Task DeliverAsync()
    {
        while (true)
        {
            StreamNotice<T> notice;
            lock (_queue)
            {
                if (_queue.TryDequeue(out notice))
                {
                    _bytes -= SizeOf(notice);
                }
                else if (_dropped is { } newest)
                {
                    (notice, _dropped) = (newest, null);
                }
                else
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
            catch (OperationCanceledException ended) when (_ended || ended is ActivationEndedException)
            {
                // An end that has begun disposes of its subscriptions a moment later.
            }
            catch (Exception exception)
            {
                provider.Cluster.LogFailure(exception, "A subscriber", "stream", stream.ToString());
            }
        }
    }

    private long SizeOf(StreamNotice<T> notice) =>
        notice.Item is { } item && provider.Cluster.Options.StreamItemSize is { } size ? size(item) : 0;

    private Task Deliver(StreamNotice<T> notice) => _ended ? Task.CompletedTask : notice.Deliver(_observer);
}
