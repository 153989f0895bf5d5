using System.Collections.Immutable;
using Beadhub.Beads;
using Orleans;

namespace Beadhub.Boards;

/// <summary>What is to be told of a project's plan.</summary>
/// <param name="Agents">Among how many agents the work is divided.</param>
/// <param name="Limit">Beads that are listed, most awaited first; also the most of each track and of the circles.</param>
/// <param name="StaleAfter">How long nothing has happened about a claimed bead before its claim is listed.</param>
/// <param name="Now">The time from which all is counted.</param>
[GenerateSerializer, Immutable, Alias("board.plan_query.v1")]
public sealed record PlanQuery(
    [property: Id(0)] int Agents, [property: Id(1)] int Limit, [property: Id(2)] TimeSpan StaleAfter, [property: Id(3)] DateTimeOffset Now);

/// <summary>What is left of a project's plan. Times are minutes of work: a bead's estimate, else 1.</summary>
/// <param name="Open">Issues that are not done.</param>
/// <param name="Work">Minutes of all that can be done.</param>
/// <param name="CriticalPath">The chain of beads that takes longest, in order.</param>
/// <param name="Length">Minutes of the critical path.</param>
/// <param name="Stuck">Number of issues that can never be begun: in a circle, behind a blocker that is not stored or no work, or behind
/// these.</param>
/// <param name="Cycles">Issues that wait for each other, each circle by itself.</param>
/// <param name="Articulation">Beads without which the plan falls into more parts than it has.</param>
/// <param name="Beads">The beads for which most wait.</param>
/// <param name="Tracks">What each agent would do.</param>
/// <param name="Makespan">Minutes that it takes so.</param>
/// <param name="LeastPossible">Minutes below which no division among so many agents can go.</param>
/// <param name="StaleClaims">Claims on beads about which nothing has happened for long, oldest first.</param>
/// <param name="Pace">How fast beads were closed.</param>
/// <param name="Forecast">When the last would be closed at that pace; null when none was closed in the time that is looked at.</param>
[GenerateSerializer, Immutable, Alias("board.plan_insights.v1")]
public sealed record PlanInsights(
    [property: Id(0)] int Open,
    [property: Id(1)] long Work,
    [property: Id(2)] ImmutableArray<PlannedBead> CriticalPath,
    [property: Id(3)] long Length,
    [property: Id(4)] int Stuck,
    [property: Id(5)] ImmutableArray<ImmutableArray<BeadRef>> Cycles,
    [property: Id(6)] ImmutableArray<BeadRef> Articulation,
    [property: Id(7)] ImmutableArray<PlannedBead> Beads,
    [property: Id(8)] ImmutableArray<ImmutableArray<PlannedBead>> Tracks,
    [property: Id(9)] long Makespan,
    [property: Id(10)] long LeastPossible,
    [property: Id(11)] ImmutableArray<StaleClaim> StaleClaims,
    [property: Id(12)] PlanPace Pace,
    [property: Id(13)] PlanForecast? Forecast);

/// <summary>A bead's place in the plan.</summary>
/// <param name="Bead">The bead.</param>
/// <param name="Title">Its title.</param>
/// <param name="Status">Its status.</param>
/// <param name="Minutes">How long it takes.</param>
/// <param name="Start">In how many minutes it can be begun, or is, in a track.</param>
/// <param name="Slack">How much later it can be begun without the whole taking longer; null when it is stuck.</param>
/// <param name="Unblocks">How many beads wait for it, through others too.</param>
[GenerateSerializer, Immutable, Alias("board.planned_bead.v1")]
public sealed record PlannedBead(
    [property: Id(0)] BeadRef Bead,
    [property: Id(1)] string? Title,
    [property: Id(2)] string? Status,
    [property: Id(3)] long Minutes,
    [property: Id(4)] long Start,
    [property: Id(5)] long? Slack,
    [property: Id(6)] int Unblocks);

/// <summary>A claim on a bead about which nothing has happened for long.</summary>
/// <param name="Claim">The claim.</param>
/// <param name="LastChange">When the bead was last claimed or changed.</param>
[GenerateSerializer, Immutable, Alias("board.stale_claim.v1")]
public sealed record StaleClaim([property: Id(0)] ClaimRow Claim, [property: Id(1)] DateTimeOffset LastChange);

/// <summary>How fast beads were made and closed.</summary>
/// <param name="ClosedIn7Days">Closed in the last 7 days.</param>
/// <param name="ClosedIn30Days">Closed in the last 30 days.</param>
/// <param name="CreatedIn7Days">Created in the last 7 days.</param>
/// <param name="CreatedIn30Days">Created in the last 30 days.</param>
/// <param name="MedianLeadTime">From creation to being closed, of those closed in the last 30 days: half took no longer.</param>
/// <param name="LongLeadTime">The same: nine of ten took no longer.</param>
[GenerateSerializer, Immutable, Alias("board.plan_pace.v1")]
public sealed record PlanPace(
    [property: Id(0)] int ClosedIn7Days,
    [property: Id(1)] int ClosedIn30Days,
    [property: Id(2)] int CreatedIn7Days,
    [property: Id(3)] int CreatedIn30Days,
    [property: Id(4)] TimeSpan? MedianLeadTime,
    [property: Id(5)] TimeSpan? LongLeadTime);

/// <summary>When all that is open would be closed, were the coming days like the last ones. Null is later than ten years from
/// now.</summary>
/// <param name="Early">Not before, in nine of ten cases.</param>
/// <param name="Likely">As likely before as after.</param>
/// <param name="Late">Not after, in nine of ten cases.</param>
[GenerateSerializer, Immutable, Alias("board.plan_forecast.v1")]
public sealed record PlanForecast(
    [property: Id(0)] DateTimeOffset? Early, [property: Id(1)] DateTimeOffset? Likely, [property: Id(2)] DateTimeOffset? Late);

/// <summary>By what the next bead is chosen among those that nobody works on.</summary>
public enum ClaimStrategy
{
    /// <summary>The most urgent, then by name.</summary>
    Priority,

    /// <summary>Of the most urgent the one that the longest chain of work follows.</summary>
    Unblock,

    /// <summary>Of the most urgent the one nearest to what the claimant worked on last: its follower, of the same parent, with the same
    /// labels.</summary>
    Track,
}
