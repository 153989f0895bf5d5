using System.Text.Json;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Hosting.EventLogs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Beadhub.Silo.Tests.EventLogs;

/// <summary>What every store of the event log must do. Each store has a subclass that says how a new database is made.</summary>
public abstract class EventLogAcceptance : IAsyncLifetime
{
    private protected const string Project = "5b1c0fd2-6b0a-4c38-8a5c-0d5f0e6f8a11";
    private static readonly DateTimeOffset At = new DateTimeOffset(2026, 2, 3, 4, 5, 6, TimeSpan.Zero).AddMicroseconds(789_123);

    private readonly List<DurableEventLog> _opened = [];

    private protected RecordingPublisher Published { get; } = new();

    private protected string Url { get; private set; } = "";

    private protected DurableEventLog Log { get; set; } = null!;

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Url = await NewDatabase();
        Log = await Open();
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var log in _opened) await log.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<string> NewDatabase();

    /// <summary>Whether the log is opened as one node of several.</summary>
    private protected virtual bool InCluster => false;

    /// <summary>Makes the database look as if a newer program had written it.</summary>
    private protected abstract Task AgeSchema();

    private protected async Task<DurableEventLog> Open(EventLogOptions? options = null, bool? cluster = null)
    {
        var log = await EventLogStore.Open(
            Url, cluster ?? InCluster, Published, NullLoggerFactory.Instance, TimeProvider.System, options ?? new EventLogOptions(),
            Cancellation);
        _opened.Add(log);
        return log;
    }

    private protected async Task<DurableEventLog> Reopen(EventLogOptions? options = null)
    {
        await Log.DisposeAsync();
        return Log = await Open(options);
    }

    private protected async Task UseDatabase(string url, EventLogOptions options)
    {
        await Log.DisposeAsync();
        Url = url;
        Log = await Open(options);
    }

    private protected static StreamKey Bead(string key) => new("bead", key);

    private protected static NewEvent Event(string data, string type = "bead.changed.v1") => new(type, data, At);

    private protected static StreamAppend Appending(string key, long expected, params string[] data) =>
        new(Project, Bead(key), expected, [.. data.Select(one => Event(one))], null);

    [Fact]
    public async Task A_stream_never_written_is_empty()
    {
        var stream = await Log.Load(Bead("none"), Cancellation);
        stream.ShouldSatisfyAllConditions(
            () => stream.Key.ShouldBe("none"),
            () => stream.Version.ShouldBe(0),
            () => stream.Snapshot.ShouldBeNull(),
            () => stream.Tail.ShouldBeEmpty());
        (await Log.Version(Project, Bead("none"), Cancellation)).ShouldBe(0);
        (await Log.Head(Project, Cancellation)).ShouldBe(0);
        (await Log.ReadFeed(Project, 0, 10, Cancellation)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Events_come_back_as_they_were_written()
    {
        var result = await Log
            .Append(new StreamAppend(Project, Bead("a"), 0, [Event("{\"n\":1}"), Event("{\"n\":2}", "bead.claimed.v1")], null),
            Cancellation);
        result.ShouldBe(new AppendResult(true, 1, 1));
        (await Log.Append(Appending("a", 2, "{\"n\":3}"), Cancellation)).ShouldBe(new AppendResult(true, 3, 3));

        var stream = await Log.Load(Bead("a"), Cancellation);
        stream.Version.ShouldBe(3);
        stream.SnapshotVersion.ShouldBe(0);
        stream.Snapshot.ShouldBeNull();
        stream.Tail.ShouldBe([
            new StoredEvent(1, "bead.changed.v1", "{\"n\":1}", At),
            new StoredEvent(2, "bead.claimed.v1", "{\"n\":2}", At),
            new StoredEvent(3, "bead.changed.v1", "{\"n\":3}", At),
        ]);
        (await Log.Version(Project, Bead("a"), Cancellation)).ShouldBe(3);
        (await Log.Head(Project, Cancellation)).ShouldBe(3);
    }

    [Fact]
    public async Task Times_are_kept_in_UTC_to_the_microsecond()
    {
        var fine = new DateTimeOffset(2026, 7, 1, 12, 0, 0, TimeSpan.FromHours(2)).AddTicks(1234567);
        await Log.Append(new StreamAppend(Project, Bead("a"), 0, [new NewEvent("t.v1", "{}", fine)], null), Cancellation);

        var stored = (await Log.Load(Bead("a"), Cancellation)).Tail[0].At;
        stored.Offset.ShouldBe(TimeSpan.Zero);
        stored.ShouldBe(fine.AddTicks(-7));
        Published.Feed(Project)[0].At.ShouldBe(stored);
    }

    [Fact]
    public async Task A_snapshot_replaces_the_events_up_to_it_on_reading()
    {
        await Log.Append(Appending("a", 0, "1", "2") with { Snapshot = "S2" }, Cancellation);
        var at2 = await Log.Load(Bead("a"), Cancellation);
        at2.ShouldSatisfyAllConditions(
            () => at2.Version.ShouldBe(2), () =>
                at2.SnapshotVersion.ShouldBe(2), () => at2.Snapshot.ShouldBe("S2"), () => at2.Tail.ShouldBeEmpty());

        await Log.Append(Appending("a", 2, "3", "4"), Cancellation);
        await Log.Append(Appending("a", 4, "5"), Cancellation);
        var at5 = await Log.Load(Bead("a"), Cancellation);
        at5.ShouldSatisfyAllConditions(
            () => at5.Version.ShouldBe(5), () => at5.SnapshotVersion.ShouldBe(2), () => at5.Snapshot.ShouldBe("S2"),
            () => at5.Tail.Select(e => (e.Version, e.Data)).ShouldBe([(3, "3"), (4, "4"), (5, "5")]));
    }

    [Fact]
    public async Task A_part_of_a_stream_is_read_from_any_version_whatever_its_snapshot()
    {
        await Log.Append(Appending("a", 0, "1", "2", "3") with { Snapshot = "S3" }, Cancellation);
        await Log.Append(Appending("b", 0, "other"), Cancellation);
        await Log.Append(Appending("a", 3, "4", "5"), Cancellation);

        (await Log.ReadStream(Bead("a"), 1, 3, Cancellation)).Select(e => (e.Version, e.Data)).ShouldBe([(2, "2"), (3, "3"), (4, "4")]);
        (await Log.ReadStream(Bead("a"), 0, 100, Cancellation)).Select(e => e.Data).ShouldBe(["1", "2", "3", "4", "5"]);
        (await Log.ReadStream(Bead("a"), 5, 100, Cancellation)).ShouldBeEmpty();
        (await Log.ReadStream(Bead("none"), 0, 100, Cancellation)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Single_events_of_many_streams_are_read_by_their_places()
    {
        await Log.Append(Appending("a", 0, "1", "2", "3"), Cancellation);
        await Log.Append(Appending("b", 0, "other"), Cancellation);

        var found = await Log
            .ReadEvents([new(Bead("b"), 1), new(Bead("a"), 3), new(Bead("a"), 9), new(Bead("none"), 1), new(Bead("a"), 1),
            new(Bead("a"), 3)], Cancellation);
        found.Select(e => e?.Data).ShouldBe(["other", "3", null, null, "1", "3"]);
        found[1].ShouldBe(new StoredEvent(3, "bead.changed.v1", "3", At));
        (await Log.ReadEvents([], Cancellation)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Keys_are_those_of_one_kind_in_all_projects()
    {
        await Log.Append(new StreamAppend("p1", new("mailbox", "p1/a"), 0, [Event("1")], null), Cancellation);
        await Log.Append(new StreamAppend("p2", new("mailbox", "p2/b"), 0, [Event("1")], null), Cancellation);
        await Log.Append(Appending("c", 0, "1"), Cancellation);

        (await Log.Keys("mailbox", Cancellation)).ShouldBe(["p1/a", "p2/b"]);
        (await Log.Keys("none", Cancellation)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_mark_finds_its_event_and_is_given_once_in_a_project()
    {
        (await Log.Append(new StreamAppend(Project, Bead("a"), 0, [Event("1"), Event("2") with { Mark = "m" }], null),
            Cancellation)).Written.ShouldBeTrue();

        (await Log.FindMark(Project, "m", Cancellation)).ShouldBe(new MarkedEvent(Bead("a"), 2));
        (await Log.FindMark(Project, "n", Cancellation)).ShouldBeNull();
        (await Log.FindMark("elsewhere", "m", Cancellation)).ShouldBeNull();

        // Refused with all of its append, while the others of the batch are written.
        var refused = Log.Append(new StreamAppend(Project, Bead("b"), 0, [Event("1"), Event("2") with { Mark = "m" }], null), Cancellation);
        var again = Log.Append(new StreamAppend(Project, Bead("a"), 2, [Event("3") with { Mark = "m" }], "S"), Cancellation);
        var fine = Log.Append(new StreamAppend(Project, Bead("c"), 0, [Event("1") with { Mark = "c" }], null), Cancellation);
        var plain = Log.Append(Appending("d", 0, "1"), Cancellation);
        var elsewhere = Log.Append(new StreamAppend("elsewhere", Bead("e"), 0, [Event("1") with { Mark = "m" }], null), Cancellation);
        (await refused).ShouldBe(default);
        (await again).ShouldBe(default);
        (await fine).Written.ShouldBeTrue();
        (await plain).Written.ShouldBeTrue();
        (await elsewhere).ShouldBe(new AppendResult(true, 1, 1));

        (await Log.Version(Project, Bead("b"), Cancellation)).ShouldBe(0);
        (await Log.Load(Bead("a"), Cancellation)).ShouldSatisfyAllConditions(a => a.Version.ShouldBe(2), a => a.Snapshot.ShouldBeNull());
        (await Log.ReadFeed(Project, 0, 10, Cancellation)).Select(e => e.Position).ShouldBe([1, 2, 3, 4]);
        (await Log.FindMark(Project, "m", Cancellation)).ShouldBe(new MarkedEvent(Bead("a"), 2));
    }

    [Fact]
    public async Task Of_many_that_want_one_mark_at_once_one_gets_it()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 32).Select(i =>
            Log.Append(new StreamAppend(Project, Bead($"b{i}"), 0, [Event("1") with { Mark = "m" }], null), Cancellation)));

        results.Count(result => result.Written).ShouldBe(1);
        (await Log.Head(Project, Cancellation)).ShouldBe(1);
    }

    [Fact]
    public async Task One_append_may_carry_several_marks_and_is_refused_whole_when_one_is_taken()
    {
        NewEvent[] three = [Event("1") with { Mark = "a" }, Event("2"), Event("3") with { Mark = "b" }];
        (await Log.Append(new(Project, Bead("x"), 0, three, null), Cancellation)).ShouldBe(new AppendResult(true, 1, 1));
        (await Log.FindMark(Project, "a", Cancellation)).ShouldBe(new MarkedEvent(Bead("x"), 1));
        (await Log.FindMark(Project, "b", Cancellation)).ShouldBe(new MarkedEvent(Bead("x"), 3));

        // Alone, with a snapshot, and beside others.
        NewEvent[] again = [Event("4") with { Mark = "c" }, Event("5") with { Mark = "b" }];
        (await Log.Append(new(Project, Bead("x"), 3, again, null), Cancellation)).Written.ShouldBeFalse();
        (await Log.Append(new(Project, Bead("x"), 3, again, "S"), Cancellation)).Written.ShouldBeFalse();
        (await Log.Append(new(Project, Bead("x"), 3, again, "S", AnyVersion: true), Cancellation)).Written.ShouldBeFalse();
        var among = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Log.Append(
            new(Project, Bead($"y{i}"), 0, i == 4 ? again : [Event("6") with { Mark = $"d{i}" }, Event("7") with { Mark = $"e{i}" }], null),
            Cancellation)));
        among.Select(result => result.Written).ShouldBe([true, true, true, true, false, true, true, true]);
        (await Log.FindMark(Project, "c", Cancellation)).ShouldBeNull();
        (await Log.Load(Bead("x"), Cancellation)).ShouldSatisfyAllConditions(stream => stream.Version.ShouldBe(3), stream =>
            stream.Snapshot.ShouldBeNull());
        (await Log.FindMark("another project", "a", Cancellation)).ShouldBeNull();
        await FeedIsWhole(Project);
    }

    [Fact]
    public async Task A_large_batch_with_marks_is_written_whole()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 600).Select(i =>
            Log.Append(new StreamAppend(Project, Bead($"b{i}"), 0, [Event("1") with { Mark = i % 2 == 0 ? $"m{i}" : null }], null),
                Cancellation)));

        results.ShouldAllBe(result => result.Written);
        (await Log.FindMark(Project, "m598", Cancellation)).ShouldBe(new MarkedEvent(Bead("b598"), 1));
    }

    [Fact]
    public async Task A_stream_with_many_snapshots_loads_from_the_newest()
    {
        for (var version = 0; version < 60; version++)
            await Log.Append(Appending("a", version, $"{version + 1}") with { Snapshot = version % 7 == 6 ? $"S{version + 1}" : null },
                Cancellation);

        var stream = await Log.Load(Bead("a"), Cancellation);
        stream.Version.ShouldBe(60);
        stream.SnapshotVersion.ShouldBe(56);
        stream.Snapshot.ShouldBe("S56");
        stream.Tail.Select(e => e.Data).ShouldBe(["57", "58", "59", "60"]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Another_version_than_expected_is_refused(long wrong)
    {
        await Log.Append(Appending("a", 0, "1", "2") with { Snapshot = "S2" }, Cancellation);
        (await Log.Append(Appending("a", wrong, "x") with { Snapshot = "X" }, Cancellation)).ShouldBe(default);

        var stream = await Log.Load(Bead("a"), Cancellation);
        stream.ShouldSatisfyAllConditions(() => stream.Version.ShouldBe(2), () => stream.Snapshot.ShouldBe("S2"),
            () => stream.Tail.ShouldBeEmpty());
        (await Log.Head(Project, Cancellation)).ShouldBe(2);
        Published.Feed(Project).Count.ShouldBe(2);
    }

    [Fact]
    public async Task What_may_come_at_any_version_follows_what_is_there()
    {
        var any = new StreamAppend(Project, Bead("a"), 0, [Event("any") with { Mark = "m" }, Event("more")], "S2", AnyVersion: true);
        (await Log.Append(any, Cancellation)).ShouldBe(new AppendResult(true, 1, 1));
        (await Log.Load(Bead("a"), Cancellation)).ShouldSatisfyAllConditions(a => a.Snapshot.ShouldBe("S2"), a =>
            a.SnapshotVersion.ShouldBe(2));

        // Its snapshot is not of what is there: it is left out. Others of the batch are held to their versions.
        var results = await Task.WhenAll(
            Log.Append(any with { Events = [Event("late") with { Mark = "n" }], Snapshot = "wrong" }, Cancellation),
            Log.Append(Appending("b", 3, "x"), Cancellation),
            Log.Append(new StreamAppend(Project, Bead("c"), 2, [Event("x") with { Mark = "x" }], null), Cancellation));
        results.ShouldBe([new AppendResult(true, 3, 3), default, default]);
        (await Log.Append(any with { ExpectedVersion = 3, Events = [Event("guessed") with { Mark = "o" }], Snapshot = "S4" }, Cancellation))
            .ShouldBe(new AppendResult(true, 4, 4));
        (await Log.Append(Appending("a", 4, "5"), Cancellation)).FirstVersion.ShouldBe(5);

        var stream = await Log.Load(Bead("a"), Cancellation);
        stream.ShouldSatisfyAllConditions(
            () => stream.Version.ShouldBe(5), () =>
                stream.SnapshotVersion.ShouldBe(4), () =>
                stream.Snapshot.ShouldBe("S4"), () => stream.Tail.Select(e => e.Data).ShouldBe(["5"]));
        (await Log.ReadStream(Bead("a"), 0, 10, Cancellation)).Select(e => (e.Version, e.Data))
            .ShouldBe([(1, "any"), (2, "more"), (3, "late"), (4, "guessed"), (5, "5")]);
        Published.Feed(Project).Select(e => e.Version).ShouldBe([1, 2, 3, 4, 5]);
        (await Log.FindMark(Project, "n", Cancellation)).ShouldBe(new MarkedEvent(Bead("a"), 3));
        (await Log.Version(Project, Bead("a"), Cancellation)).ShouldBe(5);
    }

    [Fact]
    public async Task What_may_come_at_any_version_comes_once()
    {
        var any = new StreamAppend(Project, Bead("a"), 7, [Event("1") with { Mark = "m" }], null, AnyVersion: true);
        await Log.Append(Appending("a", 0, "0"), Cancellation);
        (await Log.Append(any, Cancellation)).ShouldBe(new AppendResult(true, 2, 2));
        (await Log.Append(any, Cancellation)).ShouldBe(default);
        (await Log.Version(Project, Bead("a"), Cancellation)).ShouldBe(2);
        await Should.ThrowAsync<ArgumentException>(() => Log.Append(any with { Events = [Event("1")] }, Cancellation));
    }

    [Fact]
    public async Task A_stream_that_does_not_exist_cannot_be_continued()
    {
        var refused = await Task.WhenAll(Log.Append(Appending("none", 5, "x"), Cancellation),
            Log.Append(Appending("none2", 1, "x", "y"), Cancellation));
        refused.ShouldAllBe(result => !result.Written);
        (await Log.Version(Project, Bead("none"), Cancellation)).ShouldBe(0);
        (await Log.Version(Project, Bead("none2"), Cancellation)).ShouldBe(0);
    }

    [Fact]
    public async Task Of_many_appends_to_one_version_exactly_one_wins()
    {
        for (var version = 0; version < 5; version++)
        {
            var expected = version;
            var results = await Task
                .WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(() => Log.Append(Appending("a", expected, $"{i}"), Cancellation))));
            results.Count(result => result.Written).ShouldBe(1);
        }
        (await Log.Load(Bead("a"), Cancellation)).Tail.Select(e => e.Version).ShouldBe([1, 2, 3, 4, 5]);
        (await Log.Head(Project, Cancellation)).ShouldBe(5);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(600)]
    public async Task A_conflict_refuses_its_own_append_and_no_other_of_its_batch(int count)
    {
        for (var i = 0; i < count; i += 3) await Log.Append(Appending($"{i}", 0, "old"), Cancellation);
        var head = await Log.Head(Project, Cancellation);

        // All but every third expect what is true. Queued in one go, they share batches.
        var results = await Task
            .WhenAll(Enumerable.Range(0, count).Select(i =>
            Log.Append(Appending($"{i}", 0, "new", "newer") with { Snapshot = "S" }, Cancellation)));

        for (var i = 0; i < count; i++) results[i].Written.ShouldBe(i % 3 != 0, $"append {i}");
        var positions = results.Where(result => result.Written).Select(result => result.FirstPosition).ToList();
        positions.ShouldBe(Enumerable.Range(0, positions.Count).Select(n => head + 1 + 2 * n),
            "in the order of the appends, no hole for the refused");
        var streams = await All("bead");
        streams.Count.ShouldBe(count);
        for (var i = 0; i < count; i++) streams[$"{i}"].Version.ShouldBe(i % 3 == 0 ? 1 : 2);
        await FeedIsWhole(Project);
    }

    [Fact]
    public async Task What_an_append_rests_on_is_written_before_it_or_neither_is()
    {
        var resting = Appending("main", 0, "1") with { Before = [Appending("one", 0, "a"), Appending("two", 0, "b")] };
        (await Log.Append(resting, Cancellation)).Written.ShouldBeTrue();
        foreach (var key in (string[])["one", "two", "main"]) (await Log.Load(Bead(key), Cancellation)).Version.ShouldBe(1);
        (await Log.Append(resting with { ExpectedVersion = 1, Before = [Appending("one", 0, "other"), Appending("three", 0, "c")] },
            Cancellation)).Written.ShouldBeTrue("that one of them is there already is not in the way");
        (await Log.ReadStream(Bead("one"), 0, 10, Cancellation)).Count.ShouldBe(1);
        (await Log.Load(Bead("three"), Cancellation)).Version.ShouldBe(1);
        // No store keeps a null character: neither is written.
        await Should.ThrowAsync<Exception>(() => Log.Append(Appending("main", 2, "3") with
        {
            Before = [Appending("four", 0, "\0")],
        }, Cancellation));
        (await Log.Load(Bead("main"), Cancellation)).Version.ShouldBe(2);
        // Many at once, some of which rest on the same.
        var all = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Log.Append(Appending($"m{i}", 0, "1") with
        {
            Before = [Appending("shared", 0, "s"), Appending($"own{i}", 0, "o")],
        }, Cancellation)));
        all.ShouldAllBe(static result => result.Written);
        (await Log.ReadStream(Bead("shared"), 0, 10, Cancellation)).Count.ShouldBe(1);
        for (var i = 0; i < 50; i++) (await Log.Load(Bead($"own{i}"), Cancellation)).Version.ShouldBe(1);
        await FeedIsWhole(Project);
    }

    [Fact]
    public async Task Appends_to_one_stream_in_a_row_keep_their_order()
    {
        var results = await Task
            .WhenAll(Enumerable.Range(0, 50).Select(version => Log.Append(Appending("a", version, $"{version}"), Cancellation)));
        results.ShouldAllBe(result => result.Written);
        (await Log.Load(Bead("a"), Cancellation)).Tail.Select(e => e.Data).ShouldBe(Enumerable.Range(0, 50).Select(n => $"{n}"));
    }

    [Fact]
    public async Task Positions_have_no_gaps_and_are_published_in_order_while_many_write_to_several_projects()
    {
        string[] projects = ["p1", "p2", "p3"];
        var kept = new Dictionary<string, long>[16];
        await Task.WhenAll(Enumerable.Range(0, 16).Select(writer => Task.Run(async () =>
        {
            kept[writer] = [];
            for (var i = 0; i < 60; i++)
            {
                var project = projects[(writer + i) % 3];
                var stream = new StreamKey("bead", $"{project}/{writer}");
                var version = kept[writer].GetValueOrDefault(project);
                var events = Enumerable.Range(0, 1 + i % 3).Select(n => Event($"{writer}:{version + n}")).ToArray();
                // Now and then an append that must be refused, between the others.
                if (i % 10 == 9)
                    (await Log.Append(new StreamAppend(project, stream, version + 100, events, null), Cancellation)).Written
                        .ShouldBeFalse();
                (await Log.Append(new StreamAppend(project, stream, version, events, null), Cancellation)).Written.ShouldBeTrue();
                kept[writer][project] = version + events.Length;
            }
        })));

        foreach (var project in projects)
        {
            var total = kept.Sum(mine => mine[project]);
            (await Log.Head(project, Cancellation)).ShouldBe(total);
            await FeedIsWhole(project);
        }
    }

    [Fact]
    public async Task A_follower_of_the_feed_neither_skips_nor_repeats_while_others_write()
    {
        const int Writers = 8, Each = 80;
        var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < Each; i++)
                (await Log.Append(Appending($"{writer}", i, $"{writer}:{i}"), Cancellation)).Written.ShouldBeTrue();
        })));
        var next = new int[Writers];
        var position = 0L;
        while (position < Writers * Each)
        {
            foreach (var @event in await Log.ReadFeed(Project, position, 7, Cancellation))
            {
                @event.Position.ShouldBe(++position);
                var writer = int.Parse(@event.Key);
                @event.Data.ShouldBe($"{writer}:{next[writer]++}");
            }
            if (writing.IsFaulted) await writing;
            await Task.Yield();
        }
        await writing;
        (await Log.ReadFeed(Project, position, 7, Cancellation)).ShouldBeEmpty();
    }

    [Fact]
    public async Task All_streams_of_a_kind_in_a_project_are_read()
    {
        await Task
            .WhenAll(Enumerable.Range(0, 1500).Select(i =>
            Log.Append(Appending($"{i}", 0, $"{i}") with { Snapshot = i % 2 == 0 ? $"S{i}" : null }, Cancellation)));
        await Task.WhenAll(Enumerable.Range(0, 300).Select(i => Log.Append(Appending($"{i}", 1, "more", "most"), Cancellation)));
        await Log.Append(new StreamAppend("other", Bead("other"), 0, [Event("x")], null), Cancellation);
        await Log.Append(new StreamAppend(Project, new StreamKey("lock", "1"), 0, [Event("x")], null), Cancellation);

        var streams = await All("bead");

        streams.Count.ShouldBe(1500);
        for (var i = 0; i < 1500; i++)
        {
            var stream = streams[$"{i}"];
            stream.Version.ShouldBe(i < 300 ? 3 : 1);
            stream.Snapshot.ShouldBe(i % 2 == 0 ? $"S{i}" : null);
            var tail = (i % 2 == 0 ? Enumerable.Empty<string>() : [$"{i}"]).Concat(i < 300 ? ["more", "most"] : []);
            stream.Tail.Select(e => e.Data).ShouldBe(tail);
        }
        (await Log.Load(Bead("7"), Cancellation)).ShouldBeEquivalentTo(streams["7"]);
    }

    [Fact]
    public async Task Reading_all_streams_can_be_left_early()
    {
        await Task.WhenAll(Enumerable.Range(0, 1200).Select(i => Log.Append(Appending($"{i}", 0, $"{i}"), Cancellation)));
        for (var i = 0; i < 40; i++)
        {
            await foreach (var _ in Log.LoadAll(Project, "bead", Cancellation)) break;
        }
        (await All("bead")).Count.ShouldBe(1200);
    }

    [Fact]
    public async Task Look_ups_at_once_each_get_their_own_answer()
    {
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Log.Append(
            new StreamAppend($"project {i % 10}", Bead($"{i}"), 0, [.. Enumerable.Repeat(Event($"{i}"), 1 + i % 4)], null), Cancellation)));
        await Task.WhenAll(Enumerable.Range(0, 400).Select(n => Task.Run(async () =>
        {
            // Every second stream does not exist.
            var i = n / 2;
            var key = n % 2 == 0 ? Bead($"{i}") : Bead($"no {i}");
            (await Log.Version($"project {i % 10}", key, Cancellation)).ShouldBe(n % 2 == 0 ? 1 + i % 4 : 0);
            var stream = await Log.Load(key, Cancellation);
            stream.Key.ShouldBe(key.Key);
            stream.Tail.Count.ShouldBe(n % 2 == 0 ? 1 + i % 4 : 0);
            stream.Tail.ShouldAllBe(e => e.Data == $"{i}");
            (await Log.Head($"project {i % 20}", Cancellation))
                .ShouldBe(i % 20 < 10 ? Enumerable.Range(0, 200).Where(m => m % 10 == i % 20).Sum(m => 1 + m % 4) : 0);
        })));
    }

    [Fact]
    public async Task Any_text_that_JSON_can_hold_survives()
    {
        string[] texts = ["", "\"a\\u0000b\"", "\"žluťoučký 🐎 \u202e ﷽\"", "\"tab\\t'quote''\\\"\"", new string('é', 500_000),
            "{\"big\":\"" + new string('x', 1_000_000) + "\"}"];
        await Log.Append(new StreamAppend(Project, Bead("🐝'\"%_\\"), 0, [.. texts.Select(text => Event(text))], null), Cancellation);
        await Log.Append(Appending("s", 0, "1") with { Snapshot = texts[5] }, Cancellation);

        (await Log.Load(Bead("🐝'\"%_\\"), Cancellation)).Tail.Select(e => e.Data).ShouldBe(texts);
        (await Log.Load(Bead("s"), Cancellation)).Snapshot.ShouldBe(texts[5]);
        (await Log.ReadFeed(Project, 0, 100, Cancellation)).Take(6).Select(e => e.Data).ShouldBe(texts);
    }

    [Fact]
    public async Task A_text_that_no_store_keeps_is_refused_alone()
    {
        var good = Log.Append(Appending("good", 0, "1"), Cancellation);
        await Should.ThrowAsync<BadAppendException>(() => Log.Append(Appending("nul", 0, "a\0b"), Cancellation));
        await Should.ThrowAsync<BadAppendException>(() => Log.Append(Appending("half", 0, "a\ud83d"), Cancellation));
        (await good).Written.ShouldBeTrue();
        (await Log.Check(Cancellation)).ShouldBeNull();
    }

    /// <summary>Nodes of two versions at one log: the old one skips what it does not know, and makes a snapshot over it.</summary>
    [Fact]
    public async Task What_an_older_program_skipped_is_not_believed_by_the_newer_one()
    {
        var (older, newer) = (new OlderProgram(Log, Project), new NewerProgram(Log, Project));
        await older.Add("a");
        await older.Add("b");
        (await newer.Addresses()).ShouldBe(["a", "b"]);
        await newer.Remove("a", snapshot: false);
        await older.Add("c");
        (await Log.Load(new(NewerProgram.Kind.Name, Project), Cancellation)).Snapshot!.ShouldContain("\"a\"");

        (await newer.Addresses()).ShouldBe(["b", "c"]);
        await newer.Remove("b", snapshot: true);
        (await Log.Load<NewerProgram.Addressed>(Project, Cancellation)).SnapshotVersion.ShouldBe(5);
        (await newer.Addresses()).ShouldBe(["c"]);

        // The older program reads the newer one's snapshot, and writes its own in its place.
        await older.Add("d");
        (await Log.Load(new(NewerProgram.Kind.Name, Project), Cancellation)).Snapshot!.ShouldBe("""{"addresses":["c","d"]}""");
        (await newer.Addresses()).ShouldBe(["c", "d"]);
        await foreach (var stored in Log.LoadAll<NewerProgram.Addressed>(Project, Cancellation)) stored
            .Fold<NewerProgram.Addressed>().Addresses.ShouldBe(["c", "d"]);
    }

    [Fact]
    public async Task A_cancelled_append_is_not_begun()
    {
        await Should.ThrowAsync<OperationCanceledException>(() =>
            Log.Append(Appending("a", 0, "1"), new CancellationToken(canceled: true)));
        (await Log.Version(Project, Bead("a"), Cancellation)).ShouldBe(0);
    }

    [Fact]
    public async Task More_appends_than_may_wait_all_get_through()
    {
        await Reopen(new EventLogOptions { MaxWaiting = 10, MaxBatchAppends = 7, MaxBatchBytes = 100 });
        var results = await Task
            .WhenAll(Enumerable.Range(0, 300).Select(i =>
            Log.Append(Appending($"{i % 60}-{i / 60}", 0, "{\"data\":\"some\"}"), Cancellation)));
        results.ShouldAllBe(result => result.Written);
        await FeedIsWhole(Project);
    }

    [Fact]
    public async Task Closing_commits_what_waits_and_reopening_finds_everything()
    {
        var waiting = Enumerable.Range(0, 500).Select(i => Log.Append(Appending($"{i}", 0, $"{i}"), Cancellation)).ToList();
        await Reopen();
        (await Task.WhenAll(waiting)).ShouldAllBe(result => result.Written);

        (await Log.Head(Project, Cancellation)).ShouldBe(500);
        (await All("bead")).Count.ShouldBe(500);
        (await Log.Append(Appending("0", 1, "after"), Cancellation)).ShouldBe(new AppendResult(true, 501, 2));
        await FeedIsWhole(Project);
    }

    [Fact]
    public async Task A_closed_log_refuses_appends()
    {
        await Log.DisposeAsync();
        await Should.ThrowAsync<EventLogUnavailableException>(() => Log.Append(Appending("a", 0, "1"), Cancellation));
    }

    [Fact]
    public async Task A_lone_node_is_alone()
    {
        await Log.DisposeAsync();
        Log = await Open(cluster: false);
        Log.ExclusiveEpoch.ShouldBeGreaterThan(0);
        var refused = await Should.ThrowAsync<EventLogInUseException>(() =>
            Open(new EventLogOptions { LockPatience = TimeSpan.Zero }, cluster: false));
        refused.Message.ShouldContain("BEADHUB_CLUSTER=true");
        (await Log.Append(Appending("a", 0, "1"), Cancellation)).Written.ShouldBeTrue();
    }

    [Fact]
    public async Task A_log_that_a_newer_program_wrote_is_refused()
    {
        await Log.DisposeAsync();
        await AgeSchema();
        var refused = await Should.ThrowAsync<EventLogSchemaException>(() => Open());
        refused.Message.ShouldContain("1000");
    }

    [Fact]
    public async Task What_a_killed_process_had_acknowledged_is_there_and_nothing_by_halves()
    {
        await Log.DisposeAsync();
        var told = await KilledWriter.Run(Url, 1500, Cancellation);
        told.Count.ShouldBeGreaterThanOrEqualTo(1500);

        await Reopen();
        var feed = await Feed("project");
        feed.Select(e => e.Position).ShouldBe(Enumerable.Range(1, feed.Count).Select(n => (long)n));
        (await Log.Head("project", Cancellation)).ShouldBe(feed.Count);
        foreach (var append in told)
        {
            for (var i = 0; i < append.Count; i++)
            {
                var found = feed[(int)append.Position - 1 + i];
                (found.Kind, found.Key, found.Version).ShouldBe((append.Stream.Kind, append.Stream.Key, append.Version + i));
            }
        }
        foreach (var append in feed.GroupBy(e => e.Data))
            append.Count().ShouldBe(JsonDocument.Parse(append.Key).RootElement.GetProperty("of").GetInt32());
        await foreach (var stream in Log.LoadAll("project", "test", Cancellation))
        {
            stream.Version.ShouldBe(feed.Count(e => e.Key == stream.Key));
            stream.Snapshot.ShouldBe($$"""{"version":{{stream.Version}}}""");
            (await Log.Append(new StreamAppend("project", new StreamKey("test", stream.Key), stream.Version, [Event("{}")], null),
                Cancellation)).Written.ShouldBeTrue();
        }
    }

    private protected async Task<Dictionary<string, StoredStream>> All(string kind)
    {
        var streams = new Dictionary<string, StoredStream>();
        await foreach (var stream in Log.LoadAll(Project, kind, Cancellation)) streams.Add(stream.Key, stream);
        return streams;
    }

    private protected async Task<List<FeedEvent>> Feed(string project)
    {
        var feed = new List<FeedEvent>();
        while (await Log.ReadFeed(project, feed.Count == 0 ? 0 : feed[^1].Position, 1000, Cancellation) is { Count: > 0 } page)
            feed.AddRange(page);
        return feed;
    }

    /// <summary>Positions 1, 2, 3 …; versions of each stream likewise; published exactly so.</summary>
    private protected async Task FeedIsWhole(string project)
    {
        var feed = await Feed(project);
        feed.Select(e => e.Position).ShouldBe(Enumerable.Range(1, feed.Count).Select(n => (long)n));
        foreach (var stream in feed.GroupBy(e => (e.Kind, e.Key)))
            stream.Select(e => e.Version).ShouldBe(Enumerable.Range(1, stream.Count()).Select(n => (long)n));
        Published.Feed(project).ShouldBe(feed);
    }
}
