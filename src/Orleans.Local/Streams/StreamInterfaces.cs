using Orleans.Runtime;

namespace Orleans.Streams;

/// <summary>A transport for streams.</summary>
public interface IStreamProvider
{
    /// <summary>The name it is registered under.</summary>
    string Name { get; }

    /// <summary>The stream of that identity; cheap.</summary>
    IAsyncStream<T> GetStream<T>(StreamId streamId);
}

/// <summary>Items from any number of publishers to any number of subscribers.</summary>
public interface IAsyncStream<T> : IAsyncObservable<T>, IAsyncObserver<T>
{
    /// <summary>Name of the provider.</summary>
    string ProviderName { get; }

    /// <summary>Identity of the stream.</summary>
    StreamId StreamId { get; }

    /// <summary>The caller's subscriptions.</summary>
    Task<IList<StreamSubscriptionHandle<T>>> GetAllSubscriptionHandles();
}

/// <summary>Receives items, one after another.</summary>
public interface IAsyncObserver<in T>
{
    /// <summary>Takes the next item.</summary>
    Task OnNextAsync(T item, StreamSequenceToken? token = null);

    /// <summary>Learns that no more items will come.</summary>
    Task OnCompletedAsync();

    /// <summary>Learns of a failure.</summary>
    Task OnErrorAsync(Exception ex);
}

/// <summary>Gives items to those who subscribe.</summary>
public interface IAsyncObservable<T>
{
    /// <summary>Subscribes: what is published after the task has completed will be delivered.</summary>
    Task<StreamSubscriptionHandle<T>> SubscribeAsync(IAsyncObserver<T> observer);
}

/// <summary>A place in a stream.</summary>
public abstract class StreamSequenceToken : IEquatable<StreamSequenceToken>, IComparable<StreamSequenceToken>
{
    /// <summary>Number of the batch.</summary>
    public abstract long SequenceNumber { get; protected set; }

    /// <summary>Place in the batch.</summary>
    public abstract int EventIndex { get; protected set; }

    /// <inheritdoc/>
    public abstract bool Equals(StreamSequenceToken? other);

    /// <inheritdoc/>
    public abstract int CompareTo(StreamSequenceToken? other);
}

/// <summary>A subscription.</summary>
public abstract class StreamSubscriptionHandle<T>
{
    /// <summary>Identity of the stream.</summary>
    public abstract StreamId StreamId { get; }

    /// <summary>Name of the provider.</summary>
    public abstract string ProviderName { get; }

    /// <summary>Identity of the subscription.</summary>
    public abstract Guid HandleId { get; }

    /// <summary>Ends the subscription: no delivery starts after it.</summary>
    public abstract Task UnsubscribeAsync();

    /// <summary>Goes on with another observer.</summary>
    public abstract Task<StreamSubscriptionHandle<T>> ResumeAsync(IAsyncObserver<T> observer, StreamSequenceToken? token = null);
}
