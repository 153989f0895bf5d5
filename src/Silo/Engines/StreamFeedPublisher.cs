using Beadhub.EventLog;
using Beadhub.Feed;
using Orleans;
using Orleans.Runtime;

namespace Beadhub.Silo.Engines;

/// <summary>Announces what was committed on the stream of its project. A lost announcement is made up from the log by whoever follows it.</summary>
internal sealed class StreamFeedPublisher(ILogger<StreamFeedPublisher> logger) : IFeedPublisher
{
    private IClusterClient? _cluster;

    /// <summary>The log opens before the grains run; until then nobody listens.</summary>
    public void Connect(IClusterClient cluster) => _cluster = cluster;

    public void Publish(string project, IReadOnlyList<FeedEvent> events)
    {
        if (_cluster is not { } cluster) return;
        try
        {
            var stream = cluster.GetStreamProvider(IFeedGrain.Stream).GetStream<FeedBatch>(StreamId.Create(IFeedGrain.Stream, project));
            var published = stream.OnNextAsync(new([.. events]));
            if (!published.IsCompletedSuccessfully) _ = Watch(published);
        }
        catch (Exception e)
        {
            logger.LogWarning(e, "A feed batch was not announced");
        }
    }

    private async Task Watch(Task published)
    {
        try
        {
            await published;
        }
        catch (Exception e)
        {
            logger.LogWarning(e, "A feed batch was not announced");
        }
    }
}
