using Orleans;
using Orleans.Runtime;

namespace Beadhub.Hosting.Engines;

/// <summary>
/// A silo that leaves refuses calls at the end, and whoever is refused asks elsewhere; but the others count it as gone a moment later, and
/// then calls that are still on their way count as lost. This makes the moment long enough for them to come back.
/// </summary>
internal sealed class Farewell(TimeProvider time) : ILifecycleParticipant<ISiloLifecycle>
{
    // A message's way there and back, on machines under load.
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public void Participate(ISiloLifecycle lifecycle) =>
        // Stages end in falling order: calls are refused from RuntimeServices on, and the silo is gone before RuntimeInitialize.
        lifecycle.Subscribe(
            nameof(Farewell), ServiceLifecycleStage.RuntimeServices - 1, static _ => Task.CompletedTask,
            async cancellation => await Task.Delay(Wait, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing));
}
