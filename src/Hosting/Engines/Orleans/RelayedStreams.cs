using Beadhub.Feed;
using Beadhub.Hosting.Cluster.Feeds;
using Orleans.Runtime;
using Orleans.Streams;

namespace Beadhub.Hosting.Engines;

/// <summary>
/// The feed's streams: a subscription gets what all nodes commit, in order and without gaps, by way of the <see cref="FeedRelay"/>; what
/// this node commits, at once. Nobody publishes here; what is committed comes from the log.
/// </summary>
internal sealed class RelayedStreams(string name, FeedRelay relay) : IStreamProvider
{
    public string Name => name;

    public bool IsRewindable => false;

    public IAsyncStream<T> GetStream<T>(StreamId streamId) =>
        typeof(T) == typeof(FeedBatch)
            ? (IAsyncStream<T>)(object)new RelayedStream(name, streamId, relay)
            : throw new NotSupportedException($"The stream provider {name} carries feed batches only.");
}
