using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Hosting.EventLogs;
using Beadhub.Hosting.EventLogs.Postgres;
using Beadhub.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Beadhub.Silo.Tests.EventLogs;

public sealed class PostgresEventLogTests(PostgresCluster cluster) : EventLogAcceptance
{
    private const string TerminateAll =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

    [Fact]
    public async Task A_full_disk_refuses_the_appends_and_leaves_nothing_of_them()
    {
        await Log.Append(Appending("a", 0, "1"), Cancellation);
        await PostgresCluster.Execute(Url, """
            CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
            CREATE TRIGGER full_disk BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION full_disk();
            """, Cancellation);

        var epoch = Log.ExclusiveEpoch;
        foreach (var count in (int[])[1, 20, 400])
        {
            var refused = Enumerable.Range(0, count).Select(i =>
                Log.Append(Appending($"n{i}", 0, "1") with { Snapshot = "S" }, Cancellation)).ToList();
            foreach (var append in refused)
                (await Should.ThrowAsync<EventLogUnavailableException>(append)).Message.ShouldContain("No space left");
        }
        // Nobody trusts what was known before.
        Log.ExclusiveEpoch.ShouldNotBe(epoch);
        (await Log.Check(Cancellation)).ShouldNotBeNull();
        (await All("bead")).Keys.ShouldBe(["a"]);
        (await Log.Head(Project, Cancellation)).ShouldBe(1);

        await PostgresCluster.Execute(Url, "DROP TRIGGER full_disk ON events", Cancellation);
        (await Log.Append(Appending("a", 1, "2"), Cancellation)).ShouldBe(new AppendResult(true, 2, 2));
        (await Log.Check(Cancellation)).ShouldBeNull();
        Log.ExclusiveEpoch.ShouldBeGreaterThan(epoch);
        await FeedIsWhole(Project);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(400)]
    public async Task An_append_that_the_server_refuses_spoils_no_other(int count)
    {
        // A key longer than an index entry may be, and that does not compress.
        var bytes = new byte[9000];
        new Random(1).NextBytes(bytes);
        var noise = Convert.ToBase64String(bytes);
        var appends = Enumerable.Range(0, count).Select(i => Log.Append(Appending(i == count / 2 ? noise : $"{i}", 0, "1"), Cancellation))
            .ToList();
        for (var i = 0; i < count; i++)
        {
            if (i == count / 2) await Should.ThrowAsync<BadAppendException>(appends[i]);
            else (await appends[i]).Written.ShouldBeTrue();
        }
        (await Log.Head(Project, Cancellation)).ShouldBe(count - 1);
        await FeedIsWhole(Project);
    }

