using Beadhub.EventLog;
using Beadhub.Hosting.EventLogs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Beadhub.Silo.Tests.EventLogs;

/// <summary>What the committer does when its writer fails, with a writer that fails as the test says.</summary>
public sealed class GroupCommitTests
{
    private const string Project = "p";

    private readonly FakeWriter _writer = new();
    private readonly RecordingPublisher _published = new();

    [Fact]
    public async Task After_an_unknown_outcome_memory_is_trusted_under_another_epoch_and_not_before_it_is_known()
    {
        await using var commits = Commits();
        commits.EpochFrom(7).ShouldBe(7);
        using var found = new ManualResetEventSlim();
        _writer.OnWrite = _ => throw new EventLogUnavailableException("gone");
        _writer.OnFind = _ => found.Wait(TestContext.Current.CancellationToken);

        await Should.ThrowAsync<EventLogUnavailableException>(commits.Append(Appending("a"), TestContext.Current.CancellationToken));
        commits.EpochFrom(7).ShouldBe(0);

        found.Set();
        _writer.OnWrite = _ => { };
        await commits.Append(Appending("b"), TestContext.Current.CancellationToken);
        commits.EpochFrom(7).ShouldBe(8);
        commits.EpochFrom(0).ShouldBe(0);
    }

    [Fact]
    public async Task What_turns_out_to_be_written_is_published_without_another_append()
    {
        await using var commits = Commits();
        using var findsAgain = new ManualResetEventSlim();
        var attempts = 0;
        _writer.OnWrite = _ => throw new EventLogUnavailableException("gone");
        _writer.OnFind = appends =>
        {
            if (Interlocked.Increment(ref attempts) == 1) throw new EventLogUnavailableException("still gone");
            findsAgain.Wait(TestContext.Current.CancellationToken);
            appends[0].FirstPosition = 5;
        };

        await Should.ThrowAsync<EventLogUnavailableException>(commits.Append(Appending("a"), TestContext.Current.CancellationToken));
        commits.EpochFrom(1).ShouldBe(0);
        findsAgain.Set();
        while (commits.EpochFrom(1) == 0) await Task.Delay(5, TestContext.Current.CancellationToken);

        _published.Feed(Project).ShouldHaveSingleItem().ShouldSatisfyAllConditions(e => e.Key.ShouldBe("a"), e => e.Position.ShouldBe(5));
    }

