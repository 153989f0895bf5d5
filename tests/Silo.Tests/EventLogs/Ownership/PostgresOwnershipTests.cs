using System.Diagnostics;
using Beadhub.EventLog;
using Beadhub.Hosting.EventLogs;
using Beadhub.Hosting.EventLogs.Ownership;
using Beadhub.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Beadhub.Silo.Tests.EventLogs.Ownership;

/// <summary>Nodes of a cluster on one PostgreSQL: what one owns it answers from memory, and never past another's write.</summary>
public sealed class PostgresOwnershipTests(PostgresCluster cluster) : IAsyncLifetime
{
    private const string P = "5b1c0fd2-6b0a-4c38-8a5c-0d5f0e6f8a11";

    private readonly List<DurableEventLog> _opened = [];
    private string _url = "";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        _url = await cluster.CreateDatabase(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var log in _opened) await log.DisposeAsync();
    }

    [Fact]
    public async Task An_owner_asks_the_log_nothing_and_commits_once_a_write()
    {
        var node = await Owner("a");
        await using var connection = await PostgresCluster.Connect(_url, Cancellation);
        await using (var transaction = await connection.BeginTransactionAsync(Cancellation))
        {
            await using var hold = new NpgsqlCommand("LOCK TABLE events IN ACCESS EXCLUSIVE MODE", connection, transaction);
            await hold.ExecuteNonQueryAsync(Cancellation);
            // Longer than a lease: it is renewed meanwhile.
            for (var since = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(3);
                await Task.Delay(20, Cancellation))
            {
                (await node.Head(P, Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(1), Cancellation)).ShouldBe(1);
                (await node.Version(P, Bead("a"), Cancellation)).ShouldBe(1);
                (await node.ReadFeed(P, 1, 10, Cancellation)).ShouldBeEmpty();
            }
        }

        (await node.Append(Appending("a", 1, "2"), Cancellation)).Written.ShouldBeTrue();
        (await node.Head(P, Cancellation)).ShouldBe(2);
        (await node.Version(P, Bead("a"), Cancellation)).ShouldBe(2);
    }

    [Fact]
    public async Task What_an_owner_has_under_way_is_not_passed_over()
    {
        var node = await Owner("a");
        await using var connection = await PostgresCluster.Connect(_url, Cancellation);
        Task<AppendResult> append;
        Task<long> head, version;
        await using (var transaction = await connection.BeginTransactionAsync(Cancellation))
        {
            await using var hold = new NpgsqlCommand("LOCK TABLE events IN EXCLUSIVE MODE", connection, transaction);
            await hold.ExecuteNonQueryAsync(Cancellation);
            append = node.Append(Appending("a", 1, "2"), Cancellation);
            while (await PostgresCluster.Execute(_url, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", Cancellation)
                is 0L) await Task.Delay(5, Cancellation);
            (head, version) = (node.Head(P, Cancellation).AsTask(), node.Version(P, Bead("a"), Cancellation).AsTask());
            await Task.Delay(100, Cancellation);
            (head.IsCompleted, version.IsCompleted).ShouldBe((false, false));
            await transaction.CommitAsync(Cancellation);
        }

        (await append).Written.ShouldBeTrue();
        (await head, await version).ShouldBe((2, 2));
    }

    [Fact]
    public async Task Whoever_wants_to_write_asks_the_owner_and_is_let_in_at_once()
    {
        var (first, second) = (await Owner("a"), await Open());
        var begun = Stopwatch.GetTimestamp();
        (await second.Append(Appending("b", 0, "theirs"), Cancellation)).ShouldBe(new AppendResult(true, 2, 1));
        Stopwatch.GetElapsedTime(begun).ShouldBeLessThan(TimeSpan.FromSeconds(1.5));
        (await first.Head(P, Cancellation)).ShouldBe(2);
        (await first.Version(P, Bead("b"), Cancellation)).ShouldBe(1);
        // In turns, from both at once: nobody is refused, nobody reads what is older than what was acknowledged.
        var written = 2L;
        await Task.WhenAll(new[] { first, second }.SelectMany(log => Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
        {
            for (var n = 0; n < 50; n++)
            {
                var acknowledged = Interlocked.Read(ref written);
                (await log.Head(P, Cancellation)).ShouldBeGreaterThanOrEqualTo(acknowledged);
                var key = $"{(log == first ? 1 : 2)}-{writer}";
                (await log.Append(Appending(key, n, "x"), Cancellation)).Written.ShouldBeTrue();
                Interlocked.Increment(ref written);
            }
        }, Cancellation))));
        (await first.Head(P, Cancellation), await second.Head(P, Cancellation)).ShouldBe((402, 402));
        // In the end the owner owns it again.
        await Until(async () => await OwnedBy(first));
    }

    [Fact]
    public async Task A_node_that_is_cut_off_finds_its_trust_over_before_another_writes()
    {
        await using var proxy = new CutProxy(cluster.Endpoint);
        var away = await Open(ViaProxy(proxy));
        (await away.Append(Appending("a", 0, "1"), Cancellation)).Written.ShouldBeTrue();
        await Until(() => OwnedBy(away));
        var other = await Open();
        proxy.StaysCut = true;
        proxy.Cut();
        var begun = Stopwatch.GetTimestamp();
        var writing = other.Append(Appending("b", 0, "1"), Cancellation);
        while (!writing.IsCompleted)
        {
            // As long as it answers nobody else has written.
            if (away.Grant(P) == 0) break;
            writing.IsCompleted.ShouldBeFalse();
            await Task.Delay(5, Cancellation);
        }

        Stopwatch.GetElapsedTime(begun).ShouldBeLessThan(SessionLease.Trust + TimeSpan.FromSeconds(1));
        (await writing).Written.ShouldBeTrue();
        await Should.ThrowAsync<EventLogUnavailableException>(async () => await away.Head(P, Cancellation));

        // Back again, it begins anew.
        proxy.StaysCut = false;
        await Until(async () => await Answers(() => away.Head(P, Cancellation)) == 2);
        (await away.Append(Appending("a", 1, "2"), Cancellation)).Written.ShouldBeTrue();
        (await other.Head(P, Cancellation)).ShouldBe(3);
    }

    [Fact]
    public async Task A_node_that_leaves_gives_its_projects_back()
    {
        var (first, second) = (await Owner("a"), await Open());
        await first.DisposeAsync();
        (await PostgresCluster.Execute(_url, "SELECT count(*) FROM owners", Cancellation)).ShouldBe(0L);
        await Until(() => OwnedBy(second));
    }

    [Fact]
    public async Task The_projects_of_a_node_that_stands_still_are_waited_for_and_then_everybodys()
    {
        var node = await Open();
        await PostgresCluster.Execute(_url, $"""
            INSERT INTO sessions VALUES ('dead', '', '', 7); INSERT INTO owners (project, owner, shared) VALUES ('{P}', 'dead', false)
            """, Cancellation);
        var begun = Stopwatch.GetTimestamp();
        (await node.Append(Appending("a", 0, "1"), Cancellation)).Written.ShouldBeTrue();
        Stopwatch.GetElapsedTime(begun).ShouldBeGreaterThan(SessionLease.Patience - TimeSpan.FromMilliseconds(100));
        await Until(() => OwnedBy(node));

        // By many appends at once, and by a copied batch, it is refused as by one.
        await PostgresCluster.Execute(_url, """
            INSERT INTO sessions VALUES ('dead', '', '', 7);
            INSERT INTO owners (project, owner, shared) VALUES ('q', 'dead', false), ('r', 'dead', false)
            """, Cancellation);
        var many = Enumerable.Range(0, 20).Select(i => node.Append(new("q", Bead($"q{i}"), 0, [Event("1")], null), Cancellation)).ToArray();
        var copied = node.Append(new("r", Bead("r"), 0, [.. Enumerable.Range(0, 300).Select(i => Event($"{i}"))], null), Cancellation);
        await Task.Delay(500, Cancellation);
        many.Append(copied).ShouldAllBe(append => !append.IsCompleted);
        (await Task.WhenAll([.. many, copied])).ShouldAllBe(result => result.Written);
    }

    [Fact]
    public async Task Nobody_owns_anything_while_a_server_runs_that_does_not_know_of_owners()
    {
        var node = await Owner("a");
        await using (var old = await PostgresCluster.Connect(_url, Cancellation))
        {
            await using var shared = new NpgsqlCommand("SELECT pg_advisory_lock_shared(x'4265616468756200'::bigint)", old);
            await shared.ExecuteNonQueryAsync(Cancellation);
            await Until(() => Task.FromResult(node.Grant(P) == 0));
            (await node.Head(P, Cancellation)).ShouldBe(1);
            node.Grant(P).ShouldBe(0);
        }

        await Until(() => OwnedBy(node));
    }

    [Fact]
    public async Task Who_runs_alone_ends_the_leases_of_a_cluster_that_is_gone()
    {
        await (await Open()).DisposeAsync();
        await PostgresCluster.Execute(_url, $"""
            INSERT INTO sessions VALUES ('dead', '', '', 7); INSERT INTO owners (project, owner, shared) VALUES ('{P}', 'dead', false)
            """, Cancellation);
        var alone = await EventLogStore.Open(_url, false, new RecordingPublisher(), NullLoggerFactory.Instance, TimeProvider.System,
            Cancellation);
        _opened.Add(alone);
        (await PostgresCluster.Execute(_url, "SELECT count(*) FROM sessions", Cancellation)).ShouldBe(0L);
        (await alone.Append(Appending("a", 0, "1"), Cancellation)).Written.ShouldBeTrue();
    }

    private async Task<DurableEventLog> Owner(string key)
    {
        var node = await Open();
        (await node.Append(Appending(key, 0, "1"), Cancellation)).Written.ShouldBeTrue();
        await Until(() => OwnedBy(node));
        return node;
    }

    private async Task<bool> OwnedBy(DurableEventLog node)
    {
        await node.Head(P, Cancellation);
        await node.Version(P, Bead("a"), Cancellation);
        return node.Grant(P) > 0;
    }

    private async Task<DurableEventLog> Open(string? url = null)
    {
        var log = await EventLogStore.Open(url ?? _url, true, new RecordingPublisher(), NullLoggerFactory.Instance, TimeProvider.System,
            new EventLogOptions { Patience = TimeSpan.FromSeconds(1) }, Cancellation);
        _opened.Add(log);
        return log;
    }

    private string ViaProxy(CutProxy proxy) => $"postgres://postgres@127.0.0.1:{proxy.Port}/"
        + $"{_url[(_url.IndexOf("@/", StringComparison.Ordinal) + 2).._url.IndexOf('?', StringComparison.Ordinal)]}";

    private static async Task<long> Answers(Func<ValueTask<long>> ask)
    {
        try
        {
            return await ask();
        }
        catch (EventLogUnavailableException)
        {
            return -1;
        }
    }

    private static StreamKey Bead(string key) => new("bead", key);

    private static NewEvent Event(string data) => new("bead.changed.v1", data, DateTimeOffset.UnixEpoch);

    private static StreamAppend Appending(string key, long expected, string data) => new(P, Bead(key), expected, [Event(data)], null);

    private static async Task Until(Func<Task<bool>> condition)
    {
        while (!await condition()) await Task.Delay(20, Cancellation);
    }
}
