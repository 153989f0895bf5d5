using Beadhub.EventLog;
using Beadhub.Feed;
using Orleans;
using Orleans.Runtime;

namespace Beadhub.Hosting.Engines;

/// <summary>Announces what was committed on the stream of its project. A lost announcement is made up from the log by whoever follows
/// it.</summary>
internal sealed class StreamFeedPublisher(IServiceProvider services, ILogger<StreamFeedPublisher> logger) : IFeedPublisher
{
    // Asked for when something was committed: grains need the log, and the log is opened with this.
    private IClusterClient? _cluster;

    public void Publish(string project, IReadOnlyList<FeedEvent> events)
    {
        try
        {
            var cluster = _cluster ??= services.GetRequiredService<IClusterClient>();
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
