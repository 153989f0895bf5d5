using Orleans.Runtime;

namespace Orleans.Streams;

/// <summary>A stream of <see cref="MemoryStreamProvider"/>; a name for it, without state.</summary>
internal sealed class MemoryStream<T>(MemoryStreamProvider provider, StreamId id) : IAsyncStream<T>
{
    public string ProviderName => provider.Name;

    public StreamId StreamId => id;

    public Task OnNextAsync(T item, StreamSequenceToken? token = null) => Publish(new(item, token, null, End: false));

    public Task OnCompletedAsync() => Publish(new(default!, null, null, End: true));

    public Task OnErrorAsync(Exception ex) => Publish(new(default!, null, ex, End: true));

    public Task<StreamSubscriptionHandle<T>> SubscribeAsync(IAsyncObserver<T> observer)
    {
        var subscription = new MemorySubscription<T>(provider, id, provider.Owner, observer);
        provider.Add(subscription);
        subscription.Owner?.Own(subscription);
        return Task.FromResult<StreamSubscriptionHandle<T>>(subscription);
    }

    public Task<IList<StreamSubscriptionHandle<T>>> GetAllSubscriptionHandles()
    {
        var owner = provider.Owner;
        return Task.FromResult<IList<StreamSubscriptionHandle<T>>>([.. provider.Subscriptions<T>(id).Where(one => one.Owner == owner)]);
    }

    private Task Publish(StreamNotice<T> notice)
    {
        foreach (var subscription in provider.Subscriptions<T>(id)) subscription.Post(notice);
        return Task.CompletedTask;
    }
}

/// <summary>An item, or the end of the stream with or without an error.</summary>
internal readonly record struct StreamNotice<T>(T Item, StreamSequenceToken? Token, Exception? Error, bool End)
{
    public Task Deliver(IAsyncObserver<T> observer) =>
        !End ? observer.OnNextAsync(Item, Token) : Error is null ? observer.OnCompletedAsync() : observer.OnErrorAsync(Error);
}
