using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Audit;

/// <summary>
/// What was done that changes who may do what, and what was deleted. Key: project id, or <see cref="Instance"/> for what belongs to no
/// project.
/// </summary>
[Alias("beadhub.audit")]
public interface IAuditGrain : IGrainWithStringKey
{
    /// <summary>Key of the trail of what belongs to no project.</summary>
    const string Instance = "-";

    /// <summary>Notes a deed.</summary>
    [AlwaysInterleave]
    Task Note(AuditNoted deed);

    /// <summary>Deeds, newest first.</summary>
    /// <param name="before">Only those with a smaller number; null for the newest.</param>
    /// <param name="limit">So many at most.</param>
    [ReadOnly, AlwaysInterleave]
    ValueTask<AuditPage> Read(long? before, int limit);
}

/// <summary>Somebody has done something. Never holds a key or another secret.</summary>
/// <param name="Action">What, for example <c>policy.activated</c>.</param>
/// <param name="By">One of <see cref="AuditCallers"/>.</param>
/// <param name="ById">Id of the agent or user; null for others.</param>
/// <param name="ByAlias">Alias of the agent; null for others.</param>
/// <param name="Target">Id of what it was done to; null when that is said by the action.</param>
/// <param name="Detail">What there is to add.</param>
/// <param name="Count">How often: refused logins are counted, not listed.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("audit.noted.v1")]
public sealed record AuditNoted(
    [property: Id(0)] string Action,
    [property: Id(1)] string By,
    [property: Id(2)] string? ById,
    [property: Id(3)] string? ByAlias,
    [property: Id(4)] string? Target,
    [property: Id(5)] string? Detail,
    [property: Id(6)] long Count,
    [property: Id(7)] DateTimeOffset At) : IEvent;

/// <summary>Who does what is noted.</summary>
public static class AuditCallers
{
    /// <summary>An agent of the project.</summary>
    public const string Agent = "agent";

    /// <summary>A person for whom a gateway vouches.</summary>
    public const string User = "user";

    /// <summary>An administrator.</summary>
    public const string Administrator = "administrator";

    /// <summary>Somebody who is not known.</summary>
    public const string Stranger = "stranger";
}

/// <summary>A deed in the list.</summary>
/// <param name="Number">Its number in the trail, from 1.</param>
/// <param name="Deed">What was noted.</param>
[GenerateSerializer, Immutable, Alias("audit.item.v1")]
public sealed record AuditItem([property: Id(0)] long Number, [property: Id(1)] AuditNoted Deed);

/// <summary>A page of deeds, newest first.</summary>
[GenerateSerializer, Immutable, Alias("audit.page.v1")]
public sealed record AuditPage([property: Id(0)] ImmutableArray<AuditItem> Items, [property: Id(1)] bool HasMore);
