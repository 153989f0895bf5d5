using Beadhub.EventLog;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Feed;

/// <summary>Reads a project's feed from the log.</summary>
[StatelessWorker]
public sealed class FeedGrain(IEventLog log) : Grain, IFeedGrain
{
    private const int MaxBatch = 1000;

    /// <inheritdoc/>
    public ValueTask<long> Head() => log.Head(this.GetPrimaryKeyString());

    /// <inheritdoc/>
    public async ValueTask<FeedBatch> Read(long after, int max) =>
        new([.. await log.ReadFeed(this.GetPrimaryKeyString(), after, Math.Clamp(max, 1, MaxBatch))]);
}
