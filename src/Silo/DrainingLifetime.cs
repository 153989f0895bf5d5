using System.Runtime.InteropServices;
using Beadhub.Gateway;

namespace Beadhub.Silo;

/// <summary>
/// Stops the server on SIGTERM, Ctrl+C and SIGQUIT: first it drains (<see cref="Drain"/>) for as long as the settings say, then it closes
/// its door, finishes what runs, and ends. A second signal ends the draining.
/// </summary>
internal sealed partial class DrainingLifetime(Settings settings, Drain drain, Listeners listeners, IHostApplicationLifetime lifetime,
    TimeProvider time, ILogger<DrainingLifetime> logger)
    : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> _signals = [];
    private int _signalled;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (var signal in new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT })
            _signals.Add(PosixSignalRegistration.Create(signal, OnSignal));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _signals.ForEach(static signal => signal.Dispose());

    private void OnSignal(PosixSignalContext signal)
    {
        // The process ends when the host has ended, not here.
        signal.Cancel = true;
        if (Interlocked.Exchange(ref _signalled, 1) == 1 || settings.Gateway.Drain == TimeSpan.Zero) lifetime.StopApplication();
        else _ = StopLater();
    }

    private async Task StopLater()
    {
        drain.Begin();
        LogDraining(logger, settings.Gateway.Drain.TotalSeconds);
        await Task.Delay(settings.Gateway.Drain, time);
        await listeners.Quiesce(time);
        lifetime.StopApplication();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Told to stop: serving on for {Seconds} s, while load balancers turn away")]
    private static partial void LogDraining(ILogger logger, double seconds);
}
