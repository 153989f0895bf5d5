using System.Collections.Immutable;
using System.Text.Json.Serialization;
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

/// <summary>What agents of a project show of themselves. Pure.</summary>
/// <param name="List">As it is shown, by agent.</param>
public sealed record PublicationBook(PublicationList List) : IEventSourced<PublicationBook>
{
    /// <inheritdoc/>
    public static PublicationBook Empty { get; } = new(new PublicationList([]));

    /// <inheritdoc/>
    public static StreamKind<PublicationBook> Kind { get; } =
        new("publications", PublicationsJson.Default.PublicationBook, SnapshotEvery: 64, key => key);

    /// <inheritdoc/>
    public PublicationBook Apply(IEvent @event) => @event switch
    {
        AgentPublished e =>
            With(List.Publications.RemoveAll(p => p.AgentId == e.AgentId).Add(new(e.AgentId, e.Capabilities, e.Description, e.At))),
        AgentWithdrawn e => With(List.Publications.RemoveAll(p => p.AgentId == e.AgentId)),
        _ => this,
    };

    /// <summary>Shows an agent.</summary>
    public Decision<Publication> Publish(PublishAgent command, DateTimeOffset now) =>
        Find(command.AgentId) is { } known && known.Description == command.Description
            && known.Capabilities.SequenceEqual(command.Capabilities)
            ? Decision.None(known)
            : Decision.Accept(
                new Publication(command.AgentId, command.Capabilities, command.Description, now),
                new AgentPublished(command.AgentId, command.Capabilities, command.Description, now));

    /// <summary>Shows an agent no longer.</summary>
    public Decision<bool> Withdraw(string agentId, DateTimeOffset now) =>
        Find(agentId) is null ? Decision.None(false) : Decision.Accept(true, new AgentWithdrawn(agentId, now));

    private static PublicationBook With(ImmutableArray<Publication> publications) =>
        new(new PublicationList([.. publications.OrderBy(p => p.AgentId, StringComparer.Ordinal)]));

    private Publication? Find(string agentId)
    {
        foreach (var known in List.Publications)
            if (known.AgentId == agentId) return known;
        return null;
    }
}

/// <summary>JSON of the snapshots.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PublicationBook))]
internal sealed partial class PublicationsJson : JsonSerializerContext;
