using System.Collections.Immutable;
using Beadhub.EventLog;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Webhooks;

/// <inheritdoc cref="IWebhookProjectsGrain"/>
[StatelessWorker]
public sealed class WebhookProjectsGrain(IEventLog log) : Grain, IWebhookProjectsGrain
{
    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<string>> All() => [.. await log.Keys(Webhooks.Kind.Name)];
}
