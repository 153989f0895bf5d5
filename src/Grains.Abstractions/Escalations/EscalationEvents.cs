using System.Collections.Immutable;
using Orleans;

namespace Beadhub.Escalations;

/// <summary>An agent has asked a human. Becomes <c>escalation.created</c> on the event stream.</summary>
/// <param name="EscalationId">Id.</param>
/// <param name="WorkspaceId">Workspace that asks.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="Subject">Subject.</param>
/// <param name="Situation">What it is about.</param>
/// <param name="Options">Answers to choose from; empty when there are none.</param>
/// <param name="MemberEmail">Human to be asked, when named.</param>
/// <param name="ExpiresAt">From when on nobody waits for an answer any more.</param>
/// <param name="At">When.</param>
/// <param name="Severity">One of <see cref="Severities"/>; null in what older versions have written.</param>
[GenerateSerializer, Immutable, Alias("escalation.created.v1")]
public sealed record EscalationCreated(
    [property: Id(0)] string EscalationId,
    [property: Id(1)] string WorkspaceId,
    [property: Id(2)] string Alias,
    [property: Id(3)] string Subject,
    [property: Id(4)] string Situation,
    [property: Id(5)] ImmutableArray<string> Options,
    [property: Id(6)] string? MemberEmail,
    [property: Id(7)] DateTimeOffset ExpiresAt,
    [property: Id(8)] DateTimeOffset At,
    [property: Id(9)] string? Severity = null) : IEvent;

/// <summary>Somebody has answered; a later answer replaces an earlier one. Becomes <c>escalation.responded</c> on the event
/// stream.</summary>
/// <param name="EscalationId">Id.</param>
/// <param name="WorkspaceId">Workspace that asked.</param>
/// <param name="ResponseId">Id of the answer.</param>
/// <param name="Response">The answer.</param>
/// <param name="Note">What the human had to add.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("escalation.responded.v1")]
public sealed record EscalationResponded(
    [property: Id(0)] string EscalationId,
    [property: Id(1)] string WorkspaceId,
    [property: Id(2)] string ResponseId,
    [property: Id(3)] string Response,
    [property: Id(4)] string? Note,
    [property: Id(5)] DateTimeOffset At) : IEvent;

/// <summary>Nobody has answered in time. Becomes <c>escalation.expired</c> on the event stream.</summary>
/// <param name="EscalationId">Id.</param>
/// <param name="WorkspaceId">Workspace that asked.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="Subject">Subject.</param>
/// <param name="ExpiredAt">Since when nobody waits.</param>
[GenerateSerializer, Immutable, Alias("escalation.expired.v1")]
public sealed record EscalationExpired(
    [property: Id(0)] string EscalationId,
    [property: Id(1)] string WorkspaceId,
    [property: Id(2)] string Alias,
    [property: Id(3)] string Subject,
    [property: Id(4)] DateTimeOffset ExpiredAt) : IEvent;
