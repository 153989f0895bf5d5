using System.Collections.Concurrent;
using Orleans.Local;
using Orleans.Runtime;

namespace Orleans.Streams;

/// <summary>
/// Streams within the process. A publisher waits for nobody: each subscription has a queue of its own, in the order of publishing.
/// Nothing is kept for those who subscribe later, and a grain's subscription ends with its activation.
/// </summary>
internal sealed class MemoryStreamProvider : IStreamProvider
{
    private readonly Activation? _owner;
    private readonly ConcurrentDictionary<(StreamId, Type), object> _subscriptions; // arrays, replaced whole
    private readonly Lock _gate;

    public MemoryStreamProvider(string name, LocalCluster cluster)
    {
        Name = name;
        Cluster = cluster;
        _subscriptions = new();
        _gate = new();
    }

    private MemoryStreamProvider(MemoryStreamProvider origin, Activation owner)
    {
        Name = origin.Name;
        Cluster = origin.Cluster;
        _subscriptions = origin._subscriptions;
        _gate = origin._gate;
        _owner = owner;
    }

    public string Name { get; }

    public LocalCluster Cluster { get; }

    /// <summary>Who subscribes: the grain that asked for the provider, or the one whose turn it is, or nobody.</summary>
    public Activation? Owner => _owner ?? Activation.Current;

    /// <summary>The same streams, for the use of a grain.</summary>
    public MemoryStreamProvider For(Activation owner) => new(this, owner);

    public IAsyncStream<T> GetStream<T>(StreamId streamId) => new MemoryStream<T>(this, streamId);

    public MemorySubscription<T>[] Subscriptions<T>(StreamId stream) =>
        _subscriptions.TryGetValue((stream, typeof(T)), out var subscriptions) ? (MemorySubscription<T>[])subscriptions : [];

    public void Add<T>(MemorySubscription<T> subscription)
    {
        lock (_gate)
        {
            var stream = subscription.StreamId;
            _subscriptions[(stream, typeof(T))] = (MemorySubscription<T>[])[.. Subscriptions<T>(stream), subscription];
        }
    }

    public void Remove<T>(MemorySubscription<T> subscription)
    {
        lock (_gate)
        {
            var stream = subscription.StreamId;
            MemorySubscription<T>[] left = [.. Subscriptions<T>(stream).Where(one => one != subscription)];
            if (left.Length > 0) _subscriptions[(stream, typeof(T))] = left;
            else _subscriptions.TryRemove((stream, typeof(T)), out _); // streams come and go with the projects that are watched
        }
    }
}
