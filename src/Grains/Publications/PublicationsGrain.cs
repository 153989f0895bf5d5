using System.Collections.Immutable;
using Beadhub.EventLog;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Publications;

/// <inheritdoc cref="IPublicationsGrain"/>
public sealed class PublicationsGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<PublicationBook>(log), IPublicationsGrain
{
    private static readonly Func<PublicationBook, PublicationList> ListOf = book => book.List;

    /// <inheritdoc/>
    public Task<Publication> Publish(PublishAgent command) => Transact(book => book.Publish(command, time.Now()));

    /// <inheritdoc/>
    public Task<bool> Withdraw(string agentId) => Transact(book => book.Withdraw(agentId, time.Now()));

    /// <inheritdoc/>
    public ValueTask<PublicationList> List() => Read(ListOf);
}

/// <inheritdoc cref="IPublishedProjectsGrain"/>
[StatelessWorker]
public sealed class PublishedProjectsGrain(IEventLog log) : Grain, IPublishedProjectsGrain
{
    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<string>> All() => [.. await log.Keys(PublicationBook.Kind.Name)];
}
