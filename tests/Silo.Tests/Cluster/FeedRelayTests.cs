using System.Threading.Channels;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Hosting.Cluster.Feeds;
using Beadhub.Hosting.EventLogs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Beadhub.Silo.Tests.Cluster;

/// <summary>What any node commits reaches a follower once and in order, whatever becomes of the announcements.</summary>
public sealed class FeedRelayTests : IAsyncLifetime
{
    private const string Project = "5b1c0fd2-6b0a-4c38-8a5c-0d5f0e6f8a11";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("beadhub-relay-").FullName;
    private readonly FakeBus _bus = new();
    private readonly Committed _committed = new();
    private readonly Channel<FeedEvent> _seen = Channel.CreateUnbounded<FeedEvent>();
    private ServiceProvider _services = null!;
    private DurableEventLog _log = null!;
    private FeedRelay _relay = null!;

    public async ValueTask InitializeAsync()
    {
        _log = await EventLogStore.Open(
            $"sqlite:{Path.Combine(_folder, "log.db")}", cluster: false, _committed, NullLoggerFactory.Instance, TimeProvider.System,
            TestContext.Current.CancellationToken);
        _services = new ServiceCollection().AddSingleton<IEventLog>(_log).BuildServiceProvider();
        _relay = new(_services, _bus, TimeProvider.System, NullLogger<FeedRelay>.Instance);
        await _relay.StartAsync(default);
    }

    public async ValueTask DisposeAsync()
    {
        await _relay.StopAsync(default);
        await _log.DisposeAsync();
        await _services.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Announcements_are_put_in_order_and_repeats_left_out()
    {
        await Follow();
        var events = await Commit(6);

        _bus.Hear(events[2..4]);
        _bus.Hear(events[..2]);
        _bus.Hear(events[..2]);
        _relay.Publish(Project, events[4..]);
        _bus.Hear(events[3..]);

        await Sees(1, 6);
    }

    [Fact]
    public async Task What_is_not_announced_is_read_from_the_log()
    {
        await Follow();
        var events = await Commit(9);

        _bus.Hear(events[6..7]);
        await Sees(1, 7);
        _bus.HearOnly(Project, 9);
        await Sees(8, 9);
    }

    [Fact]
    public async Task Without_a_bus_the_log_is_looked_at()
    {
        _bus.IsConnected = false;
        await Follow();
        await Commit(3);
        await Sees(1, 3);
        await Commit(2);
        await Sees(4, 5);
    }

    [Fact]
    public async Task A_bus_that_comes_back_has_the_log_looked_at_at_once()
    {
        await Follow();
        await Commit(4);
        _bus.Restore();
        await Sees(1, 4);
    }

    [Fact]
    public async Task A_follower_gets_what_comes_after_its_beginning()
    {
        var before = await Commit(3);
        var following = await Follow();
        _bus.Hear(before);
        _bus.Hear(await Commit(1));
        await Sees(4, 4);

        await following.DisposeAsync();
        _bus.Watched.ShouldBeEmpty();
        _bus.Hear(await Commit(1));
        _seen.Reader.TryRead(out _).ShouldBeFalse();

        await Follow();
        _bus.Hear(await Commit(1));
        await Sees(6, 6);
    }

    [Fact]
    public async Task What_is_committed_here_is_announced_to_the_others()
    {
        _relay.Publish(Project, await Commit(2));
        _bus.Announced.ShouldHaveSingleItem().Select(e => e.Position).ShouldBe([1, 2]);
    }

    private Task<IAsyncDisposable> Follow() => _relay.Follow(Project, batch =>
    {
        foreach (var e in batch.Events) _seen.Writer.TryWrite(e);
    });

    private async Task Sees(long from, long to)
    {
        using var patience = new CancellationTokenSource(Patience);
        for (var position = from; position <= to; position++) (await _seen.Reader.ReadAsync(patience.Token)).Position.ShouldBe(position);
    }

    /// <summary>Events as another node commits them: the relay is not told.</summary>
    private async Task<FeedEvent[]> Commit(int count)
    {
        var stream = new StreamKey("bead", $"{Project}/{Guid.NewGuid():N}");
        var appended = await _log.Append(
            new(Project, stream, 0,
                [.. Enumerable.Range(0, count).Select(i => new NewEvent("bead.changed.v1", $"{{\"n\":{i}}}", DateTimeOffset.UtcNow))],
                null));
        return [.. (await _log.ReadFeed(Project, appended.FirstPosition - 1, count))];
    }

    private sealed class Committed : IFeedPublisher
    {
        public void Publish(string project, IReadOnlyList<FeedEvent> events) { }
    }

    private sealed class FakeBus : IFeedBus
    {
        private Action<Announcement> _heard = null!;
        private Action _restored = null!;

        public bool IsConnected { get; set; } = true;

        public HashSet<string> Watched { get; } = [];

        public List<IReadOnlyList<FeedEvent>> Announced { get; } = [];

        public Task Start(Action<Announcement> heard, Action restored)
        {
            (_heard, _restored) = (heard, restored);
            return Task.CompletedTask;
        }

        public Task Watch(string project)
        {
            Watched.Add(project);
            return Task.CompletedTask;
        }

        public Task Unwatch(string project)
        {
            Watched.Remove(project);
            return Task.CompletedTask;
        }

        public void Announce(string project, IReadOnlyList<FeedEvent> events) => Announced.Add(events);

        public ValueTask DisposeAsync() => default;

        public void Hear(FeedEvent[] events) => _heard(new(Project, events[^1].Position, events));

        public void HearOnly(string project, long last) => _heard(new(project, last, null));

        public void Restore() => _restored();
    }
}
