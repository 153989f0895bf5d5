using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Grains.Tests.Projects;
using Beadhub.Hives;
using Beadhub.HiveSync;
using Microsoft.Extensions.Logging.Abstractions;

namespace Beadhub.Grains.Tests.Hives;

/// <summary>A hive's view begins from a snapshot, whatever became of that.</summary>
public sealed class HiveProjectionTests
{
    private readonly Mesh _mesh = new();
    private readonly Logs _log = new();
    private int _posts;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_start_costs_the_tail_only()
    {
        await Write(2_600);
        var hash = await Hash(Open());
        _log.Mesh.FeedPages.ShouldBe(3);
        (await Hash(Open())).ShouldBe(hash);
        _log.Mesh.FeedPages.ShouldBe(3, "nothing has come since");

        // A vote for the first post changes one part of two; the last post is in the other.
        await Append(_mesh.Vote("bh_b", Mesh.Id("bh_a", 1), 1, 1));
        await Write(10);
        var (votes, score, count) = await At(Open(), static hive => (hive.Top.From(0).First().Id, hive.Top.From(0).First().Score,
            hive.Newest.Count));
        (votes, score, count).ShouldBe((Mesh.Id("bh_a", 1), 1, 2_610));
        _log.Mesh.FeedPages.ShouldBe(4);
        (await Hash(Open(kept: false))).ShouldBe(await Hash(Open()));
    }

    [Fact]
    public async Task A_snapshot_that_was_half_written_is_as_none()
    {
        await Write(1_500);
        await Hash(Open());
        await Write(1_500);
        var whole = await Hash(Open(kept: false));
        // The disk is full: of the parts, and then of the head.
        for (var written = 0; written < 3; written++)
        {
            var left = written;
            _log.Views.Fails = _ => left-- > 0 ? null : new EventLogUnavailableException("full");
            (await Hash(Open())).ShouldBe(whole);
        }

        _log.Views.Fails = null;
        (await Hash(Open())).ShouldBe(whole);
        _log.Views.Fails = static _ => throw new InvalidOperationException("nothing is kept when nothing has come");
        var pages = _log.Mesh.FeedPages;
        (await Hash(Open())).ShouldBe(whole);
        _log.Mesh.FeedPages.ShouldBe(pages);
    }

    [Fact]
    public async Task Nodes_that_keep_in_turn_do_not_mix_their_parts()
    {
        var nodes = new[] { Open(), Open() };
        for (var turn = 0; turn < 8; turn++)
        {
            await Write(700);
            await Append(_mesh.Vote("bh_b", Mesh.Id("bh_a", 1 + turn), 1, 1));
            await nodes[turn % 2].Find(static hive => hive.Hash);
            // What is kept is on its way; whether it is there already makes no difference.
            (await Hash(Open(keeps: false))).ShouldBe(await Hash(Open(kept: false)));
        }

        foreach (var node in nodes) await node.DisposeAsync();
        (await Hash(Open())).ShouldBe(await Hash(Open(kept: false)));
    }

    private HiveProjection Open(bool kept = true, bool keeps = true) =>
        new(kept ? keeps ? _log : new Logs(_log.Mesh, _log.Views) { Keeps = false } : new Logs(_log.Mesh, new()), "sg_group",
            new Nobody(), TimeProvider.System, NullLogger.Instance);

    private static Task<string> Hash(HiveProjection hive) => At(hive, static state => state.Hash);

    private static async Task<T> At<T>(HiveProjection hive, Func<HiveState, T> find)
    {
        var found = await hive.Find(find);
        await hive.DisposeAsync();
        return found;
    }

    private async Task Write(int posts)
    {
        for (var i = 0; i < posts; i++)
            await Append(_mesh.Post("bh_a", Mesh.Id("bh_a", ++_posts), _posts));
    }

    private async Task Append(HiveEvent e)
    {
        var stream = new StreamKey(IHiveSyncGroupGrain.LogKind, "sg_group");
        var stored = new MeshEvent("evt", e.Type, e.Origin, e.OriginTs, e.OriginSeq, e.Payload, "", false, Mesh.Start.AddDays(1));
        await _log.Append(new("sg_group", stream, await _log.Version("sg_group", stream, Cancellation),
            [new(EventTypes.NameOf(stored), EventTypes.Serialize(stored), Mesh.Start)], null), Cancellation);
    }

    private sealed class Nobody : ICommittedFeed, IDisposable
    {
        public IDisposable Follow(string project, Action<IReadOnlyList<FeedEvent>> committed) => this;

        public void Dispose()
        {
        }
    }

    /// <summary>The log of the hive, and what is kept of its view, each with a feed of its own.</summary>
    private sealed class Logs(FeedLog mesh, FeedLog views) : IEventLog
    {
        public Logs() : this(new(), new())
        {
        }

        public FeedLog Mesh => mesh;

        public FeedLog Views => views;

        public bool Keeps { get; init; } = true;

        public long ExclusiveEpoch => 0;

        public ValueTask<StoredStream> Load(StreamKey stream, CancellationToken cancellation) => Of(stream).Load(stream, cancellation);

        public IAsyncEnumerable<StoredStream> LoadAll(string project, string kind, CancellationToken cancellation) =>
            mesh.LoadAll(project, kind, cancellation);

        public ValueTask<IReadOnlyList<string>> Keys(string kind, CancellationToken cancellation) => mesh.Keys(kind, cancellation);

        public ValueTask<long> Version(string project, StreamKey stream, CancellationToken cancellation = default) =>
            Of(stream).Version(project, stream, cancellation);

        public Task<AppendResult> Append(StreamAppend append, CancellationToken cancellation = default) =>
            !Keeps ? throw new EventLogUnavailableException("nothing is kept") : Of(append.Stream).Append(append, cancellation);

        public ValueTask<IReadOnlyList<StoredEvent>> ReadStream(StreamKey stream, long after, int max, CancellationToken cancellation) =>
            Of(stream).ReadStream(stream, after, max, cancellation);

        public ValueTask<IReadOnlyList<StoredEvent?>> ReadEvents(IReadOnlyList<EventPlace> places, CancellationToken cancellation) =>
            mesh.ReadEvents(places, cancellation);

        public ValueTask<MarkedEvent?> FindMark(string project, string mark, CancellationToken cancellation) =>
            mesh.FindMark(project, mark, cancellation);

        public ValueTask<long> Head(string project, CancellationToken cancellation) => mesh.Head(project, cancellation);

        public ValueTask<IReadOnlyList<FeedEvent>> ReadFeed(string project, long after, int max, CancellationToken cancellation) =>
            mesh.ReadFeed(project, after, max, cancellation);

        public ValueTask DisposeAsync() => default;

        private FeedLog Of(StreamKey stream) => stream.Kind == IHiveSyncGroupGrain.LogKind ? mesh : views;
    }
}
