using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Beadhub.EventLog;
using Beadhub.Identities;

namespace Beadhub.Webhooks;

/// <summary>The endpoints of a project.</summary>
/// <param name="All">Oldest first.</param>
public sealed record Webhooks(ImmutableArray<Webhook> All) : IEventSourced<Webhooks>
{
    /// <summary>Most endpoints of a project.</summary>
    public const int Max = 20;

    /// <inheritdoc/>
    public static Webhooks Empty { get; } = new([]);

    /// <inheritdoc/>
    public static StreamKind<Webhooks> Kind { get; } = new("webhooks", WebhooksJson.Default.Webhooks, SnapshotEvery: 100, key => key);

    /// <inheritdoc/>
    public Webhooks Apply(IEvent @event) => @event switch
    {
        WebhookRegistered e => new(All.Add(new(e.WebhookId, e.Url, e.Events, e.Secret, e.Position, e.At, e.CreatedBy))),
        WebhookRegisteredSealed e =>
            new(All.Add(new(e.WebhookId, e.Url, e.Events, "", e.Position, e.At, e.CreatedBy) { SealedSecret = e.SealedSecret })),
        WebhookSecretSealed e => With(e.WebhookId, webhook => webhook with { Secret = "", SealedSecret = e.SealedSecret }),
        WebhookRemoved e => new(All.RemoveAll(webhook => webhook.Id == e.WebhookId)),
        WebhookDelivered e =>
            With(e.WebhookId, webhook => webhook with { Position = Math.Max(webhook.Position, e.Position), Failures = 0,
            FailingSince = null, LastDeliveredAt = e.At }),
        WebhookFailed e => With(e.WebhookId, webhook => webhook with
        {
            Failures = webhook.Failures + 1,
            FailingSince = webhook.FailingSince ?? e.At,
            LastError = e.Error,
            LastErrorAt = e.At,
            IsActive = webhook.IsActive && !e.Disables,
        }),
        WebhookEnabled e => With(e.WebhookId, webhook => webhook with { IsActive = true, Failures = 0, FailingSince = null }),
        _ => this,
    };

    /// <summary>The endpoint of this id.</summary>
    public Webhook? Find(string id) => All.FirstOrDefault(webhook => webhook.Id == id);

    /// <summary>Registers an endpoint; the same id again is a repeat.</summary>
    public Decision<WebhookTarget> Register(RegisterWebhook command, Seal seal, DateTimeOffset now)
    {
        if (Find(command.WebhookId) is { } known) return Decision.None(known.Target(seal));
        if (All.Length >= Max) throw new RefusedException(RefusalKind.Conflict, $"Too many webhooks: a project has at most {Max}");
        IEvent registered = seal.CloseText(command.Secret) is { } closed
            ? new WebhookRegisteredSealed(command.WebhookId, command.Url, command.Events, closed, command.Position, command.CreatedBy, now)
            : new WebhookRegistered(command.WebhookId, command.Url, command.Events, command.Secret, command.Position, command.CreatedBy,
                now);
        return Decision.Accept(Apply(registered).Find(command.WebhookId)!.Target(seal), registered);
    }

    /// <summary>Deletes an endpoint. The answer is whether there was one.</summary>
    public Decision<bool> Remove(string id, DateTimeOffset now) =>
        Find(id) is null ? Decision.None(false) : Decision.Accept(true, new WebhookRemoved(id, now));

    /// <summary>Serves an endpoint again. The answer is whether there is one.</summary>
    public Decision<bool> Enable(string id, DateTimeOffset now) => Find(id) switch
    {
        null => Decision.None(false),
        { IsActive: true } => Decision.None(true),
        _ => Decision.Accept(true, new WebhookEnabled(id, now)),
    };

    /// <summary>Notes how far an endpoint has come.</summary>
    public Decision<bool> Delivered(string id, long position, DateTimeOffset now) =>
        Find(id) is { } webhook && (webhook.Position < position || webhook.Failures > 0)
            ? Decision.Accept(true, new WebhookDelivered(id, position, now)) : Decision.None(false);

    /// <summary>Notes a failure, and gives up when it is one too many.</summary>
    public Decision<WebhookView?> Failed(string id, string error, WebhookLimits limits, DateTimeOffset now)
    {
        if (Find(id) is not { IsActive: true } webhook) return Decision.None(Find(id)?.View());
        var disables = webhook.Failures + 1 >= limits.Failures || (webhook.FailingSince is { } since && now - since >= limits.Time);
        var failed = new WebhookFailed(id, error, disables, now);
        return Decision.Accept<WebhookView?>(Apply(failed).Find(id)!.View(), failed);
    }

    /// <summary>A decision about an endpoint, with its secret put under seal when something changes and it is not yet: what servers without
    /// a key have written.</summary>
    public Decision<T> Sealing<T>(Decision<T> decision, string id, Seal seal, DateTimeOffset now) =>
        !decision.Events.IsEmpty && Find(id) is { SealedSecret: null } webhook && seal.CloseText(webhook.Secret) is { } closed
            ? decision with { Events = decision.Events.Add(new WebhookSecretSealed(id, closed, now)) }
            : decision;

    private Webhooks With(string id, Func<Webhook, Webhook> change) =>
        new([.. All.Select(webhook => webhook.Id == id ? change(webhook) : webhook)]);
}

/// <summary>JSON of the snapshots of webhooks.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Webhooks))]
internal sealed partial class WebhooksJson : JsonSerializerContext;
