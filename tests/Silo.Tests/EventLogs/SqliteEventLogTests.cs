using Beadhub.EventLog;
using Beadhub.Silo.EventLogs;
using Beadhub.Silo.EventLogs.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Beadhub.Silo.Tests.EventLogs;

public sealed class SqliteEventLogTests : EventLogAcceptance
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "beadhub-log-" + Guid.NewGuid().ToString("N")[..12]);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_full_disk_refuses_the_append_and_leaves_nothing_of_it()
    {
        await Log.Append(Appending("a", 0, "1"), Cancellation);
        await Reopen(new EventLogOptions { MaxSqlitePages = 60 });

        var epoch = Log.ExclusiveEpoch;
        var full = await Should.ThrowAsync<EventLogUnavailableException>(
            () => Log.Append(Appending("a", 1, "2", new string('x', 500_000)) with { Snapshot = "S" }, Cancellation));
        full.Message.ShouldContain("full");
        (await Log.Check(Cancellation)).ShouldNotBeNull();
        (await Log.Load(Bead("a"), Cancellation)).ShouldSatisfyAllConditions(
            stream => stream.Version.ShouldBe(1), stream => stream.Snapshot.ShouldBeNull(), stream => stream.Tail.Count.ShouldBe(1));
        (await Log.Head(Project, Cancellation)).ShouldBe(1);

        (await Log.Append(Appending("a", 1, "small"), Cancellation)).ShouldBe(new AppendResult(true, 2, 2));
        (await Log.Check(Cancellation)).ShouldBeNull();
        Log.ExclusiveEpoch.ShouldBeGreaterThan(epoch);
        await FeedIsWhole(Project);
    }

    [Fact]
    public async Task SQLite_serves_no_cluster()
    {
        await Log.DisposeAsync();
        (await Should.ThrowAsync<ArgumentException>(() => Open(cluster: true))).Message.ShouldContain("PostgreSQL");
    }

    [Fact]
    public async Task A_path_that_cannot_be_written_is_said_so()
    {
        var file = Path.Combine(_folder, "file");
        await File.WriteAllTextAsync(file, "", Cancellation);
        await Should.ThrowAsync<EventLogUnavailableException>(() => EventLogStore.Open(
            $"sqlite:{file}/beadhub.db", false, Published, NullLoggerFactory.Instance, TimeProvider.System, Cancellation));
    }

    private protected override Task<string> NewDatabase() => Task.FromResult($"sqlite:{_folder}/new/beadhub.db");

    private protected override Task AgeSchema()
    {
        using var connection = SqliteDatabase.Open(Path.Combine(_folder, "new", "beadhub.db"), write: true);
        SqliteDatabase.Execute(connection, "PRAGMA user_version = 1000");
        return Task.CompletedTask;
    }
}
