using Beadhub.Feed;
using Beadhub.Hosting.Cluster.Feeds;
using Orleans.Runtime;
using Orleans.Streams;

namespace Beadhub.Hosting.Engines;

/// <summary>The stream of one project's feed on this node.</summary>
internal sealed class RelayedStream(string provider, StreamId streamId, FeedRelay relay) : IAsyncStream<FeedBatch>
{
    public bool IsRewindable => false;

    public string ProviderName => provider;

    public StreamId StreamId => streamId;

    public async Task<StreamSubscriptionHandle<FeedBatch>> SubscribeAsync(IAsyncObserver<FeedBatch> observer)
    {
        var subscription = new RelayedSubscription(this, observer);
        await subscription.Follow(relay);
        return subscription;
    }

    public Task<StreamSubscriptionHandle<FeedBatch>> SubscribeAsync(IAsyncObserver<FeedBatch> observer, StreamSequenceToken? token,
        string? filterData = null) =>
        token is null && filterData is null ? SubscribeAsync(observer) : throw Unsupported();

    public Task<StreamSubscriptionHandle<FeedBatch>> SubscribeAsync(IAsyncBatchObserver<FeedBatch> observer) => throw Unsupported();

    public Task<StreamSubscriptionHandle<FeedBatch>> SubscribeAsync(IAsyncBatchObserver<FeedBatch> observer, StreamSequenceToken? token) =>
        throw Unsupported();

    public Task<IList<StreamSubscriptionHandle<FeedBatch>>> GetAllSubscriptionHandles() => throw Unsupported();

    public Task OnNextAsync(FeedBatch item, StreamSequenceToken? token = null) => throw Unsupported();

    public Task OnNextBatchAsync(IEnumerable<FeedBatch> batch, StreamSequenceToken? token = null) => throw Unsupported();

    public Task OnCompletedAsync() => throw Unsupported();

    public Task OnErrorAsync(Exception ex) => throw Unsupported();

    public bool Equals(IAsyncStream<FeedBatch>? other) => other is RelayedStream && other.StreamId.Equals(StreamId);

    public override bool Equals(object? obj) => Equals(obj as IAsyncStream<FeedBatch>);

    public override int GetHashCode() => StreamId.GetHashCode();

    public int CompareTo(IAsyncStream<FeedBatch>? other) => other is null ? 1 : StreamId.CompareTo(other.StreamId);

    internal static NotSupportedException Unsupported() =>
        new("The feed's streams are written by the event log alone, keep no subscriptions, and begin at the present.");
}
