using System.Net;
using Beadhub.Chat;
using Beadhub.Gateway;
using Beadhub.Hosting.Cluster.Postgres;
using Beadhub.Presence;
using Beadhub.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Beadhub.Silo.Tests.Presence;

/// <summary>Presence in PostgreSQL.</summary>
public sealed class PostgresPresenceStoreTests(PostgresCluster cluster) : PresenceStoreAcceptance
{
    private readonly OwnTable _table = new(cluster);

    public override ValueTask DisposeAsync() => _table.DisposeAsync();

    [Fact]
    public async Task Another_node_sees_the_same_and_what_changes()
    {
        var time = new ManualTime();
        var (here, there) = (await NewStore(time, PresenceOptions.Default), await NewStore(time, PresenceOptions.Default));
        await here.Set(new("p", "demo", "w", "alice") { CurrentBranch = "main", RepoId = "r" });
        (await there.Snapshot("p")).Find("w")!.CurrentBranch.ShouldBe("main");
        (await there.Snapshot("p")).ShouldBeSameAs(await there.Snapshot("p"));

        await there.Set(new("p", "demo", "w", "alice") { CurrentBranch = "topic:1", RepoId = "r" });
        (await here.Snapshot("p")).Find("w")!.CurrentBranch.ShouldBe("topic:1");
        await here.Touch("p", "w");
        (await there.Seen("p")).Keys.ShouldBe(["w"]);
        await here.Clear("p", "w");
        (await there.Snapshot("p")).ByWorkspace.ShouldBeEmpty();
    }

    [Fact]
    public async Task Who_only_says_still_here_is_not_written_each_time()
    {
        var time = new ManualTime();
        var (here, there) = (await NewStore(time, PresenceOptions.Default), await NewStore(time, PresenceOptions.Default));
        var sign = new SignOfLife("p", "demo", "w", "alice");
        await here.Set(sign);
        var before = await there.Snapshot("p");
        time.Pass(1);
        await here.Refresh(sign);
        (await there.Snapshot("p")).ShouldBeSameAs(before);

        time.Pass(1);
        await here.Refresh(sign);
        (await there.Snapshot("p")).Find("w")!.LastSeen.ShouldBe(time.Current);
        // What says something new is.
        await here.Refresh(sign with { CurrentBranch = "main" });
        (await there.Snapshot("p")).Find("w")!.CurrentBranch.ShouldBe("main");
    }

    [Fact]
    public async Task While_the_table_cannot_be_used_a_node_shows_its_own()
    {
        var store = new PostgresPresenceStore(
            new SharedState("Host=127.0.0.1;Port=9;Username=nobody;Timeout=1", TimeProvider.System, NullLogger<SharedState>.Instance),
            new MemoryPresenceStore(TimeProvider.System), PresenceOptions.Default, TimeProvider.System);

        await store.Set(new("p", "demo", "w", "alice"));
        (await store.Snapshot("p")).ByWorkspace.Keys.ShouldBe(["w"]);
        (await store.Clear("p", "w")).ShouldBeTrue();
    }

    [Fact]
    public async Task Bootstraps_of_an_address_are_counted_for_all_nodes()
    {
        var time = new ManualTime();
        var settings = new GatewaySettings { InitRateLimit = 2, InitRateWindow = TimeSpan.FromSeconds(60) };
        var rates = new List<PostgresInitRate>();
        for (var i = 0; i < 2; i++) rates.Add(new(await _table.Open(time), new(settings, time), settings, time));
        var address = IPAddress.Parse("192.0.2.7");

        (await rates[0].Take(address)).ShouldBeNull();
        (await rates[1].Take(address)).ShouldBeNull();
        (await rates[1].Take(address))!.Value.TotalSeconds.ShouldBe(60, 0.001);
        (await rates[0].Take(IPAddress.Loopback)).ShouldBeNull();
        await rates[0].GiveBack(address);
        await rates[0].GiveBack(address);
        (await rates[0].Take(address)).ShouldBeNull();
        time.Pass(60);
        (await rates[0].Take(address)).ShouldBeNull();
    }

    private protected override async Task<IPresenceStore> NewStore(TimeProvider time, PresenceOptions options) =>
        new PostgresPresenceStore(await _table.Open(time), new MemoryPresenceStore(time, options), options, time);
}

/// <summary>Who waits, in PostgreSQL.</summary>
public sealed class PostgresChatPresenceTests(PostgresCluster cluster) : ChatPresenceAcceptance
{
    private readonly OwnTable _table = new(cluster);

    public override ValueTask DisposeAsync() => _table.DisposeAsync();

    private protected override async Task<IChatPresence> NewPresence(TimeProvider time) =>
        new PostgresChatPresence(await _table.Open(time), new MemoryChatPresence(time), time);
}

/// <summary>The table of a test's own, and nodes' connections to it.</summary>
internal sealed class OwnTable(PostgresCluster cluster) : IAsyncDisposable
{
    private readonly List<SharedState> _opened = [];
    private string? _url;

    public async Task<SharedState> Open(TimeProvider time)
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        _url ??= await cluster.CreateDatabase(TestContext.Current.CancellationToken);
        var state = new SharedState(Hosting.EventLogs.DatabaseUrl.Parse(_url).ConnectionString!, time, NullLogger<SharedState>.Instance);
        _opened.Add(state);
        return state;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var state in _opened) await state.DisposeAsync();
    }
}