    [Fact]
    public async Task Lost_connections_lose_no_acknowledged_write_and_come_back()
    {
        await using var writers = new Writers(Log, 8);
        for (var i = 0; i < 5; i++)
        {
            await writers.EachSucceeds(Cancellation);
            await PostgresCluster.Execute(Url, TerminateAll, Cancellation);
        }
        await writers.EachSucceeds(Cancellation);
        await writers.DisposeAsync();
        await AllAcknowledgedAreThere(writers);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_restart_of_the_server_loses_no_acknowledged_write_and_is_survived(bool crash)
    {
        await using var own = new PostgresCluster();
        await UseDatabase(await own.CreateDatabase(Cancellation), new EventLogOptions { Patience = TimeSpan.FromMilliseconds(200) });
        await using (var writers = new Writers(Log, 8))
        {
            await writers.EachSucceeds(Cancellation);
            await own.Stop(crash);
            await writers.OneFails(Cancellation);
            // Out of reach for longer than the patience: the answer comes at once, and health tells.
            await Until(async () => await Log.Check(Cancellation) is not null);
            await Should.ThrowAsync<EventLogUnavailableException>(async () => await Log.Load(Bead("0"), Cancellation));
            await own.Start(Cancellation);
            await writers.EachSucceeds(Cancellation);
            await writers.DisposeAsync();
            await AllAcknowledgedAreThere(writers);
        }
        (await Log.Check(Cancellation)).ShouldBeNull();
        await Log.DisposeAsync();
    }

    [Fact]
    public async Task A_lost_lock_is_noticed_and_regained_under_another_epoch()
    {
        var before = Log.ExclusiveEpoch;
        before.ShouldBeGreaterThan(0);
        await PostgresCluster.Execute(Url, TerminateAll, Cancellation);
        await Until(() => Task.FromResult(Log.ExclusiveEpoch > before));
    }

    [Fact]
    public async Task A_lock_that_another_took_meanwhile_is_not_claimed_and_writes_go_on()
    {
        var before = Log.ExclusiveEpoch;
        // The stranger stands in the server's queue, so the lock is its the moment that it is lost.
        await using var stranger = await PostgresCluster.Connect(Url, Cancellation);
        await using var take = new NpgsqlCommand($"SELECT pg_advisory_lock({PostgresLock.LogLock})", stranger);
        var taking = take.ExecuteNonQueryAsync(Cancellation);
        await Until(async () =>
            await PostgresCluster.Execute(Url, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
            Cancellation) is 1L);
        await PostgresCluster.Execute(Url, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted",
            Cancellation);
        await taking;

        await Until(() => Task.FromResult(Log.ExclusiveEpoch == 0));
        (await Log.Append(Appending("a", 0, "1"), Cancellation)).Written.ShouldBeTrue();
        Log.ExclusiveEpoch.ShouldBe(0);

        await stranger.CloseAsync();
        await Until(() => Task.FromResult(Log.ExclusiveEpoch > before));
    }

    /// <summary>The server's process waits for a lock and does not know that its client is gone; what it was at may be committed at any
    /// time.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_write_that_is_held_up_while_its_connection_is_cut_is_written_once_and_not_told_to_be_refused(bool mayEndProcesses)
    {
        const string WaitsForALock =
            "SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND "
            + "wait_event <> 'advisory'";
        await Log.Append(Appending("a", 0, "1"), Cancellation);
        var role = "postgres";
        if (!mayEndProcesses)
        {
            role = $"plain_{Guid.NewGuid():N}";
            await PostgresCluster.Execute(Url, $"""
                CREATE ROLE {role} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};
                REVOKE EXECUTE ON FUNCTION pg_terminate_backend(int, bigint) FROM PUBLIC;
                """, Cancellation);
        }

        await using var proxy = new CutProxy(cluster.Endpoint);
        var direct = Url;
        await UseDatabase(
            $"postgres://{role}@127.0.0.1:{proxy.Port}/"
            + $"{Url[(Url.IndexOf("@/", StringComparison.Ordinal) + 2)..Url.IndexOf('?', StringComparison.Ordinal)]}",
            new EventLogOptions());

        await using var holder = await PostgresCluster.Connect(direct, Cancellation);
        await using var holding = await holder.BeginTransactionAsync(Cancellation);
        await using (var hold = new NpgsqlCommand("LOCK TABLE events IN SHARE MODE", holder, holding)) await hold
            .ExecuteNonQueryAsync(Cancellation);

        var append = Log.Append(Appending("a", 1, "2"), Cancellation);
        object? first = 0;
        await Until(async () => (first = await PostgresCluster.Execute(direct, WaitsForALock, Cancellation)) is int and > 0);
        proxy.Cut();
        await Until(async () =>
            await PostgresCluster.Execute(direct, WaitsForALock.Replace("max(pid)", $"max(pid) FILTER (WHERE pid <> {first})"),
            Cancellation) is int and > 0);
        await holding.CommitAsync(Cancellation);

        (await append).ShouldBe(new AppendResult(true, 2, 2));
        (await Log.Load(Bead("a"), Cancellation)).Tail.Select(e => e.Data).ShouldBe(["1", "2"]);
        await FeedIsWhole(Project);
    }

    [Fact]
    public async Task Nodes_of_a_cluster_write_at_once_and_each_position_is_given_once()
    {
        await Log.DisposeAsync();
        var nodes = new[] { await Open(cluster: true), await Open(cluster: true), await Open(cluster: true) };
        nodes.ShouldAllBe(node => node.ExclusiveEpoch == 0);

        // All nodes race for the same streams, in batches and alone, in two projects and in opposite orders.
        var won = new int[3];
        await Task.WhenAll(Enumerable.Range(0, 3).SelectMany(node => Enumerable.Range(0, 12).Select(writer => Task.Run(async () =>
        {
            for (var round = 0; round < 25; round++)
            {
                var key = $"{(node % 2 == 0 ? round : 24 - round)}-{writer % 4}";
                var project = writer % 2 == 0 ? Project : "other";
                var stream = new StreamKey("bead", $"{project}/{key}");
                var version = await nodes[node].Version(project, stream, Cancellation);
                var result = await nodes[node].Append(new StreamAppend(project, stream, version, [Event("1"), Event("2")], null),
                    Cancellation);
                if (result.Written) Interlocked.Increment(ref won[node]);
            }
        }))));

        Log = nodes[0];
        var feed = await Feed(Project);
        var other = await Feed("other");
        (feed.Count + other.Count).ShouldBe(2 * won.Sum());
        foreach (var one in (List<FeedEvent>[])[feed, other])
        {
            one.Select(e => e.Position).ShouldBe(Enumerable.Range(1, one.Count).Select(n => (long)n));
            foreach (var stream in one.GroupBy(e => e.Key))
                stream.Select(e => e.Version).ShouldBe(Enumerable.Range(1, stream.Count()).Select(n => (long)n));
        }
        won.ShouldAllBe(count => count > 0);
    }

    [Fact]
    public async Task Nodes_that_write_one_stream_at_any_version_are_never_refused()
    {
        await Log.DisposeAsync();
        var nodes = new[] { await Open(cluster: true), await Open(cluster: true), await Open(cluster: true) };
        for (var i = 0; i < 4; i++) await nodes[0].Append(Appending($"{i}", 0, "begun"), Cancellation);
        var results = await Task.WhenAll(Enumerable.Range(0, 600).Select(i => Task.Run(() => nodes[i % 3].Append(
            new StreamAppend(Project, Bead($"{i / 3 % 4}"), 1 + i / 12, [Event($"{i}") with { Mark = $"{i}" }], $"S{i}", AnyVersion: true),
            Cancellation))));

        Log = nodes[0];
        results.ShouldAllBe(result => result.Written);
        var feed = await Feed(Project);
        feed.Count.ShouldBe(604);
        for (var i = 0; i < 600; i++)
            feed[(int)results[i].FirstPosition - 1].ShouldSatisfyAllConditions(e => e.Data.ShouldBe($"{i}"), e =>
                e.Version.ShouldBe(results[i].FirstVersion));
        foreach (var stream in feed.GroupBy(e => e.Key))
            stream.Select(e => e.Version).ShouldBe(Enumerable.Range(1, 151).Select(n => (long)n));

        // A snapshot is there only where it says what the stream holds.
        foreach (var stream in (await All("bead")).Values.Where(stream => stream.SnapshotVersion > 0))
            int.Parse(stream.Snapshot![1..]).ShouldSatisfyAllConditions(
                i => (i / 12 + 2).ShouldBe((int)stream.SnapshotVersion), i => results[i].FirstVersion.ShouldBe(stream.SnapshotVersion));
    }

    [Fact]
    public async Task A_lone_node_and_nodes_of_a_cluster_exclude_each_other()
    {
        var impatient = new EventLogOptions { LockPatience = TimeSpan.Zero };
        (await Should.ThrowAsync<EventLogInUseException>(() => Open(impatient, cluster: true))).Message
            .ShouldContain("BEADHUB_CLUSTER=true");
        await Log.DisposeAsync();
        await Open(cluster: true);
        (await Should.ThrowAsync<EventLogInUseException>(() => Open(impatient))).Message.ShouldContain("BEADHUB_CLUSTER=true");
    }

    [Fact]
    public async Task Nodes_that_start_together_find_one_schema()
    {
        await Log.DisposeAsync();
        await PostgresCluster.Execute(Url, "DROP TABLE events, snapshots, schema_version", Cancellation);
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Open(cluster: true)));
        (await PostgresCluster.Execute(Url, "SELECT count(*) FROM schema_version", Cancellation)).ShouldBe(1L);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_said_so_without_the_password()
    {
        var refused = await Should.ThrowAsync<EventLogUnavailableException>(() => EventLogStore.Open(
            "postgres://someone:s3cret@127.0.0.1:1/beadhub", false, Published, NullLoggerFactory.Instance,
            TimeProvider.System, Cancellation));
        refused.Message.ShouldContain("127.0.0.1:1/beadhub");
        refused.ToString().ShouldNotContain("s3cret");
    }

