using Beadhub.EventLog;
using Beadhub.Tasks;
using Orleans;

namespace Beadhub.Silo;

/// <summary>Finishes, at start, what a server that died had not yet carried from the status of native tasks into claims: nobody may ask for these tasks for long.</summary>
internal sealed class TasksStart(IEventLog log, IGrainFactory grains, IHostApplicationLifetime lifetime, ILogger<TasksStart> logger) : BackgroundService
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
                // One after the other, and without keeping any in memory that owes nothing: requests go first.
                foreach (var project in await log.Keys(TaskBook.Kind.Name, stoppingToken))
                {
                    var stored = await log.Load(new(TaskBook.Kind.Name, project), stoppingToken);
                    if (!stored.Fold<TaskBook>().Unsettled.IsEmpty) await grains.GetGrain<ITasksGrain>(project).SettleClaims();
                }

                return;
            }
            catch (UnavailableException e)
            {
                logger.LogWarning(e, "Claims of native tasks could not be settled yet");
                await Task.Delay(RetryAfter, stoppingToken);
            }
        }
    }
}
