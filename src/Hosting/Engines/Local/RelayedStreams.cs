using Beadhub.Feed;
using Beadhub.Hosting.Cluster.Feeds;
using Orleans.Runtime;
using Orleans.Streams;

namespace Beadhub.Hosting.Engines;

/// <summary>
/// The feed's streams in a cluster of nodes that each run their own grains: a subscription gets what all nodes commit, by way of the
/// <see cref="FeedRelay"/>. Nobody publishes here; what is committed comes from the log.
/// </summary>
/// <param name="name">Name of the provider.</param>
/// <param name="inner">Carries batches to the subscribers within this node, each at its own pace.</param>
/// <param name="relay">Where the batches come from.</param>
internal sealed class RelayedStreams(string name, IStreamProvider inner, FeedRelay relay) : IStreamProvider
{
    public string Name => name;

    public IAsyncStream<T> GetStream<T>(StreamId streamId) =>
        typeof(T) == typeof(FeedBatch)
            ? (IAsyncStream<T>)(object)new RelayedStream(this, inner.GetStream<FeedBatch>(streamId))
            : throw new NotSupportedException($"The stream provider {name} carries feed batches only.");

    private sealed class RelayedStream(RelayedStreams provider, IAsyncStream<FeedBatch> inner) : IAsyncStream<FeedBatch>
    {
        public string ProviderName => provider.Name;

        public StreamId StreamId => inner.StreamId;

        public async Task<StreamSubscriptionHandle<FeedBatch>> SubscribeAsync(IAsyncObserver<FeedBatch> observer)
        {
            // Each subscription has a stream of its own within the node, and with it a queue of its own.
            var own = provider
                .Inner(StreamId.Create(inner.StreamId.GetNamespace()!, $"{inner.StreamId.GetKeyAsString()}/{Guid.NewGuid():N}"));
            var handle = await own.SubscribeAsync(observer);
            try
            {
                var following = await provider.Follow(inner.StreamId.GetKeyAsString(), own);
                return new RelayedSubscription(this, handle, following);
            }
            catch
            {
                await handle.UnsubscribeAsync();
                throw;
            }
        }

        public Task<IList<StreamSubscriptionHandle<FeedBatch>>> GetAllSubscriptionHandles() => throw NotHere();

        public Task OnNextAsync(FeedBatch item, StreamSequenceToken? token = null) => throw NotHere();

        public Task OnCompletedAsync() => throw NotHere();

        public Task OnErrorAsync(Exception ex) => throw NotHere();

        private static NotSupportedException NotHere() =>
            new("The feed's streams are written by the event log alone, and keep no subscriptions.");
    }

    private IAsyncStream<FeedBatch> Inner(StreamId id) => inner.GetStream<FeedBatch>(id);

    private Task<IAsyncDisposable> Follow(string project, IAsyncStream<FeedBatch> own) =>
        relay.Follow(project, batch => _ = own.OnNextAsync(batch));

    private sealed class RelayedSubscription(RelayedStream stream, StreamSubscriptionHandle<FeedBatch> inner, IAsyncDisposable following)
        : StreamSubscriptionHandle<FeedBatch>
    {
        public override StreamId StreamId => stream.StreamId;

        public override string ProviderName => stream.ProviderName;

        public override Guid HandleId => inner.HandleId;

        public override async Task UnsubscribeAsync()
        {
            await following.DisposeAsync();
            await inner.UnsubscribeAsync();
        }

        public override async Task<StreamSubscriptionHandle<FeedBatch>> ResumeAsync(IAsyncObserver<FeedBatch> observer,
            StreamSequenceToken? token = null)
        {
            await inner.ResumeAsync(observer, token);
            return this;
        }
    }
}