    [Fact]
    public async Task Something_unexpected_between_single_commits_leaves_no_caller_without_an_answer()
    {
        await using var commits = Commits();
        using var begun = new ManualResetEventSlim();
        using var gathered = new ManualResetEventSlim();
        _writer.OnWrite = batch =>
        {
            switch (batch[0].Append.Stream.Key)
            {
                case "first":
                    begun.Set();
                    gathered.Wait(TestContext.Current.CancellationToken);
                    break;
                case "odd":
                    throw new InvalidCastException("nobody expects this");
                default:
                    if (batch.Count > 1) throw new BadAppendException("one of these");
                    break;
            }
        };
        var first = commits.Append(Appending("first"), TestContext.Current.CancellationToken);
        begun.Wait(TestContext.Current.CancellationToken);
        var others = new[] { "fine", "odd", "last" }.Select(key => commits.Append(Appending(key), TestContext.Current.CancellationToken))
            .ToList();
        gathered.Set();

        (await first).Written.ShouldBeTrue();
        (await others[0]).Written.ShouldBeTrue();
        foreach (var left in others[1..])
            await Should
                .ThrowAsync<EventLogUnavailableException>(left.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        commits.EpochFrom(1).ShouldBe(0);
    }

    [Fact]
    public async Task Who_comes_alone_commits_on_its_own_thread_and_those_who_come_meanwhile_share_the_next_commit()
    {
        await using var commits = Commits(new() { MayCommitInline = static () => true });
        var cancellation = TestContext.Current.CancellationToken;
        await commits.Append(Appending("first"), cancellation);
        var threads = new List<(int Thread, int Appends)>();
        var others = new List<Task<AppendResult>>();
        // The committing thread falls asleep some time after it has answered.
        for (var deadline = DateTime.UtcNow.AddSeconds(20); !threads.Contains((Environment.CurrentManagedThreadId, 1));)
        {
            DateTime.UtcNow.ShouldBeLessThan(deadline);
            threads.Clear();
            _writer.OnWrite = batch => threads.Add((Environment.CurrentManagedThreadId, batch.Count));
            // Synchronous: a continuation may come on another thread.
#pragma warning disable xUnit1031
            commits.Append(Appending("alone"), cancellation).Wait(cancellation);
#pragma warning restore xUnit1031
        }

        _writer.OnWrite = batch =>
        {
            if (batch[0].Append.Stream.Key == "alone")
                others.AddRange(new[] { "b", "c" }.Select(key => commits.Append(Appending(key), cancellation)));
            threads.Add((Environment.CurrentManagedThreadId, batch.Count));
        };
        var here = Environment.CurrentManagedThreadId;
        threads.Clear();
        var inline = commits.Append(Appending("alone"), cancellation);
        inline.IsCompletedSuccessfully.ShouldBeTrue();
        foreach (var other in others) (await other).Written.ShouldBeTrue();
        threads[0].ShouldBe((here, 1));
        threads[1].Appends.ShouldBe(2);
        threads[1].Thread.ShouldNotBe(here);
    }

    [Fact]
    public async Task A_commit_on_the_callers_thread_that_fails_is_settled_by_the_committing_thread()
    {
        await using var commits = Commits(new() { MayCommitInline = static () => true });
        var cancellation = TestContext.Current.CancellationToken;
        var failedHere = false;
        while (!failedHere)
        {
            await commits.Append(Appending("a"), cancellation);
            var here = Environment.CurrentManagedThreadId;
            _writer.OnWrite = _ =>
            {
                if (!(failedHere = Environment.CurrentManagedThreadId == here)) return;
                throw new EventLogUnavailableException("gone");
            };
            _writer.OnFind = appends => appends[0].FirstPosition = 50;
            var append = commits.Append(Appending("b"), cancellation);
            if (!failedHere) await append;
            else await Should.ThrowAsync<EventLogUnavailableException>(append);
            _writer.OnWrite = _ => { };
        }

        while (commits.EpochFrom(1) == 0) await Task.Delay(5, cancellation);
        commits.EpochFrom(1).ShouldBe(2);
        _published.Feed(Project).ShouldContain(e => e.Position == 50);
        (await commits.Append(Appending("c"), cancellation)).Written.ShouldBeTrue();
    }

    private GroupCommit Commits(EventLogOptions options) => new(_writer, _published, options, NullLogger.Instance, TimeProvider.System);

    private GroupCommit Commits() => new(_writer, _published, new EventLogOptions(), NullLogger.Instance, TimeProvider.System);

    private static StreamAppend Appending(string key) =>
        new(Project, new("bead", key), 0, [new("bead.changed.v1", "{}", DateTimeOffset.UnixEpoch)], null);

    private sealed class FakeWriter : IBatchWriter
    {
        private long _position;

        public Action<IReadOnlyList<PendingAppend>> OnWrite { get; set; } = _ => { };

        public Action<IReadOnlyList<PendingAppend>> OnFind { get; set; } = _ => { };

        public void Connect() { }

        public void Write(IReadOnlyList<PendingAppend> batch)
        {
            OnWrite(batch);
            foreach (var pending in batch) pending.FirstPosition = ++_position;
        }

        public void Find(IReadOnlyList<PendingAppend> appends)
        {
            foreach (var pending in appends) pending.FirstPosition = 0;
            OnFind(appends);
        }

        public void Dispose() { }
    }
}
