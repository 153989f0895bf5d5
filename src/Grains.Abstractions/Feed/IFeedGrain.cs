using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Feed;

/// <summary>Reads a project's feed from the log, for consumers that follow it from a position. Key: project id.</summary>
[Alias("beadhub.feed")]
public interface IFeedGrain : IGrainWithStringKey
{
    /// <summary>Name of the stream provider and namespace whose streams, one a project id, announce <see cref="FeedBatch"/>es after
    /// commit.</summary>
    const string Stream = "feed";

    /// <summary>Position of the newest event; 0 when there is none.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<long> Head();

    /// <summary>Events after a position, in order, without gaps; empty at the end.</summary>
    /// <param name="after">Position of the last event handled.</param>
    /// <param name="max">At most this many.</param>
    [ReadOnly, AlwaysInterleave]
    ValueTask<FeedBatch> Read(long after, int max);
}

/// <summary>Events of one project with consecutive positions.</summary>
[GenerateSerializer, Immutable, Alias("feed.batch.v1")]
public sealed record FeedBatch([property: Id(0)] ImmutableArray<FeedEvent> Events);
