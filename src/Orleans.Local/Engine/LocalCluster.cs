using System.Collections.Frozen;
using System.Diagnostics.Metrics;
using System.Reflection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Orleans.Local;

/// <summary>All grains of this process: makes references, collects the idle ones, ends all when the host stops.</summary>
internal sealed partial class LocalCluster : IClusterClient, IHostedService, IDisposable
{
    private readonly FrozenDictionary<Type, GrainInterface> _interfaces;
    private readonly GrainClass[] _classes;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly EngineMetrics _metrics;
    private ITimer? _scan;
    private long _ended; // activations that were idle, since the last collection of memory
    private long _collected; // when that was

    private const int Many = 1000; // are worth a collection of memory

    public LocalCluster(
        LocalGrainOptions options, Assembly[] assemblies, IServiceProvider services, TimeProvider time, ILoggerFactory log,
        IMeterFactory meters)
    {
        Options = options;
        Stopping = _stopping.Token;
        ServiceProvider = services;
        Time = time;
        Now = time.GetTimestamp();
        _log = log.CreateLogger("Orleans.Local");
        (_interfaces, _classes) = new GrainCatalog(this).Read(assemblies);
        _metrics = new EngineMetrics(meters, _classes);
    }

    public IServiceProvider ServiceProvider { get; }

    public LocalGrainOptions Options { get; }

    public TimeProvider Time { get; }

    /// <summary>Cancelled when the process no longer waits for its grains.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>No call is taken any more.</summary>
    public bool Stopped => Stopping.IsCancellationRequested;

    /// <summary>Timestamp of the last scan. A coarse clock makes noting the use of a grain a comparison of two words.</summary>
    public long Now { get; private set; }

    public TGrainInterface GetGrain<TGrainInterface>(string primaryKey, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithStringKey
    {
        ArgumentException.ThrowIfNullOrEmpty(primaryKey);
        if (!_interfaces.TryGetValue(typeof(TGrainInterface), out var entry))
        {
            throw new ArgumentException(
                $"No reference to {typeof(TGrainInterface)} was generated, or no registered grain class implements it. "
                + "Its project must use the generator (ClusterEngine.props), and AddLocalGrains must name the assembly of the class.");
        }
        return (TGrainInterface)(object)entry.Reference(entry.Class(grainClassNamePrefix), primaryKey);
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _scan = Time.CreateTimer(static self => ((LocalCluster)self!).Scan(), this, Options.ScanPeriod, Options.ScanPeriod);
        return Task.CompletedTask;
    }

    /// <summary>Lets running and waiting requests complete, with the calls that they make, and ends every activation.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _scan?.Dispose();
        using var patience = new CancellationTokenSource(Options.StopTimeout, Time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await EndAll(deadline.Token).ConfigureAwait(false);
            await _stopping.CancelAsync().ConfigureAwait(false);
            await EndAll(deadline.Token).ConfigureAwait(false); // what a last call may have woken
        }
        catch (OperationCanceledException)
        {
            await _stopping.CancelAsync().ConfigureAwait(false);
            foreach (var activation in Activations())
            {
                StillRunning(activation.Class.Name, activation.Key);
                activation.Abandon();
            }
        }
    }

    public void Dispose()
    {
        _scan?.Dispose();
        _metrics.Dispose();
        _stopping.Cancel();
    }

    [LoggerMessage(1, LogLevel.Error, "{What} of {Grain} {Key} failed")]
    public partial void LogFailure(Exception exception, string what, string grain, string key);

    [LoggerMessage(2, LogLevel.Warning, "{Grain} {Key} did not end in time")]
    private partial void StillRunning(string grain, string key);

    [LoggerMessage(3, LogLevel.Warning, "A subscriber of stream {Stream} is too slow: {Backlog} items wait, further ones are dropped")]
    public partial void SubscriberTooSlow(Runtime.StreamId stream, int backlog);

    private Activation[] Activations() => [.. _classes.SelectMany(static grainClass => grainClass.Activations)];

    private async Task EndAll(CancellationToken deadline)
    {
        while (Activations() is { Length: > 0 } activations)
        {
            var reason = new DeactivationReason(DeactivationReasonCode.ShuttingDown, "The process is stopping.");
            foreach (var activation in activations) activation.End(reason, drain: true);
            await Task.WhenAll(activations.Select(static activation => activation.Deactivated)).WaitAsync(deadline).ConfigureAwait(false);
        }
    }

    /// <summary>An activation ends because it was idle.</summary>
    public void EndsIdle() => Interlocked.Increment(ref _ended);

    /// <summary>
    /// Memory is collected when much is allocated. What idle grains have left would stay for as long as nobody asks for anything; so it is
    /// collected here, in the background, and not more often than grains can become idle.
    /// </summary>
    private void CollectWhatHasEnded()
    {
        if (Interlocked.Read(ref _ended) < Many || (_collected != 0 && Time.GetElapsedTime(_collected) < Options.CollectionAge)) return;
        Interlocked.Exchange(ref _ended, 0);
        _collected = Time.GetTimestamp();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
    }

    private void Scan()
    {
        Now = Time.GetTimestamp();
        CollectWhatHasEnded();
        // A use is noted with the time of the scan before it: one period more, so that nothing ends before its age.
        var age = (long)((Options.CollectionAge + Options.ScanPeriod).TotalSeconds * Time.TimestampFrequency);
        foreach (var grainClass in _classes)
        {
            foreach (var activation in grainClass.Activations) activation.EndIfIdle(Now, age);
        }
    }
}
