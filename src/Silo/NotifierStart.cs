using Beadhub.EventLog;
using Beadhub.Notifications;
using Orleans;

namespace Beadhub.Silo;

/// <summary>Wakes, at start, the notifiers of all projects in which somebody has ever subscribed: a server that died may owe mail.</summary>
internal sealed class NotifierStart(IEventLog log, IGrainFactory grains, IHostApplicationLifetime lifetime, ILogger<NotifierStart> logger) : BackgroundService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource();
        await using var running = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        while (true)
        {
            try
            {
                // Only so many at once: requests go first.
                var keys = await log.Keys("subscriptions", stoppingToken);
                await Parallel.ForEachAsync(keys, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = stoppingToken },
                    async (projectId, _) => await grains.GetGrain<INotifierGrain>(projectId).Wake());
                return;
            }
            catch (UnavailableException e)
            {
                logger.LogWarning(e, "The notifiers could not be woken yet");
                await Task.Delay(RetryAfter, stoppingToken);
            }
        }
    }
}
