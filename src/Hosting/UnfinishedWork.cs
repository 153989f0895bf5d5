using Beadhub.Escalations;
using Beadhub.EventLog;
using Beadhub.Notifications;
using Beadhub.Hosting.Cluster.Leases;
using Beadhub.Subscriptions;
using Beadhub.Tasks;
using Orleans;

namespace Beadhub.Hosting;

/// <summary>
/// Finishes what a server that died has left undone in projects that nobody may ask about for long: mail that subscribers are owed, claims
/// that follow from the status of native tasks, and escalations that are to expire. In a cluster the node that holds the lease does it,
/// also when another node is lost.
/// </summary>
internal sealed class UnfinishedWork(IEventLog log, IGrainFactory grains, IBackgroundLease lease, IHostApplicationLifetime lifetime,
    ILogger<UnfinishedWork> logger)
    : BackgroundService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource();
        await using var running = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        using var due = new SemaphoreSlim(0);
        lease.NodeLost += () => due.Release();
        try
        {
            while (true)
            {
                var held = await lease.Held(stoppingToken);
                using var until = CancellationTokenSource.CreateLinkedTokenSource(held, stoppingToken);
                try
                {
                    while (true)
                    {
                        await Task.WhenAll(Finish(Mail, until.Token), Finish(Claims, until.Token), Finish(Expiries, until.Token));
                        await due.WaitAsync(until.Token);
                    }
                }
                catch (OperationCanceledException) when (held.IsCancellationRequested)
                {
                    // Another node goes on.
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops.
        }
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

    private Task Mail(CancellationToken stopping) =>
        Each(SubscriptionBook.Kind.Name, stopping, projectId => grains.GetGrain<INotifierGrain>(projectId).Wake());

    // Being looked at, a project's escalations set their own clock.
    private Task Expiries(CancellationToken stopping) =>
        Each(EscalationList.Kind.Name, stopping, async projectId => await grains.GetGrain<IEscalationsGrain>(projectId).Pending());

    // Only so many at once: requests go first.
    private async Task Each(string kind, CancellationToken stopping, Func<string, Task> work) =>
        await Parallel.ForEachAsync(
            await log.Keys(kind, stopping), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = stopping },
            async (projectId, _) => await work(projectId));

    // One after the other, and without keeping any in memory that owes nothing.
    private async Task Claims(CancellationToken stopping)
    {
        foreach (var project in await log.Keys(TaskBook.Kind.Name, stopping))
        {
            var stored = await log.Load<TaskBook>(project, stopping);
            if (!stored.Fold<TaskBook>().Unsettled.IsEmpty) await grains.GetGrain<ITasksGrain>(project).SettleClaims();
        }
    }
}
