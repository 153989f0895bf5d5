using System.Collections.Concurrent;
using Beadhub.EventLog;
using Beadhub.Notifications;
using Orleans;

namespace Beadhub.Subscriptions;

/// <inheritdoc cref="ISubscriptionsGrain"/>
public sealed class SubscriptionsGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<SubscriptionBook>(log), ISubscriptionsGrain
{
    private const int CachedLists = 64;
    private static readonly Func<SubscriptionBook, SubscriptionBook> WholeState = book => book;
    private static readonly Func<SubscriptionBook, WatchedBeads> WatchedOf = book => book.Watched;

    private readonly ConcurrentDictionary<string, (SubscriptionBook Of, SubscriptionList List)> _lists = new();

    /// <inheritdoc/>
    public async Task<Subscription> Subscribe(SubscribeToBead command)
    {
        // Before the first subscription is there, so that no change after it can be missed; again after all have ended, so that nothing is
        // read in vain.
        SubscriptionBook book;
        long version;
        do (version, book) = (Version, await Read(WholeState));
        while (version != Version);
        if (book.ById.IsEmpty) await GrainFactory.GetGrain<INotifierGrain>(this.GetPrimaryKeyString()).Begin(version);
        return await Transact(book => book.Subscribe(command, time.Now()));
    }

    /// <inheritdoc/>
    public Task Unsubscribe(string workspaceId, string subscriptionId) =>
        Transact(book => book.Unsubscribe(workspaceId, subscriptionId, time.Now()));

    /// <inheritdoc/>
    public async ValueTask<SubscriptionList> Of(string workspaceId)
    {
        var book = await Read(WholeState);
        if (_lists.TryGetValue(workspaceId, out var known) && ReferenceEquals(known.Of, book)) return known.List;
        if (_lists.Count >= CachedLists) _lists.Clear();
        var list = book.Of(workspaceId);
        _lists[workspaceId] = (book, list);
        return list;
    }

    /// <inheritdoc/>
    public ValueTask<WatchedBeads> Watched() => Read(WatchedOf);
}
