using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Escalations;

/// <summary>
/// The questions of a project's agents to humans (contract 11). Key: project id. What is in memory is what lists show; the texts are read
/// from the log. One that nobody answers in time is expired from that instant on; its event follows by a timer, or, after a restart, when
/// the grain is next used.
/// </summary>
[Alias("beadhub.escalations")]
public interface IEscalationsGrain : IGrainWithStringKey
{
    /// <summary>Asks. The same command again is answered as the first time when it may be a repeat.</summary>
    [AlwaysInterleave]
    Task<EscalationRow> Create(CreateEscalation command);

    /// <summary>Answers, also again, and also when the escalation has expired.</summary>
    /// <exception cref="RefusedException">Not found.</exception>
    [AlwaysInterleave]
    Task<EscalationAnswer> Respond(RespondToEscalation command);

    /// <summary>A page, newest first (contract 11.2). The same object is returned while nothing that it shows has changed.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<EscalationPage> List(EscalationQuery query);

    /// <summary>What lists show of an escalation; null when there is none.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<EscalationRow?> Find(string escalationId);

    /// <summary>An escalation with its texts; null when there is none.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<EscalationView?> Get(string escalationId);

    /// <summary>How many wait for an answer. The same object is returned while the number stays.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<PendingEscalations> Pending();
}

/// <summary>States of an escalation (contract 11).</summary>
public static class EscalationStatus
{
    /// <summary>Waits for an answer.</summary>
    public const string Pending = "pending";

    /// <summary>Was answered.</summary>
    public const string Responded = "responded";

    /// <summary>Was not answered in time.</summary>
    public const string Expired = "expired";
}

/// <summary>How much an escalation matters.</summary>
public static class Severities
{
    /// <summary>Can wait.</summary>
    public const string Low = "low";

    /// <summary>As most.</summary>
    public const string Normal = "normal";

    /// <summary>Soon.</summary>
    public const string High = "high";

    /// <summary>Now, whatever the hour.</summary>
    public const string Critical = "critical";
}

/// <summary>Asks a human. Texts are checked; the workspace is an active one of the project.</summary>
/// <param name="EscalationId">Id for it.</param>
/// <param name="WorkspaceId">Workspace that asks.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="Subject">Subject.</param>
/// <param name="Situation">What it is about.</param>
/// <param name="Options">Answers to choose from.</param>
/// <param name="MemberEmail">Human to be asked.</param>
/// <param name="ExpiresIn">How long the answer is waited for.</param>
/// <param name="Severity">One of <see cref="Severities"/>.</param>
[GenerateSerializer, Immutable, Alias("escalation.create.v1")]
public sealed record CreateEscalation(
    [property: Id(0)] string EscalationId,
    [property: Id(1)] string WorkspaceId,
    [property: Id(2)] string Alias,
    [property: Id(3)] string Subject,
    [property: Id(4)] string Situation,
    [property: Id(5)] ImmutableArray<string> Options,
    [property: Id(6)] string? MemberEmail,
    [property: Id(7)] TimeSpan ExpiresIn,
    [property: Id(8)] string? Severity = null);

/// <summary>Answers an escalation.</summary>
/// <param name="EscalationId">Which.</param>
/// <param name="ResponseId">Id for the answer; the same again is the same answer.</param>
/// <param name="Response">The answer.</param>
/// <param name="Note">What there is to add.</param>
/// <param name="OnlyFirst">Whether it counts only while nobody has answered.</param>
[GenerateSerializer, Immutable, Alias("escalation.respond.v1")]
public sealed record RespondToEscalation(
    [property: Id(0)] string EscalationId,
    [property: Id(1)] string ResponseId,
    [property: Id(2)] string Response,
    [property: Id(3)] string? Note,
    [property: Id(4)] bool OnlyFirst = false);

/// <summary>An answer as it was given.</summary>
[GenerateSerializer, Immutable, Alias("escalation.answer.v1")]
public sealed record EscalationAnswer([property: Id(0)] string EscalationId, [property: Id(1)] string Response,
    [property: Id(2)] string? Note, [property: Id(3)] DateTimeOffset At);

/// <summary>Which escalations to list; null parts do not filter.</summary>
/// <param name="WorkspaceId">Workspace that asked.</param>
/// <param name="WorkspaceIds">Workspaces that asked.</param>
/// <param name="Status">One of <see cref="EscalationStatus"/>.</param>
/// <param name="Alias">Alias that asked.</param>
/// <param name="Limit">Page size.</param>
/// <param name="After">Sort key of the last one of the page before.</param>
[GenerateSerializer, Immutable, Alias("escalation.query.v1")]
public sealed record EscalationQuery(
    [property: Id(0)] string? WorkspaceId,
    [property: Id(1)] ImmutableHashSet<string>? WorkspaceIds,
    [property: Id(2)] string? Status,
    [property: Id(3)] string? Alias,
    [property: Id(4)] int Limit,
    [property: Id(5)] EscalationCursor? After);

/// <summary>Sort key of an escalation: newest first; the id breaks ties and is null in cursors that clients kept from elsewhere.</summary>
[GenerateSerializer, Immutable, Alias("escalation.cursor.v1")]
public sealed record EscalationCursor([property: Id(0)] DateTimeOffset CreatedAt, [property: Id(1)] string? EscalationId);

/// <summary>A page of escalations.</summary>
[GenerateSerializer, Immutable, Alias("escalation.page.v1")]
public sealed record EscalationPage([property: Id(0)] ImmutableArray<EscalationRow> Escalations, [property: Id(1)] EscalationCursor? Next);

/// <summary>An escalation in a list.</summary>
[GenerateSerializer, Immutable, Alias("escalation.row.v1")]
public sealed record EscalationRow(
    [property: Id(0)] string EscalationId,
    [property: Id(1)] string WorkspaceId,
    [property: Id(2)] string Alias,
    [property: Id(3)] string Subject,
    [property: Id(4)] string Status,
    [property: Id(5)] DateTimeOffset CreatedAt,
    [property: Id(6)] DateTimeOffset ExpiresAt,
    [property: Id(7)] string Severity = Severities.Normal);

/// <summary>An escalation whole (contract 11.3).</summary>
[GenerateSerializer, Immutable, Alias("escalation.view.v1")]
public sealed record EscalationView(
    [property: Id(0)] string EscalationId,
    [property: Id(1)] string WorkspaceId,
    [property: Id(2)] string Alias,
    [property: Id(3)] string? MemberEmail,
    [property: Id(4)] string Subject,
    [property: Id(5)] string Situation,
    [property: Id(6)] ImmutableArray<string>? Options,
    [property: Id(7)] string Status,
    [property: Id(8)] string? Response,
    [property: Id(9)] string? ResponseNote,
    [property: Id(10)] DateTimeOffset CreatedAt,
    [property: Id(11)] DateTimeOffset? RespondedAt,
    [property: Id(12)] DateTimeOffset ExpiresAt,
    [property: Id(13)] string Severity = Severities.Normal);

/// <summary>How many escalations wait for an answer.</summary>
[GenerateSerializer, Immutable, Alias("escalation.pending.v1")]
public sealed record PendingEscalations([property: Id(0)] int Count);
