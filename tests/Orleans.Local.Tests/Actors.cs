using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Orleans.Local.Tests;

/// <summary>A grain that does what the test says: the engine passes delegates by reference.</summary>
public interface IBody : IGrainWithStringKey
{
    Task Do(Func<Actor, Task> body);

    [ReadOnly]
    Task Read(Func<Actor, Task> body);

    [AlwaysInterleave]
    Task Interleave(Func<Actor, Task> body);

    [ReadOnly, AlwaysInterleave]
    ValueTask<object?> Peek(Func<Actor, object?> body);

    [OneWay]
    Task Tell(Func<Actor, Task> body);

    [OneWay]
    ValueTask TellToo(Func<Actor, Task> body);
}

public interface IActor : IBody
{
    Task<object?> Ask(Func<Actor, object?> body);

    ValueTask<object?> AskSoon(Func<Actor, object?> body);

    ValueTask DoSoon(Func<Actor, Task> body);

    Task<string> Odd(int state, string? grain, CancellationToken key, int @class, int e, int f, int g, int h, int i);
}

public interface IReentrantActor : IBody;

public abstract class Actor(Script script) : Grain, IBody
{
    /// <summary>Whatever the test keeps in the grain.</summary>
    public int Count;

    public IGrainFactory Grains => GrainFactory;

    public override Task OnActivateAsync(CancellationToken cancellationToken) => script.OnActivate(this);

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        script.OnDeactivate(this, reason);

    public Task Do(Func<Actor, Task> body) => body(this);

    public Task Read(Func<Actor, Task> body) => body(this);

    public Task Interleave(Func<Actor, Task> body) => body(this);

    public ValueTask<object?> Peek(Func<Actor, object?> body) => new(body(this));

    public Task Tell(Func<Actor, Task> body) => body(this);

    public async ValueTask TellToo(Func<Actor, Task> body) => await body(this);
}

public sealed class PlainActor(Script script) : Actor(script), IActor
{
    public Task<object?> Ask(Func<Actor, object?> body) => Task.FromResult(body(this));

    public ValueTask<object?> AskSoon(Func<Actor, object?> body) => new(body(this));

    public async ValueTask DoSoon(Func<Actor, Task> body) => await body(this);

    public Task<string> Odd(int state, string? grain, CancellationToken key, int @class, int e, int f, int g, int h, int i) =>
        Task.FromResult($"{state} {grain} {key.CanBeCanceled} {@class} {e} {f} {g} {h} {i}");
}

[Reentrant]
public sealed class ReentrantActor(Script script) : Actor(script), IReentrantActor;

/// <summary>What actors do when they come and go.</summary>
public sealed class Script
{
    public Func<Actor, Task> OnActivate { get; set; } = _ => Task.CompletedTask;

    public Func<Actor, DeactivationReason, Task> OnDeactivate { get; set; } = (_, _) => Task.CompletedTask;
}
