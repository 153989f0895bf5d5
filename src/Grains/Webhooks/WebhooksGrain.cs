using System.Collections.Immutable;
using Beadhub.EventLog;
using Beadhub.Identities;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Webhooks;

/// <inheritdoc cref="IWebhooksGrain"/>
public sealed class WebhooksGrain(IEventLog log, TimeProvider time, Seal seal) : EventSourcedGrain<Webhooks>(log), IWebhooksGrain
{
    private static readonly Func<Webhooks, ImmutableArray<WebhookView>> Views = webhooks =>
        [.. webhooks.All.Select(webhook => webhook.View())];
    private readonly Func<Webhooks, ImmutableArray<WebhookTarget>> _served =
        webhooks => [.. webhooks.All.Where(webhook => webhook.IsActive).Select(webhook => webhook.Target(seal))];

    /// <inheritdoc/>
    public Task<WebhookTarget> Register(RegisterWebhook command) => Transact(webhooks => webhooks.Register(command, seal, time.Now()));

    /// <inheritdoc/>
    public Task<bool> Remove(string webhookId) => Transact(webhooks => webhooks.Remove(webhookId, time.Now()));

    /// <inheritdoc/>
    public Task<bool> Enable(string webhookId) => Change(webhookId, webhooks => webhooks.Enable(webhookId, time.Now()));

    /// <inheritdoc/>
    public Task Delivered(string webhookId, long position) =>
        Change(webhookId, webhooks => webhooks.Delivered(webhookId, position, time.Now()));

    /// <inheritdoc/>
    public Task<WebhookView?> Failed(string webhookId, string error, WebhookLimits limits) =>
        Change(webhookId, webhooks => webhooks.Failed(webhookId, error, limits, time.Now()));

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<WebhookView>> List() => Read(Views);

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<WebhookTarget>> Targets() => Read(_served);

    private Task<T> Change<T>(string webhookId, Func<Webhooks, Decision<T>> decide) =>
        Transact(webhooks => webhooks.Sealing(decide(webhooks), webhookId, seal, time.Now()));
}

/// <inheritdoc cref="IWebhookProjectsGrain"/>
[StatelessWorker]
public sealed class WebhookProjectsGrain(IEventLog log) : Grain, IWebhookProjectsGrain
{
    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<string>> All() => [.. await log.Keys(Webhooks.Kind.Name)];
}
