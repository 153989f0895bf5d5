using System.Threading.Channels;
using Beadhub.Feed;
using Beadhub.Hosting.Cluster.Feeds;
using Orleans.Runtime;
using Orleans.Streams;

namespace Beadhub.Hosting.Engines;

/// <summary>A queue and its observer, who gets one batch at a time. An observer that is far behind misses the oldest: it finds them in the
/// log.</summary>
internal sealed class RelayedSubscription(RelayedStream stream, IAsyncObserver<FeedBatch> observer) : StreamSubscriptionHandle<FeedBatch>
{
    private readonly Channel<FeedBatch> _queue = Channel.CreateBounded<FeedBatch>(
        new BoundedChannelOptions(10_000) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true, SingleWriter = true });

    private volatile IAsyncObserver<FeedBatch> _observer = observer;
    private IAsyncDisposable? _following;

    public override StreamId StreamId => stream.StreamId;

    public override string ProviderName => stream.ProviderName;

    public override Guid HandleId { get; } = Guid.NewGuid();

    /// <summary>Begins to deliver what is committed from now on.</summary>
    public async Task Follow(FeedRelay relay)
    {
        _following = await relay.Follow(StreamId.GetKeyAsString(), batch => _queue.Writer.TryWrite(batch));
        _ = Task.Run(Deliver);
    }

    public override async Task UnsubscribeAsync()
    {
        _queue.Writer.TryComplete();
        if (_following is { } following) await following.DisposeAsync();
    }

    public override Task<StreamSubscriptionHandle<FeedBatch>> ResumeAsync(IAsyncObserver<FeedBatch> observer,
        StreamSequenceToken? token = null)
    {
        if (token is not null || _queue.Reader.Completion.IsCompleted) throw RelayedStream.Unsupported();
        _observer = observer;
        return Task.FromResult<StreamSubscriptionHandle<FeedBatch>>(this);
    }

    public override Task<StreamSubscriptionHandle<FeedBatch>> ResumeAsync(IAsyncBatchObserver<FeedBatch> observer,
        StreamSequenceToken? token = null) =>
        throw RelayedStream.Unsupported();

    public override bool Equals(StreamSubscriptionHandle<FeedBatch>? other) => ReferenceEquals(this, other);

    private async Task Deliver()
    {
        await foreach (var batch in _queue.Reader.ReadAllAsync())
        {
            try
            {
                await _observer.OnNextAsync(batch);
            }
            catch (Exception e)
            {
                await _observer.OnErrorAsync(e);
            }
        }
    }
}
