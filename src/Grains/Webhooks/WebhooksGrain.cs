using System.Collections.Immutable;
using Beadhub.EventLog;

namespace Beadhub.Webhooks;

/// <inheritdoc cref="IWebhooksGrain"/>
public sealed class WebhooksGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<Webhooks>(log), IWebhooksGrain
{
    private static readonly Func<Webhooks, ImmutableArray<WebhookView>> Views = webhooks => [.. webhooks.All.Select(webhook => webhook.View())];
    private static readonly Func<Webhooks, ImmutableArray<WebhookTarget>> Served =
        webhooks => [.. webhooks.All.Where(webhook => webhook.IsActive).Select(webhook => webhook.Target())];

    /// <inheritdoc/>
    public Task<WebhookTarget> Register(RegisterWebhook command) => Transact(webhooks => webhooks.Register(command, time.Now()));

    /// <inheritdoc/>
    public Task<bool> Remove(string webhookId) => Transact(webhooks => webhooks.Remove(webhookId, time.Now()));

    /// <inheritdoc/>
    public Task<bool> Enable(string webhookId) => Transact(webhooks => webhooks.Enable(webhookId, time.Now()));

    /// <inheritdoc/>
    public Task Delivered(string webhookId, long position) => Transact(webhooks => webhooks.Delivered(webhookId, position, time.Now()));

    /// <inheritdoc/>
    public Task<WebhookView?> Failed(string webhookId, string error, WebhookLimits limits) =>
        Transact(webhooks => webhooks.Failed(webhookId, error, limits, time.Now()));

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<WebhookView>> List() => Read(Views);

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<WebhookTarget>> Targets() => Read(Served);
}
