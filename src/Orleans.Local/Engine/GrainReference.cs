using System.ComponentModel;
using Orleans.Runtime;

namespace Orleans.Local;

/// <summary>Base of the generated references. A call never throws; it returns a failed task.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class GrainReference(GrainClass grainClass, string key) : IAddressable
{
    internal string Key => key;

    /// <summary>The instance for calls on the caller's thread, or null when it is not active.</summary>
    // A call of which somebody wants a trace takes the activation's way, on which it is seen.
    protected object? ActiveInstance => EngineTraces.AreWanted ? null : grainClass.ActiveInstance(key);

    /// <summary>Sends a call without a result.</summary>
    protected Task Call<TGrain, TState>(Func<TGrain, TState, Task> method, TState state, CallOptions options, string name) =>
        EngineTraces.AreWanted ? EngineTraces.Follow(grainClass.Name, name, key, () => Send(method, state, options))
            : Send(method, state, options);

    /// <summary>Sends a call with a result.</summary>
    protected Task<TResult> Call<TGrain, TState, TResult>(Func<TGrain, TState, Task<TResult>> method, TState state, CallOptions options,
        string name) =>
        EngineTraces.AreWanted ? EngineTraces.Follow(grainClass.Name, name, key, () => Send(method, state, options))
            : Send(method, state, options);

    /// <inheritdoc/>
    public override string ToString() => $"{grainClass.Name}/{key}";

    private Task Send<TGrain, TState>(Func<TGrain, TState, Task> method, TState state, CallOptions options)
    {
        var request = new VoidRequest<TGrain, TState>(method, state, options);
        grainClass.Dispatch(key, request, inline: !request.OneWay);
        return request.OneWay ? Task.CompletedTask : request.Outcome;
    }

    private Task<TResult> Send<TGrain, TState, TResult>(Func<TGrain, TState, Task<TResult>> method, TState state, CallOptions options)
    {
        var request = new ResultRequest<TGrain, TState, TResult>(method, state, options);
        grainClass.Dispatch(key, request, inline: true);
        return request.Outcome;
    }
}