    private protected override Task<string> NewDatabase()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        return cluster.CreateDatabase(Cancellation);
    }

    private protected override async Task AgeSchema() =>
        await PostgresCluster.Execute(Url, "UPDATE schema_version SET version = 1000", Cancellation);

    private async Task AllAcknowledgedAreThere(Writers writers)
    {
        var feed = await Feed(Project);
        feed.Select(e => e.Position).ShouldBe(Enumerable.Range(1, feed.Count).Select(n => (long)n));
        writers.Acknowledged.ShouldNotBeEmpty();
        foreach (var (key, version, position) in writers.Acknowledged)
        {
            var found = feed[(int)position - 1];
            (found.Key, found.Version).ShouldBe((key, version));
        }
        feed.Select(e => (e.Key, e.Version)).Distinct().Count().ShouldBe(feed.Count);
    }

    private static async Task Until(Func<Task<bool>> condition)
    {
        while (!await condition()) await Task.Delay(5, Cancellation);
    }

    [Fact]
    public async Task A_batch_whose_connection_broke_is_found_when_it_was_written_and_only_then()
    {
        var (first, second, other) = (Appending("a", 0, "{\"n\":1}", "{\"n\":2}"), Appending("b", 0, "{\"n\":3}"),
            Appending("c", 0, "{\"n\":4}"));
        await Log.Append(first, Cancellation);
        await Log.Append(second, Cancellation);
        await using var connection = await PostgresCluster.Connect(Url, Cancellation);

        var written = Pending(first, second, other);
        WrittenBatch.Find(connection, written).ShouldBeTrue();
        written.Select(pending => pending.FirstPosition).ShouldBe([1, 3, 0]);

        // Another node's event in the same place is not ours, and what was never written is not there.
        WrittenBatch.Find(connection, Pending(Appending("a", 0, "{\"n\":9}"), other)).ShouldBeFalse();

        // At any version it is found by its mark.
        var any = new StreamAppend(Project, Bead("b"), 0, [Event("{\"n\":5}") with { Mark = "m" }], null, AnyVersion: true);
        WrittenBatch.Find(connection, Pending(any)).ShouldBeFalse();
        await Log.Append(any, Cancellation);
        var found = Pending(first, any);
        WrittenBatch.Find(connection, found).ShouldBeTrue();
        found.Select(pending => (pending.FirstPosition, pending.FirstVersion)).ShouldBe([(1, 1), (4, 2)]);
        WrittenBatch.Find(connection, Pending(any with { Stream = Bead("a") })).ShouldBeFalse();

        static PendingAppend[] Pending(params StreamAppend[] appends) => [.. appends.Select(append => new PendingAppend(append, default))];
    }
}
