using System.Collections.Immutable;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Grains.Tests.Projects;
using Beadhub.Workspaces;

namespace Beadhub.Grains.Tests.EventSourcing;

/// <summary>When a state in memory is believed, and how it catches up with the log.</summary>
public class ProjectionTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly FeedLog _log = new();
    private readonly Positions _projection;
    private int _written;

    public ProjectionTests() => _projection = new(_log);

    /// <summary>The positions of a feed's events.</summary>
    private sealed class Positions(IEventLog log, long? position = null) : FeedProjection<ImmutableList<long>>(log, "p", [], position)
    {
        public int Loads { get; private set; }

        public bool ReadsNothing { get; init; }

        public bool OwnIsMissing { get; set; }

        public void Add(long own) => Change(positions => positions.Add(own));

        protected override bool IsLoadingLess(long events) => events > 2 * PageSize;

        protected override bool TakeOwn() => !OwnIsMissing;

        protected override async ValueTask Load(CancellationToken cancellation)
        {
            Loads++;
            var head = await Log.Head(Project, cancellation);
            Change(_ => [.. Enumerable.Range(1, (int)head).Select(at => (long)at)], head);
        }

        protected override ValueTask Take(IReadOnlyList<FeedEvent> page, CancellationToken cancellation)
        {
            if (!ReadsNothing) Change(positions => positions.AddRange(page.Select(e => e.Position)), page[^1].Position);
            return default;
        }
    }

    private async Task Write(int events = 1)
    {
        var stream = new StreamKey("workspace", IWorkspaceGrain.Key("p", "w"));
        var changed = new ProfileChanged(Workspace.Empty.Profile);
        for (var i = 0; i < events; i++)
            await _log.Append(new("p", stream, _written++, [new(EventTypes.NameOf(changed), EventTypes.Serialize(changed), Noon)], null));
    }

    [Fact]
    public async Task The_first_use_loads_the_state_and_looks_no_further()
    {
        await Write(3);
        (await _projection.Newest()).ShouldBe([1, 2, 3]);
        (_projection.Loads, _log.Asked, _log.FeedPages).ShouldBe((1, 1, 0));
    }

    [Fact]
    public async Task One_that_begins_somewhere_reads_on_from_there()
    {
        await Write(3);
        var projection = new Positions(_log, position: 2);
        (await projection.Newest()).ShouldBe([3]);
        projection.Loads.ShouldBe(0);
    }

    [Fact]
    public async Task Alone_it_asks_the_log_nothing()
    {
        _log.ExclusiveEpoch = 1;
        await _projection.CatchUp(TestContext.Current.CancellationToken);
        var asked = _log.Asked;
        _projection.Newest().IsCompletedSuccessfully.ShouldBeTrue();
        _log.Asked.ShouldBe(asked);
    }

    [Fact]
    public async Task Beside_others_each_use_looks_up_the_head_and_reads_what_is_new()
    {
        await _projection.CatchUp(TestContext.Current.CancellationToken);
        var asked = _log.Asked;
        await _projection.Newest();
        _log.Asked.ShouldBe(asked + 1);
        await Write(2);
        (await _projection.Newest()).ShouldBe([1, 2]);
        (_projection.Position, _projection.IsTrusted).ShouldBe((2, false));
    }

    [Fact]
    public async Task Distrust_that_arises_during_a_look_stays()
    {
        await _projection.CatchUp(TestContext.Current.CancellationToken);
        _log.ExclusiveEpoch = 1;
        var held = new TaskCompletionSource();
        _log.Hold = () => held.Task;
        var looking = _projection.CatchUp(TestContext.Current.CancellationToken);
        _log.Hold = () => Task.CompletedTask;
        _projection.Distrust();
        held.SetResult();
        await looking;
        _projection.IsTrusted.ShouldBeFalse();

        await _projection.Newest();
        _projection.IsTrusted.ShouldBeTrue();
    }

    [Fact]
    public async Task An_epoch_that_ends_during_a_look_is_not_trusted()
    {
        _log.ExclusiveEpoch = 1;
        var held = new TaskCompletionSource();
        _log.Hold = () => held.Task;
        var looking = _projection.CatchUp(TestContext.Current.CancellationToken);
        _log.ExclusiveEpoch = 2;
        held.SetResult();
        await looking;
        _projection.IsTrusted.ShouldBeFalse();
    }

    [Fact]
    public async Task Distrust_before_the_first_use_still_loads()
    {
        await Write(2);
        _projection.Distrust();
        (await _projection.Newest()).ShouldBe([1, 2]);
        _projection.Loads.ShouldBe(1);
    }

    [Fact]
    public async Task One_reads_on_for_all_that_wait()
    {
        await _projection.CatchUp(TestContext.Current.CancellationToken);
        await Write(2);
        var held = new TaskCompletionSource();
        _log.Hold = () => held.Task;
        var readers = Enumerable.Range(0, 10).Select(_ => _projection.Newest().AsTask()).ToList();
        held.SetResult();
        foreach (var positions in await Task.WhenAll(readers)) positions.ShouldBe([1, 2]);
        _log.FeedPages.ShouldBe(1);
    }

    [Fact]
    public async Task Far_behind_it_loads_the_state_again()
    {
        await _projection.CatchUp(TestContext.Current.CancellationToken);
        await Write(2001);
        (await _projection.Newest()).Count.ShouldBe(2001);
        (_projection.Loads, _log.FeedPages).ShouldBe((2, 0));
    }

    [Fact]
    public async Task What_the_process_wrote_itself_is_read_from_the_log_when_it_may_be_missing()
    {
        _log.ExclusiveEpoch = 1;
        await _projection.CatchUp(TestContext.Current.CancellationToken);
        await Write();
        _projection.OwnIsMissing = true;
        (await _projection.Newest()).ShouldBe([1]);
    }

    [Fact]
    public async Task A_change_of_ones_own_keeps_trust_and_position()
    {
        _log.ExclusiveEpoch = 1;
        await _projection.CatchUp(TestContext.Current.CancellationToken);
        _projection.Add(7);
        (await _projection.Newest()).ShouldBe([7]);
        (_projection.Position, _projection.IsTrusted).ShouldBe((0, true));
    }

    [Fact]
    public async Task A_log_that_ends_before_its_head_is_told_and_not_asked_for_ever()
    {
        await Write();
        await Should.ThrowAsync<EventLogUnavailableException>(async () =>
            await new Positions(_log, position: 0) { ReadsNothing = true }.Newest());
    }
}
