using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Outreach;

/// <summary>
/// What people of a project were told outside the server. Key: project id. What waits for them is told by its own grains; here is what went
/// out of it, so that after a crash, or on another node, nothing is forgotten and little is sent twice.
/// </summary>
[Alias("beadhub.outreach")]
public interface IOutreachGrain : IGrainWithStringKey
{
    /// <summary>Notes that the project is to be looked after.</summary>
    [Repeatable, AlwaysInterleave]
    Task Begin();

    /// <summary>Notes that something went out by a channel.</summary>
    [AlwaysInterleave]
    Task Sent(OutreachSent sent);

    /// <summary>Notes what waits for nobody any more.</summary>
    [Repeatable, AlwaysInterleave]
    Task Settle(ImmutableArray<string> items);

    /// <summary>What went out and still waits.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<OutreachState>> Open();
}

/// <summary>The projects in which people are to be looked after. Key: any.</summary>
[Alias("beadhub.outreach_projects")]
public interface IOutreachProjectsGrain : IGrainWithStringKey
{
    /// <summary>Ids of the projects that have, or had, escalations or people among their agents.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<string>> All();
}

/// <summary>What went out by a channel.</summary>
/// <param name="Item">What: <c>escalation/ID</c>, <c>mail/ID</c>, or <c>digest</c>.</param>
/// <param name="Channel">By which channel.</param>
/// <param name="Times">How often.</param>
/// <param name="LastAt">When last.</param>
[GenerateSerializer, Immutable, Alias("outreach.state.v1")]
public sealed record OutreachState(
    [property: Id(0)] string Item, [property: Id(1)] string Channel, [property: Id(2)] int Times, [property: Id(3)] DateTimeOffset LastAt);

/// <summary>The project is to be looked after.</summary>
[GenerateSerializer, Immutable, Alias("outreach.begun.v1")]
public sealed record OutreachBegun([property: Id(0)] DateTimeOffset At) : IEvent;

/// <summary>Something went out by a channel.</summary>
[GenerateSerializer, Immutable, Alias("outreach.sent.v1")]
public sealed record OutreachSent(
    [property: Id(0)] string Item, [property: Id(1)] string Channel, [property: Id(2)] DateTimeOffset At) : IEvent;

/// <summary>Things wait for nobody any more.</summary>
[GenerateSerializer, Immutable, Alias("outreach.settled.v1")]
public sealed record OutreachSettled([property: Id(0)] ImmutableArray<string> Items, [property: Id(1)] DateTimeOffset At) : IEvent;
