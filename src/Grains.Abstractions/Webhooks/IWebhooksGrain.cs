using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Webhooks;

/// <summary>
/// The endpoints that a project has registered for its events: where each is, how far it has come, and how it does. Key: project id.
/// Delivering itself is the gateway's, which speaks HTTP.
/// </summary>
[Alias("beadhub.webhooks")]
public interface IWebhooksGrain : IGrainWithStringKey
{
    /// <summary>Registers an endpoint. The same id again is a repeat, and answers with the secret of the first time.</summary>
    /// <exception cref="RefusedException">Conflict: the project has as many as it may.</exception>
    [AlwaysInterleave]
    Task<WebhookTarget> Register(RegisterWebhook command);

    /// <summary>Deletes an endpoint; false when there is none of this id.</summary>
    [AlwaysInterleave]
    Task<bool> Remove(string webhookId);

    /// <summary>Serves a disabled endpoint again; false when there is none of this id.</summary>
    [AlwaysInterleave]
    Task<bool> Enable(string webhookId);

    /// <summary>Notes how far an endpoint has come. Nothing happens when it is gone.</summary>
    [Repeatable, AlwaysInterleave]
    Task Delivered(string webhookId, long position);

    /// <summary>Notes a failure.</summary>
    /// <param name="webhookId">The endpoint.</param>
    /// <param name="error">What was wrong.</param>
    /// <param name="limits">When to give up.</param>
    /// <returns>The endpoint as it is then; null when it is gone.</returns>
    [AlwaysInterleave]
    Task<WebhookView?> Failed(string webhookId, string error, WebhookLimits limits);

    /// <summary>The endpoints, oldest first.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<WebhookView>> List();

    /// <summary>The endpoints that are to be served, with their secrets.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<WebhookTarget>> Targets();
}

/// <summary>Tells which projects may have endpoints to serve, at a start. Key: any.</summary>
[Alias("beadhub.webhook_projects")]
public interface IWebhookProjectsGrain : IGrainWithStringKey
{
    /// <summary>Ids of projects that have, or had, endpoints.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<string>> All();
}

/// <summary>Registers an endpoint.</summary>
[GenerateSerializer, Immutable, Alias("webhook.register.v1")]
public sealed record RegisterWebhook(
    [property: Id(0)] string WebhookId,
    [property: Id(1)] string Url,
    [property: Id(2)] ImmutableArray<string> Events,
    [property: Id(3)] string Secret,
    [property: Id(4)] long Position,
    [property: Id(5)] string? CreatedBy);

/// <summary>When an endpoint that fails again and again is disabled.</summary>
/// <param name="Failures">After so many failures in a row.</param>
/// <param name="Time">Or when it has failed for so long.</param>
[GenerateSerializer, Immutable, Alias("webhook.limits.v1")]
public sealed record WebhookLimits([property: Id(0)] int Failures, [property: Id(1)] TimeSpan Time);

/// <summary>What it takes to serve an endpoint.</summary>
/// <param name="View">The endpoint.</param>
/// <param name="Secret">Key of its signatures; null when it was sealed under a key that the server does not have (any more).</param>
[GenerateSerializer, Immutable, Alias("webhook.target.v1")]
public sealed record WebhookTarget([property: Id(0)] WebhookView View, [property: Id(1)] string? Secret);

/// <summary>An endpoint as its project sees it.</summary>
/// <param name="WebhookId">Its id.</param>
/// <param name="Url">Where deliveries go.</param>
/// <param name="Events">Categories and types that it wants; empty for all.</param>
/// <param name="IsActive">Whether it is served.</param>
/// <param name="Position">Feed position up to which it is known to have everything.</param>
/// <param name="Failures">Failures in a row.</param>
/// <param name="LastError">The last of them, or null.</param>
/// <param name="LastErrorAt">When that was.</param>
/// <param name="LastDeliveredAt">When a delivery was last noted.</param>
/// <param name="CreatedAt">When it was registered.</param>
/// <param name="CreatedBy">Agent that registered it, if any.</param>
[GenerateSerializer, Immutable, Alias("webhook.view.v1")]
public sealed record WebhookView(
    [property: Id(0)] string WebhookId,
    [property: Id(1)] string Url,
    [property: Id(2)] ImmutableArray<string> Events,
    [property: Id(3)] bool IsActive,
    [property: Id(4)] long Position,
    [property: Id(5)] int Failures,
    [property: Id(6)] string? LastError,
    [property: Id(7)] DateTimeOffset? LastErrorAt,
    [property: Id(8)] DateTimeOffset? LastDeliveredAt,
    [property: Id(9)] DateTimeOffset CreatedAt,
    [property: Id(10)] string? CreatedBy);
