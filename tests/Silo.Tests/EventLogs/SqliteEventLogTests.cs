using Beadhub.EventLog;
using Beadhub.Hosting.EventLogs;
using Beadhub.Hosting.EventLogs.Sqlite;
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
        // What rests on something for which there is no room is not written either.
        await Should.ThrowAsync<EventLogUnavailableException>(() => Log.Append(Appending("b", 0, "1") with
        {
            Before = [Appending("c", 0, new string('x', 500_000))],
        }, Cancellation));
        (await Log.Load(Bead("b"), Cancellation)).Version.ShouldBe(0);
        (await Log.Load(Bead("c"), Cancellation)).Version.ShouldBe(0);
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

    [Theory]
    [InlineData("link", "-s", "new/beadhub.db")]
    [InlineData("folder", "-s", "new")]
    [InlineData("hard", "", "new/beadhub.db")]
    public async Task A_second_server_is_refused_by_whatever_name_it_reaches_the_file(string name, string kind, string target)
    {
        await Log.Append(Appending("a", 0, "1"), Cancellation);
        var link = Path.Combine(_folder, name);
        using (var ln = System.Diagnostics.Process.Start("ln",
            [.. kind.Split(' ', StringSplitOptions.RemoveEmptyEntries), Path.Combine(_folder, target), link]))
            await ln.WaitForExitAsync(Cancellation);

        await Should.ThrowAsync<EventLogInUseException>(() => EventLogStore.Open(
            $"sqlite:{(name == "folder" ? link + "/beadhub.db" : link)}", false, Published, NullLoggerFactory.Instance, TimeProvider.System,
            new EventLogOptions { LockPatience = TimeSpan.Zero }, Cancellation));
        (await Log.Append(Appending("a", 1, "2"), Cancellation)).Written.ShouldBeTrue();
    }

    [Fact]
    public void Only_a_file_that_another_holds_counts_as_taken()
    {
        Directory.CreateDirectory(_folder);
        var path = Path.Combine(_folder, "lock");
        using var held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        SqliteErrors
            .IsTaken(Should.Throw<IOException>(() => new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None)))
            .ShouldBeTrue();
        const int ReadOnlyFileSystem = 30;
        SqliteErrors.IsTaken(new IOException("Read-only file system", ReadOnlyFileSystem)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("beadhub.db", false)]
    [InlineData("beadhub.db", true)]
    [InlineData("beadhub.db-wal", false)]
    public async Task A_file_that_is_taken_away_or_replaced_takes_no_more_writes_until_it_is_back(string name, bool isReplaced)
    {
        await Log.Append(Appending("a", 0, "1"), Cancellation);
        var (file, away) = (Path.Combine(_folder, "new", name), Path.Combine(_folder, "away"));
        File.Move(file, away);
        if (isReplaced) await File.WriteAllBytesAsync(file, [], Cancellation);

        var refused = await Should.ThrowAsync<EventLogUnavailableException>(Log.Append(Appending("a", 1, "2"), Cancellation));
        refused.Message.ShouldContain("deleted or replaced");
        refused.InnerException.ShouldBeOfType<LastingTroubleException>().Message.ShouldNotContain(_folder);
        (await Log.Check(Cancellation))!.ShouldContain("deleted or replaced");
        Log.ExclusiveEpoch.ShouldBe(0);

        File.Move(away, file, overwrite: true);
        (await Log.Append(Appending("a", 1, "3"), Cancellation)).ShouldBe(new AppendResult(true, 2, 2));
        (await Log.Check(Cancellation)).ShouldBeNull();
        await Reopen();
        (await Log.Load(Bead("a"), Cancellation)).Tail.Select(e => e.Data).ShouldBe(["1", "3"]);
    }

    [Fact]
    public async Task A_damaged_page_is_told_for_as_long_as_it_is_there()
    {
        await Log.Append(Appending("a", 0, "1"), Cancellation);
        await Log.DisposeAsync();
        var file = Path.Combine(_folder, "new", "beadhub.db");
        await using (var bytes = File.OpenWrite(file))
        {
            long page;
            using (var connection = SqliteDatabase.Open(file, write: false))
            using (var ask = new Microsoft.Data.Sqlite.SqliteCommand("SELECT rootpage FROM sqlite_master WHERE name = 'events'",
                connection))
                page = (long)ask.ExecuteScalar()!;
            bytes.Position = (page - 1) * 4096;
            await bytes.WriteAsync(new byte[4096], Cancellation);
        }

        var time = new Later();
        await using var log = await EventLogStore.Open(Url, false, Published, NullLoggerFactory.Instance, time, Cancellation);
        (await log.Check(Cancellation)).ShouldBeNull();
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var refused = await Should.ThrowAsync<EventLogUnavailableException>(log.Append(Appending("b", 0, "1"), Cancellation));
            refused.Message.ShouldContain("damaged");
            refused.InnerException.ShouldBeOfType<LastingTroubleException>().Message.ShouldContain("backup");
            time.By += TimeSpan.FromMinutes(1);
            (await log.Check(Cancellation))!.ShouldContain("damaged");
        }
    }

    [Fact]
    public async Task After_a_clean_stop_the_file_alone_holds_everything()
    {
        await Log.Append(Appending("a", 0, "1"), Cancellation);
        await Log.Load(Bead("a"), Cancellation);
        await Log.DisposeAsync();
        var copy = Path.Combine(_folder, "copy.db");
        File.Copy(Path.Combine(_folder, "new", "beadhub.db"), copy);

        File.Exists(Path.Combine(_folder, "new", "beadhub.db-wal")).ShouldBeFalse();
        await UseDatabase($"sqlite:{copy}", new EventLogOptions());
        (await Log.Load(Bead("a"), Cancellation)).Tail.Select(e => e.Data).ShouldBe(["1"]);
    }

    [Fact]
    public async Task What_is_committed_goes_into_the_file_while_it_runs()
    {
        const int Written = 24 * 1024 * 1024;
        var text = new string('x', 16 * 1024);
        await Log.Append(Appending("a", 0, "1"), Cancellation);
        foreach (var part in Enumerable.Range(0, Written / text.Length).Chunk(64))
        {
            await Task.WhenAll(part.Select(i => Log.Append(Appending($"large-{i}", 0, text), Cancellation)));
            await Log.Load(Bead("a"), Cancellation);
        }

        var file = new FileInfo(Path.Combine(_folder, "new", "beadhub.db"));
        file.Length.ShouldBeGreaterThan(Written / 2);
        new FileInfo(file.FullName + "-wal").Length.ShouldBeLessThan(Written / 2);
    }

    private sealed class Later : TimeProvider
    {
        public TimeSpan By { get; set; }

        public override long GetTimestamp() => base.GetTimestamp() + (long)(By.TotalSeconds * TimestampFrequency);
    }

    private protected override Task<string> NewDatabase() => Task.FromResult($"sqlite:{_folder}/new/beadhub.db");

    private protected override Task AgeSchema()
    {
        using var connection = SqliteDatabase.Open(Path.Combine(_folder, "new", "beadhub.db"), write: true);
        SqliteDatabase.Execute(connection, "PRAGMA user_version = 1000");
        return Task.CompletedTask;
    }
}
