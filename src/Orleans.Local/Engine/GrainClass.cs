using System.Collections.Concurrent;
using System.ComponentModel;
using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Local;

/// <summary>A grain class and its activations in this process.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class GrainClass
{
    private static readonly Func<string, GrainClass, Activation> NewActivation = static (key, self) => new Activation(self, key);

    private readonly ConcurrentDictionary<string, Activation> _activations = new();
    private Func<IServiceProvider, Grain>? _create;
    private long _pastTurns;

    internal GrainClass(LocalCluster cluster, Type type, bool reentrant, Func<IServiceProvider, Grain>? create)
    {
        Cluster = cluster;
        Type = type;
        Reentrant = reentrant;
        _create = create;
    }

    internal LocalCluster Cluster { get; }

    internal Type Type { get; }

    internal bool Reentrant { get; }

    internal string Name => Type.Name;

    internal ICollection<Activation> Activations => _activations.Values;

    internal int Count => _activations.Count;

    /// <summary>Turns of activations that exist no more.</summary>
    internal long PastTurns => Volatile.Read(ref _pastTurns);

    /// <summary>The way of reads that run on the caller's thread: one look-up, no lock, nothing written but the time of use.</summary>
    internal object? ActiveInstance(string key) =>
        _activations.TryGetValue(key, out var activation) ? activation.UseActiveInstance() : null;

    internal void Dispatch(string key, Request request, bool inline)
    {
        while (!Cluster.Stopped)
        {
            var activation = _activations.GetOrAdd(key, NewActivation, this);
            if (activation.Submit(request, inline)) return;
            Remove(activation);
        }
        request.Fail(Activation.Unavailable());
    }

    internal void Remove(Activation activation)
    {
        if (_activations.TryRemove(KeyValuePair.Create(activation.Key, activation))) Interlocked.Add(ref _pastTurns, activation.Turns);
    }

    internal Grain Create()
    {
        if (_create is null)
        {
            var factory = ActivatorUtilities.CreateFactory(Type, []);
            _create = services => (Grain)factory(services, null);
        }
        return _create(Cluster.ServiceProvider);
    }
}
