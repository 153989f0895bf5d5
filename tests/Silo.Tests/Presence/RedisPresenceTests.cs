using Beadhub.Chat;
using Beadhub.Presence;
using Beadhub.Hosting.Cluster.Redis;
using Beadhub.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Beadhub.Silo.Tests.Presence;

/// <summary>Presence in Redis.</summary>
public sealed class RedisPresenceStoreTests : PresenceStoreAcceptance
{
    private readonly OwnRedis _redis = new();

    public override ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task Another_node_sees_the_same_and_what_changes()
    {
        var time = new ManualTime();
        var (here, there) = (await NewStore(time, PresenceOptions.Default), await _redis.Store(time, PresenceOptions.Default));
        await here.Set(new("p", "demo", "w", "alice") { CurrentBranch = "main", RepoId = "r" });
        (await there.Snapshot("p")).Find("w")!.CurrentBranch.ShouldBe("main");

        await there.Set(new("p", "demo", "w", "alice") { CurrentBranch = "topic:1", RepoId = "r" });
        (await here.Snapshot("p")).Find("w")!.CurrentBranch.ShouldBe("topic:1");
        await here.Touch("p", "w");
        (await there.Seen("p")).Keys.ShouldBe(["w"]);
        await here.Clear("p", "w");
        (await there.Snapshot("p")).ByWorkspace.ShouldBeEmpty();
    }

    [Fact]
    public async Task While_Redis_is_away_a_node_shows_its_own_and_afterwards_all_again()
    {
        var time = new ManualTime();
        var (here, there) = (await NewStore(time, PresenceOptions.Default), await _redis.Store(time, PresenceOptions.Default));
        await _redis.Server.Stop();

        await here.Set(new("p", "demo", "w", "alice"));
        (await here.Snapshot("p")).ByWorkspace.Keys.ShouldBe(["w"]);
        (await there.Snapshot("p")).ByWorkspace.ShouldBeEmpty();

        await _redis.Server.Start();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        do await here.Set(new("p", "demo", "w", "alice"));
        while ((await there.Snapshot("p")).Find("w") is null && watch.Elapsed < TimeSpan.FromSeconds(30));
        (await there.Snapshot("p")).ByWorkspace.Keys.ShouldBe(["w"]);
    }

    private protected override Task<IPresenceStore> NewStore(TimeProvider time, PresenceOptions options) => _redis.Store(time, options);
}

/// <summary>Who waits, in Redis.</summary>
public sealed class RedisChatPresenceTests : ChatPresenceAcceptance
{
    private readonly OwnRedis _redis = new();

    public override ValueTask DisposeAsync() => _redis.DisposeAsync();

    private protected override async Task<IChatPresence> NewPresence(TimeProvider time) =>
        new RedisChatPresence(await _redis.Connect(), new MemoryChatPresence(time), time);
}

/// <summary>A Redis of a test's own, and connections to it.</summary>
internal sealed class OwnRedis : IAsyncDisposable
{
    private readonly List<RedisConnection> _connections = [];
    private bool _runs;

    public RedisServer Server { get; } = new();

    public async Task<IPresenceStore> Store(TimeProvider time, PresenceOptions options) =>
        new RedisPresenceStore(await Connect(), new MemoryPresenceStore(time, options), options, time);

    public async Task<RedisConnection> Connect()
    {
        if (RedisServer.Missing is { } missing) Assert.Skip(missing);
        if (!_runs) await Server.Start();
        _runs = true;
        var connection = await RedisConnection.Open(RedisUrl.Parse(Server.Url), TimeProvider.System, NullLogger.Instance);
        _connections.Add(connection);
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections) await connection.DisposeAsync();
        await Server.DisposeAsync();
    }
}
