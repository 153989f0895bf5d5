using Beadhub.EventLog;
using Beadhub.Notifications;
using Beadhub.Tasks;
using Orleans;

namespace Beadhub.Silo;

/// <summary>
/// Finishes, at start, what a server that died has left undone in projects that nobody may ask about for long: mail that subscribers are owed, and
/// claims that follow from the status of native tasks.
/// </summary>
internal sealed class UnfinishedWork(IEventLog log, IGrainFactory grains, IHostApplicationLifetime lifetime, ILogger<UnfinishedWork> logger) : BackgroundService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource();
        await using var running = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        await Task.WhenAll(Finish(Mail, stoppingToken), Finish(Claims, stoppingToken));
    }

    private async Task Finish(Func<CancellationToken, Task> work, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                await work(stopping);
                return;
            }
            catch (UnavailableException e)
            {
                logger.LogWarning(e, "What was left undone could not be finished yet");
                await Task.Delay(RetryAfter, stopping);
            }
        }
    }

    // Only so many at once: requests go first.
    private async Task Mail(CancellationToken stopping) =>
        await Parallel.ForEachAsync(
            await log.Keys("subscriptions", stopping),
            new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = stopping },
            async (projectId, _) => await grains.GetGrain<INotifierGrain>(projectId).Wake());

    // One after the other, and without keeping any in memory that owes nothing.
    private async Task Claims(CancellationToken stopping)
    {
        foreach (var project in await log.Keys(TaskBook.Kind.Name, stopping))
        {
            var stored = await log.Load(new(TaskBook.Kind.Name, project), stopping);
            if (!stored.Fold<TaskBook>().Unsettled.IsEmpty) await grains.GetGrain<ITasksGrain>(project).SettleClaims();
        }
    }
}
