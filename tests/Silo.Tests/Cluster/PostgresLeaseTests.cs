using Beadhub.Hosting.Cluster;
using Beadhub.Hosting.Cluster.Leases;
using Beadhub.Hosting.EventLogs;
using Beadhub.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Beadhub.Silo.Tests.Cluster;

public sealed class PostgresLeaseTests(PostgresCluster cluster)
{
    /// <summary>A process that stands still between the renewal and the note of it finds its lease over at once.</summary>
    [Fact]
    public async Task A_lease_that_is_over_when_it_is_noted_is_dropped_and_the_node_goes_on()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(20));
        var cancellation = patience.Token;
        var url = await cluster.CreateDatabase(cancellation);
        await (await EventLogStore.Open(url, true, new EventLogs.RecordingPublisher(), NullLoggerFactory.Instance, TimeProvider.System,
            cancellation)).DisposeAsync();
        var time = new StandingStill();
        using var lease = new PostgresLease(DatabaseUrl.Parse(url).ConnectionString!, new NodeId("n1"), time,
            NullLogger<PostgresLease>.Instance);
        await lease.StartAsync(cancellation);

        (await lease.Held(cancellation)).IsCancellationRequested.ShouldBeTrue();
        time.Stands = false;
        CancellationToken held;
        do held = await lease.Held(cancellation);
        while (held.IsCancellationRequested);
        lease.ExecuteTask!.IsCompleted.ShouldBeFalse();
        await lease.StopAsync(cancellation);
    }

    /// <summary>A clock whose longer waits are over at once while it stands still; a renewal does not wait.</summary>
    private sealed class StandingStill : TimeProvider
    {
        public volatile bool Stands = true;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (Stands && dueTime > TimeSpan.FromSeconds(3))
            {
                callback(state);
                dueTime = Timeout.InfiniteTimeSpan;
            }

            return base.CreateTimer(callback, state, dueTime < TimeSpan.FromSeconds(3) && dueTime > TimeSpan.Zero
                ? TimeSpan.FromMilliseconds(5) : dueTime, period);
        }
    }
}
