namespace Beadhub.Gateway;

/// <summary>
/// The time between the order to stop and the stop: the node serves on, but says that it is not ready (<c>/health/ready</c>) and that
/// connections are not to be used again, so that load balancers turn to others before it closes its door.
/// </summary>
public sealed class Drain
{
    private volatile bool _hasBegun;

    /// <summary>Whether the node is about to stop.</summary>
    public bool HasBegun => _hasBegun;

    /// <summary>From now on.</summary>
    public void Begin() => _hasBegun = true;
}

/// <summary>
/// Drains an application that is told to stop by its own means, before it closes its door. The server itself has drained by then (its
/// lifetime stops nothing before), and so has a node whose time is none.
/// </summary>
internal sealed class DrainBeforeStop(Drain drain, GatewaySettings settings, TimeProvider time) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (drain.HasBegun || settings.Drain == TimeSpan.Zero) return;
        drain.Begin();
        await Task.Delay(settings.Drain, time, cancellationToken).ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
