using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.Escalations;

/// <summary>The escalations of a project by id. Pure.</summary>
public sealed record EscalationList(ImmutableDictionary<string, Escalation> ById) : IEventSourced<EscalationList>
{
    /// <summary>At most this many expire in one append.</summary>
    private const int ExpireAtOnce = 500;

    /// <inheritdoc/>
    public static EscalationList Empty { get; } = new(ImmutableDictionary<string, Escalation>.Empty);

    /// <inheritdoc/>
    public static StreamKind<EscalationList> Kind { get; } =
        new("escalations", EscalationListJson.Default.EscalationList, SnapshotEvery: 128, key => key)
        {
            // 2: escalations have a severity.
            Fold = 2,
        };

    /// <summary>The mark of the event that asked.</summary>
    public static string MarkOf(string escalationId) => $"escalation:{escalationId}";

    /// <summary>The mark of the event that answered.</summary>
    public static string MarkOfResponse(string responseId) => $"escalation-response:{responseId}";

    /// <inheritdoc/>
    public EscalationList Apply(IEvent @event) => @event switch
    {
        EscalationCreated e => With(new(e.EscalationId, e.WorkspaceId, e.Alias, e.Subject, EscalationStatus.Pending, e.At, e.ExpiresAt,
            Severity: e.Severity)),
        EscalationResponded e =>
            With(ById[e.EscalationId] with { Status = EscalationStatus.Responded, ResponseId = e.ResponseId, RespondedAt = e.At }),
        EscalationExpired e => With(ById[e.EscalationId] with { Status = EscalationStatus.Expired }),
        _ => this,
    };

    /// <summary>Asks (contract 11.1).</summary>
    public Decision<EscalationRow> Create(CreateEscalation command, DateTimeOffset now)
    {
        if (ById.ContainsKey(command.EscalationId))
            throw new RefusedException(RefusalKind.Conflict, "The project has an escalation with this id already");
        var created = new EscalationCreated(
            command.EscalationId, command.WorkspaceId, command.Alias, command.Subject, command.Situation,
            command.Options.IsDefault ? [] : command.Options,
            command.MemberEmail, now + command.ExpiresIn, now, command.Severity);
        return Decision.Accept(Apply(created).ById[created.EscalationId].Row(now), created) with { Mark = MarkOf(created.EscalationId) };
    }

    /// <summary>Answers, whatever the status (contract 11.4).</summary>
    public Decision<EscalationAnswer> Respond(RespondToEscalation command, DateTimeOffset now)
    {
        if (!ById.TryGetValue(command.EscalationId, out var escalation))
            throw new RefusedException(RefusalKind.NotFound, "Escalation not found");
        if (escalation.ResponseId == command.ResponseId)
            return Decision.None(new EscalationAnswer(escalation.Id, command.Response, command.Note, escalation.RespondedAt!.Value));
        if (command.OnlyFirst && escalation.ResponseId is not null)
            throw new RefusedException(RefusalKind.Conflict, "Escalation has been answered");
        var responded = new EscalationResponded(escalation.Id, escalation.WorkspaceId, command.ResponseId, command.Response, command.Note,
            now);
        return Decision.Accept(new EscalationAnswer(escalation.Id, command.Response, command.Note, now),
            responded) with { Mark = MarkOfResponse(command.ResponseId) };
    }

    /// <summary>Notes which escalations nobody has answered in time. The answer is when the next of the others is due.</summary>
    public Decision<DateTimeOffset?> Expire(DateTimeOffset now)
    {
        var due = ById.Values.Where(e => e.IsPending && e.ExpiresAt <= now).OrderBy(e => e.ExpiresAt)
            .ThenBy(e => e.Id, StringComparer.Ordinal).Take(ExpireAtOnce).ToArray();
        var events = due.Select(IEvent (e) => new EscalationExpired(e.Id, e.WorkspaceId, e.Alias, e.Subject, e.ExpiresAt))
            .ToImmutableArray();
        return new(events, ById.Values.Where(e => e.IsPending).Except(due).Min(e => (DateTimeOffset?)e.ExpiresAt));
    }

    private EscalationList With(Escalation escalation) => new(ById.SetItem(escalation.Id, escalation));
}

/// <summary>JSON of the snapshot.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EscalationList))]
[JsonSerializable(typeof(EscalationRow))]
internal sealed partial class EscalationListJson : JsonSerializerContext;
