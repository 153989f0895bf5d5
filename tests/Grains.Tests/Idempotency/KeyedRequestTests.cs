using System.Text;
using Beadhub.Boards;
using Beadhub.EventLog;
using Beadhub.Grains.Tests.Projects;
using Beadhub.Idempotency;
using Beadhub.Identities;
using Beadhub.Locks;
using Beadhub.Mail;
using Beadhub.Presence;
using Beadhub.Projects;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;

namespace Beadhub.Grains.Tests.Idempotency;

/// <summary>What attempts at one request with a key write and are told, on one node or two that share a log.</summary>
public sealed class KeyedRequestTests
{
    private const string Project = "10000000-0000-0000-0000-000000000000";

    private static readonly string Name = IIdempotentRequestGrain.Key(Project, "alice", "k");

    private readonly FeedLog _log = new();

    [Fact]
    public async Task One_attempt_writes_and_a_repeat_gets_its_result()
    {
        await using var here = await Node();
        await using var there = await Node();
        var first = await In(New(), () => Acquire(here, "a"));
        var written = await Written();
        written.ShouldHaveSingleItem().Type.ShouldBe("reservation.acquired.v1");
        await Locks(there).Release("a", "alice");

        // The bare attempt is refused by the log although it would succeed, the repeat is told what the first one was.
        await Should.ThrowAsync<CarriedOutException>(() => In(New(), () => Acquire(there, "a")));
        (await Held(there)).ShouldBeEmpty();
        (await In(Repeat(), () => Acquire(there, "a"))).ShouldBe(first);
        (await Held(here)).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_mark_and_the_result_cost_no_event_and_no_question()
    {
        _log.ExclusiveEpoch = 1;
        await using var here = await Node();
        await Acquire(here, "a");
        var asked = _log.Asked;
        var keyed = New();
        await In(keyed, () => Acquire(here, "b"));
        _log.Asked.ShouldBe(asked);
        (await Written()).Count.ShouldBe(2);
        keyed.HasOneResult.ShouldBeTrue();
    }

    [Fact]
    public async Task A_node_that_stood_still_does_not_undo_what_came_after()
    {
        await using var here = await Node();
        await using var there = await Node();
        await Acquire(here, "a");
        await In(New(), () => Release(there, "a"));
        await Acquire(there, "a");

        await Should.ThrowAsync<CarriedOutException>(() => In(New(), () => Release(here, "a")));
        (await Held(there)).ShouldBe(["a"]);
    }

    [Fact]
    public async Task A_refusal_that_was_kept_is_not_carried_out_later()
    {
        await using var here = await Node();
        await using var there = await Node();
        var attempt = New();
        (await Request(here).Keep(new("f", 409, "{}"), attempt.Attempt, hasWritten: false)).State.ShouldBe(RequestState.New);

        await Should.ThrowAsync<CarriedOutException>(() => In(New(), () => Acquire(there, "a")));
        (await Request(there).Find("f")).ShouldSatisfyAllConditions(found => found.State.ShouldBe(RequestState.Answered), found =>
            found.Answer!.Status.ShouldBe(409));
        (await Request(there).Find("g")).State.ShouldBe(RequestState.OtherRequest);
    }

    [Fact]
    public async Task Of_two_answers_the_first_is_kept()
    {
        await using var here = await Node();
        await using var there = await Node();
        await Request(here).Keep(new("f", 200, "1"), Guid.NewGuid(), hasWritten: false);
        (await Request(there).Keep(new("f", 200, "2"), Guid.NewGuid(), hasWritten: false)).Answer!.Body.ShouldBe("1");
        (await Request(there).Keep(new("f", 200, "3"), Guid.NewGuid(), hasWritten: true)).Answer!.Body.ShouldBe("1");
        (await Request(there).Keep(new("g", 200, "4"), Guid.NewGuid(), hasWritten: true)).State.ShouldBe(RequestState.OtherRequest);
    }

    [Fact]
    public async Task What_another_attempt_has_written_without_an_answer_is_found()
    {
        await using var here = await Node();
        (await Request(here).Find("f")).State.ShouldBe(RequestState.New);
        var attempt = New();
        await In(attempt, () => Acquire(here, "a"));
        (await Request(here).Find("f")).State.ShouldBe(RequestState.CarriedOut);
        (await Request(here).Find("g")).State.ShouldBe(RequestState.OtherRequest);
        (await Request(here).Keep(new("f", 200, "late"), Guid.NewGuid(), hasWritten: false)).State.ShouldBe(RequestState.CarriedOut);
        // Told by another silo's copy, which has not counted the write.
        (await Request(here).Keep(new("f", 200, "own"), attempt.Attempt, hasWritten: false)).State.ShouldBe(RequestState.New);
        (await Request(here).Find("f")).Answer!.Body.ShouldBe("own");
    }

    [Fact]
    public async Task A_request_that_broke_off_in_the_middle_is_completed_and_nothing_is_made_twice()
    {
        await using var here = await Node();
        await using var there = await Node();
        await Acquire(here, "a");
        var broken = Guid.NewGuid();
        var receipt = await In(New(broken), () => Deliver(here, "bob"));

        var (again, acquired) = await In(Repeat(), async () =>
        {
            var delivered = await Deliver(there, "bob");
            await Release(there, "a");
            return (delivered, await Acquire(there, "b"));
        });
        again.ShouldBe(receipt);
        acquired.Conflicts.ShouldBeEmpty();
        (await In(Repeat(), () => Acquire(here, "b"))).ShouldBe(acquired);
        (await Written()).Skip(1).Select(e => e.Type)
            .ShouldBe(["mail.delivered.v1", "request.carried_out.v1", "reservation.released.v1", "reservation.acquired.v1"]);
        (await Box(there, "bob").Unread()).ShouldBe(1);

        // The one that broke off goes on, when its agent has long gone on too.
        await Acquire(there, "a");
        await Should.ThrowAsync<CarriedOutException>(() => In(New(broken), () => Release(here, "a")));
        (await Held(there)).ShouldBe(["a", "b"]);
    }

    [Fact]
    public async Task A_copy_that_does_not_know_of_the_first_write_marks_the_second_by_its_place()
    {
        await using var here = await Node();
        var attempt = Guid.NewGuid();
        await In(New(attempt), () => Deliver(here, "bob"));
        await In(New(attempt), () => Acquire(here, "a"));
        await In(New(attempt), () => Acquire(here, "b")); // the same place again
        (await Held(here)).ShouldBe(["a", "b"]);
        (await In(Repeat(), () => Acquire(here, "a"))).Conflicts.ShouldBeEmpty();
    }

    [Fact]
    public async Task Of_those_who_share_an_append_only_the_late_attempt_is_refused()
    {
        await using var here = await Node();
        await using var there = await Node();
        await Acquire(here, "a");
        await In(New(), () => Release(there, "a"));
        await Acquire(there, "a");

        var gate = _log.Gate = new();
        var first = Acquire(here, "b");
        var late = In(New(), () => Release(here, "a"));
        var other = Acquire(here, "c");
        gate.SetResult();
        await Task.WhenAll(first, other);

        await Should.ThrowAsync<CarriedOutException>(late);
        (await Held(there)).ShouldBe(["a", "b", "c"]);
    }

    [Fact]
    public async Task What_changes_nothing_leaves_the_mark_to_what_does()
    {
        await using var here = await Node();
        var keyed = New();
        await In(keyed, async () =>
        {
            await Release(here, "nothing");
            return await Acquire(here, "a");
        });
        keyed.HasOneResult.ShouldBeTrue();
        (await Request(here).Find("f")).State.ShouldBe(RequestState.CarriedOut);
    }

    [Fact]
    public async Task A_request_is_over_for_what_outlives_it()
    {
        await using var here = await Node();
        var over = new TaskCompletionSource();
        Task<AcquireOutcome>? later = null;
        var keyed = New();
        await In(keyed, () =>
        {
            later = Later();
            return Task.FromResult(0);
        });
        over.SetResult();
        await later!;
        keyed.HasWritten.ShouldBeFalse();
        (await Request(here).Find("f")).State.ShouldBe(RequestState.New);

        async Task<AcquireOutcome> Later()
        {
            await over.Task;
            return await Acquire(here, "a");
        }
    }

    [Fact]
    public async Task A_bulk_sync_that_was_repeated_elsewhere_is_not_carried_out_again()
    {
        await using var here = await Node();
        await using var there = await Node();
        (await In(New(), () => Sync(there, "bd"))).Added.ShouldBe(100);
        var written = (await Written()).Count;

        await Should.ThrowAsync<CarriedOutException>(() => In(New(), () => Sync(here, "late")));
        (await Written()).Count.ShouldBe(written);
        (await In(Repeat(), () => Sync(here, "late"))).Added.ShouldBe(100);
    }

    [Fact]
    public void A_record_is_behind_the_members_of_its_event_which_reads_as_without()
    {
        var e = new ReservationReleased("k", "a", "alice", DateTimeOffset.UnixEpoch);
        var data = RequestRecord.Add(EventTypes.Serialize(e), new("f", Guid.Empty, "step", """{"a":"\"_request\":"}"""));
        EventTypes.Parse("reservation.released.v1", data).ShouldBe(e);
        data.ShouldStartWith(EventTypes.Serialize(e)[..^1]);
        RequestRecord.Add("{}", new("f", Guid.Empty, "step", null)).ShouldStartWith("{\"_request\":{");
    }

    private static KeyedRequest New(Guid? attempt = null) =>
        new(Project, IIdempotentRequestGrain.MarkOf(Name), "f", attempt ?? Guid.NewGuid(), isRepeat: false);

    private static KeyedRequest Repeat() => new(Project, IIdempotentRequestGrain.MarkOf(Name), "f", Guid.NewGuid(), isRepeat: true);

    private static async Task<T> In<T>(KeyedRequest request, Func<Task<T>> run)
    {
        T result = default!;
        await request.During(async () => result = await run());
        return result;
    }

    private static Task<AcquireOutcome> Acquire(ServiceProvider node, string key) =>
        Locks(node).Acquire(new(key, [key], false, "alice", "alice", 60));

    private static async Task<bool> Release(ServiceProvider node, string key)
    {
        await Locks(node).Release(key, "alice");
        return true;
    }

    private static Task<MailReceipt> Deliver(ServiceProvider node, string to) =>
        Box(node, to).Deliver(new("m", "alice-id", "alice", to, "s", "b", "normal", null));

    private static Task<SyncOutcome> Sync(ServiceProvider node, string prefix) =>
        node.GetRequiredService<IGrainFactory>().GetGrain<IBoardGrain>(Project).Sync(new(
        "w", "alice", "Alice", "github.com/a/b", "main",
        [.. Encoding.UTF8
            .GetBytes(string.Join('\n',
            Enumerable.Range(0, 100).Select(i => $$"""{"id":"{{prefix}}-{{i}}","title":"t","status":"open"}""")))], [], false, null));

    private static async Task<string[]> Held(ServiceProvider node) =>
        [.. (await Locks(node).List(null)).Reservations.Select(held => held.Key)];

    private static ILocksGrain Locks(ServiceProvider node) => node.GetRequiredService<IGrainFactory>().GetGrain<ILocksGrain>(Project);

    private static IMailboxGrain Box(ServiceProvider node, string agent) =>
        node.GetRequiredService<IGrainFactory>().GetGrain<IMailboxGrain>(IMailboxGrain.Key(Project, agent));

    private static IIdempotentRequestGrain Request(ServiceProvider node) =>
        node.GetRequiredService<IGrainFactory>().GetGrain<IIdempotentRequestGrain>(Name);

    private async Task<IReadOnlyList<Beadhub.Feed.FeedEvent>> Written() =>
        await _log.ReadFeed(Project, 0, int.MaxValue, TestContext.Current.CancellationToken);

    private async Task<ServiceProvider> Node()
    {
        var services = new ServiceCollection()
            .AddSingleton(TimeProvider.System).AddSingleton<IEventLog>(_log).AddSingleton(Seal.None)
            // Of the project, which the board asks about its quotas.
            .AddSingleton<IPresenceStore, MemoryPresenceStore>().AddSingleton(PresenceOptions.Default).AddSingleton(ProjectQuotas.None)
                .AddLocalGrains(typeof(EventSourcedGrain<>).Assembly).BuildServiceProvider();
        await services.GetServices<IHostedService>().Single().StartAsync(TestContext.Current.CancellationToken);
        return services;
    }
}
