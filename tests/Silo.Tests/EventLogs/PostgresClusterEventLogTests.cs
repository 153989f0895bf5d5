using Beadhub.Testing;

namespace Beadhub.Silo.Tests.EventLogs;

/// <summary>The log as a node of a cluster sees it, where every answer counts on others that write.</summary>
public sealed class PostgresClusterEventLogTests(PostgresCluster cluster) : EventLogAcceptance
{
    private protected override bool InCluster => true;

    [Fact]
    public async Task What_one_node_has_written_another_answers_at_once()
    {
        var other = await Open();
        for (var n = 0L; n < 100; n++)
        {
            var (writer, reader) = n % 3 == 0 ? (other, Log) : (Log, other);
            (await writer.Append(Appending("a", n, $"{n}"), Cancellation)).Written.ShouldBeTrue();
            await ReadBarrier.During(async () =>
            {
                (await reader.Version(Project, Bead("a"), Cancellation)).ShouldBe(n + 1);
                (await reader.Head(Project, Cancellation)).ShouldBe(n + 1);
                (await reader.ReadFeed(Project, n, 10, Cancellation)).Select(e => e.Data).ShouldBe([$"{n}"]);
            });
        }
    }

    private protected override Task<string> NewDatabase()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        return cluster.CreateDatabase(Cancellation);
    }

    private protected override async Task AgeSchema() =>
        await PostgresCluster.Execute(Url, "UPDATE schema_version SET version = 1000", Cancellation);
}
