using System.Collections.Immutable;
using Orleans;

namespace Beadhub.Webhooks;

/// <summary>An endpoint was registered on a server without a secret key.</summary>
/// <param name="WebhookId">Its id.</param>
/// <param name="Url">Where deliveries go.</param>
/// <param name="Events">Categories and types that it wants; empty for all.</param>
/// <param name="Secret">Key of the signatures.</param>
/// <param name="Position">Feed position after which its deliveries begin.</param>
/// <param name="CreatedBy">Agent that registered it, if any.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("webhook.registered.v1")]
public sealed record WebhookRegistered(
    [property: Id(0)] string WebhookId,
    [property: Id(1)] string Url,
    [property: Id(2)] ImmutableArray<string> Events,
    [property: Id(3)] string Secret,
    [property: Id(4)] long Position,
    [property: Id(5)] string? CreatedBy,
    [property: Id(6)] DateTimeOffset At) : IEvent;

/// <summary>An endpoint was registered.</summary>
/// <param name="WebhookId">Its id.</param>
/// <param name="Url">Where deliveries go.</param>
/// <param name="Events">Categories and types that it wants; empty for all.</param>
/// <param name="SealedSecret">Key of the signatures, encrypted under the server's secret key.</param>
/// <param name="Position">Feed position after which its deliveries begin.</param>
/// <param name="CreatedBy">Agent that registered it, if any.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("webhook.registered.v2")]
public sealed record WebhookRegisteredSealed(
    [property: Id(0)] string WebhookId,
    [property: Id(1)] string Url,
    [property: Id(2)] ImmutableArray<string> Events,
    [property: Id(3)] string SealedSecret,
    [property: Id(4)] long Position,
    [property: Id(5)] string? CreatedBy,
    [property: Id(6)] DateTimeOffset At) : IEvent;

/// <summary>The secret of an endpoint, which was kept as it is until now, is kept encrypted under the server's secret key from here
/// on.</summary>
[GenerateSerializer, Immutable, Alias("webhook.secret_sealed.v1")]
public sealed record WebhookSecretSealed([property: Id(0)] string WebhookId, [property: Id(1)] string SealedSecret,
    [property: Id(2)] DateTimeOffset At) : IEvent;

/// <summary>An endpoint has taken everything up to a position. Written now and then, not for every delivery.</summary>
[GenerateSerializer, Immutable, Alias("webhook.delivered.v1")]
public sealed record WebhookDelivered([property: Id(0)] string WebhookId, [property: Id(1)] long Position,
    [property: Id(2)] DateTimeOffset At) : IEvent;

/// <summary>A delivery has failed, once more.</summary>
/// <param name="WebhookId">The endpoint.</param>
/// <param name="Error">What was wrong.</param>
/// <param name="Disables">Whether it was once too often: nothing more is sent until the endpoint is enabled again.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("webhook.failed.v1")]
public sealed record WebhookFailed(
    [property: Id(0)] string WebhookId, [property: Id(1)] string Error, [property: Id(2)] bool Disables,
    [property: Id(3)] DateTimeOffset At) : IEvent;

/// <summary>A disabled endpoint is served again, from where it stopped.</summary>
[GenerateSerializer, Immutable, Alias("webhook.enabled.v1")]
public sealed record WebhookEnabled([property: Id(0)] string WebhookId, [property: Id(1)] DateTimeOffset At) : IEvent;

/// <summary>An endpoint was deleted.</summary>
[GenerateSerializer, Immutable, Alias("webhook.removed.v1")]
public sealed record WebhookRemoved([property: Id(0)] string WebhookId, [property: Id(1)] DateTimeOffset At) : IEvent;
