using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Hosting.EventLogs;

namespace Beadhub.Silo.Tests.EventLogs;

/// <summary>A request is answered from one query of the log, and never with less than what had been acknowledged when it came.</summary>
public sealed class VersionCacheTests
{
    private const string P = "p";

    private readonly List<FeedEvent> _log = [];
    private readonly VersionCache _cache;
    private int _heads, _news, _versions;
    private Func<Task> _beforeAnswer = () => Task.CompletedTask;

    public VersionCacheTests() => _cache = new(
        async project =>
        {
            _heads++;
            long head = _log.Count;
            await _beforeAnswer();
            return head;
        },
        async (_, after) =>
        {
            _news++;
            IReadOnlyList<FeedEvent> news = [.. _log.Skip((int)after).Take(VersionCache.MostNews + 1)];
            await _beforeAnswer();
            return news;
        },
        async stream =>
        {
            _versions++;
            var version = _log.LastOrDefault(e => e.Key == stream.Key)?.Version ?? 0;
            await _beforeAnswer();
            return version;
        });

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static StreamKey Bead(string key) => new("bead", key);

    /// <summary>Another node writes to a stream.</summary>
    private FeedEvent Written(string key)
    {
        var e = new FeedEvent(P, _log.Count + 1, "bead", key, _log.Count(e => e.Key == key) + 1, "test.v1", "{}", DateTimeOffset.UnixEpoch);
        _log.Add(e);
        return e;
    }

    /// <summary>This node writes to a stream.</summary>
    private void Commit(string key) => _cache.Committed(P, [Written(key)]);

    private ValueTask<long> Version(string key) => _cache.Version(P, Bead(key), Cancellation);

    private ValueTask<long> Head() => _cache.Head(P, Cancellation);

    [Fact]
    public async Task One_query_answers_all_that_a_request_asks()
    {
        Written("a");
        Written("b");
        (await Version("a"), await Version("b")).ShouldBe((1, 1)); // known from here on
        Written("b");
        (_news, _versions) = (0, 0);

        await ReadBarrier.During(async () =>
        {
            (await Version("a")).ShouldBe(1);
            (await Version("b")).ShouldBe(2);
            (await Head()).ShouldBe(3);
            _cache.Feed(P, 2, 10)!.Select(e => e.Position).ShouldBe([3]);
            _cache.Feed(P, 3, 10).ShouldBeEmpty();
            (await Version("a")).ShouldBe(1);
        });

        (_news, _versions).ShouldBe((1, 0));
    }

    [Fact]
    public async Task Each_request_sees_what_was_written_before_it_came()
    {
        for (var n = 1; n < 50; n++)
        {
            Written("a");
            await ReadBarrier.During(async () => (await Version("a"), await Head()).ShouldBe((n, n)));
        }
    }

    [Fact]
    public async Task Where_no_request_is_served_each_question_cache()
    {
        await Head();
        for (var n = 1; n < 10; n++)
        {
            Written("a");
            (await Head(), await Version("a")).ShouldBe((n, n));
        }

        Written("a");
        _cache.Feed(P, 9, 10).ShouldBeNull();
    }

    [Fact]
    public async Task What_outlives_its_request_cache_for_itself()
    {
        Task<long> left = null!;
        var go = new TaskCompletionSource();
        await ReadBarrier.During(async () =>
        {
            await Head();
            left = Later();
        });
        Written("a");
        go.SetResult();
        (await left).ShouldBe(1);

        async Task<long> Later()
        {
            await go.Task;
            return await Head();
        }
    }

    [Fact]
    public async Task A_query_that_began_before_a_request_came_does_not_answer_it()
    {
        await Head();
        var answer = new TaskCompletionSource();
        _beforeAnswer = () => answer.Task;
        var early = ReadBarrier.During(async () => await Head());
        Written("a"); // after the early query has asked
        _beforeAnswer = () => Task.CompletedTask;
        var late = ReadBarrier.During(async () => (await Head()).ShouldBe(1));
        var later = ReadBarrier.During(async () => (await Version("a")).ShouldBe(1));
        answer.SetResult();
        await Task.WhenAll(early, late, later);
        _news.ShouldBe(2); // the two that came later share one
    }

    [Fact]
    public async Task A_request_sees_what_this_node_wrote_for_it()
    {
        await ReadBarrier.During(async () =>
        {
            (await Head(), await Version("a")).ShouldBe((0, 0));
            Commit("a");
            (await Head(), await Version("a")).ShouldBe((1, 1));
            _cache.Feed(P, 0, 10)!.Count.ShouldBe(1);
        });
        _news.ShouldBe(0);
    }

    [Fact]
    public async Task What_this_node_wrote_after_others_is_asked_for()
    {
        await ReadBarrier.During(async () =>
        {
            await Head();
            Written("b");
            Commit("a");
            (await Head(), await Version("a"), await Version("b")).ShouldBe((2, 1, 1));
        });
    }

    [Fact]
    public async Task A_query_under_way_does_not_hide_what_this_node_writes_meanwhile()
    {
        await Head();
        var answer = new TaskCompletionSource();
        _beforeAnswer = () => answer.Task;
        Task<long> refreshing = null!;
        var request = ReadBarrier.During(async () =>
        {
            refreshing = Head().AsTask();
            _beforeAnswer = () => Task.CompletedTask;
            Written("b");
            Commit("a");
            answer.SetResult();
            (await refreshing).ShouldBe(2);
            (await Version("a")).ShouldBe(1);
        });
        await request;
    }

    [Fact]
    public async Task After_a_lost_race_the_request_cache_again()
    {
        await ReadBarrier.During(async () =>
        {
            (await Version("a")).ShouldBe(0);
            Written("a");
            _cache.Invalidate(P);
            (await Version("a")).ShouldBe(1);
        });
    }

    [Fact]
    public async Task Who_is_far_behind_forgets_and_asks_again()
    {
        Written("a");
        Written("b");
        (await Version("a"), await Version("b")).ShouldBe((1, 1));
        Written("a");
        for (var n = 0; n < 2 * VersionCache.MostNews; n++) Written("c");
        await ReadBarrier.During(async () =>
        {
            (await Version("a"), await Version("b"), await Version("c")).ShouldBe((2, 1, 2 * VersionCache.MostNews));
            (await Head()).ShouldBe(_log.Count);
            _cache.Feed(P, 0, 10).ShouldBeNull();
        });
    }

    [Fact]
    public async Task A_version_asked_for_while_all_is_forgotten_is_not_kept()
    {
        Written("a");
        await Head();
        var answer = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        var questions = 0;
        _beforeAnswer = () => ++questions == 2 ? Held() : Task.CompletedTask; // the news, then the version
        var slow = ReadBarrier.During(async () => (await Version("a")).ShouldBe(1));
        await asked.Task;
        Written("a");
        for (var n = 0; n < 2 * VersionCache.MostNews; n++) Written("c");
        await ReadBarrier.During(async () => await Head()); // forgets
        answer.SetResult();
        await slow;
        await ReadBarrier.During(async () => (await Version("a")).ShouldBe(2));

        Task Held()
        {
            asked.SetResult();
            return answer.Task;
        }
    }

    [Fact]
    public async Task What_is_known_of_projects_that_nobody_asks_for_is_forgotten()
    {
        var cache = new VersionCache(_ => new(7), (_, _) => new((IReadOnlyList<FeedEvent>)[]), _ => new(3), idle: TimeSpan.Zero);
        for (var i = 0; i < 1000; i++) (await cache.Head($"p{i}", Cancellation)).ShouldBe(7);
        cache.Count.ShouldBeLessThan(300);
        (await cache.Version("p0", Bead("a"), Cancellation)).ShouldBe(3);
    }

    [Fact]
    public async Task A_query_that_fails_fails_those_who_waited_and_the_next_one_asks_again()
    {
        await Head();
        Written("a");
        _beforeAnswer = () => throw new EventLogUnavailableException("away");
        var failed = Enumerable.Range(0, 3).Select(_ => Should.ThrowAsync<EventLogUnavailableException>(async () => await Head()))
            .ToArray();
        foreach (var one in failed) (await one).Message.ShouldBe("away");
        _beforeAnswer = () => Task.CompletedTask;
        (await Head()).ShouldBe(1);
    }

    /// <summary>Requests, writes here and writes elsewhere at once: whoever asks gets at least what had been written when it
    /// came.</summary>
    [Fact]
    public async Task Nobody_reads_what_is_older_than_its_question()
    {
        var gate = new Lock();
        var cache = new VersionCache(
            async _ => { await Task.Yield(); lock (gate) return _log.Count; },
            async (_, after) => { await Task.Yield(); lock (gate) return [.. _log.Skip((int)after).Take(VersionCache.MostNews + 1)]; },
            async stream => { await Task.Yield(); lock (gate) return _log.LastOrDefault(e => e.Key == stream.Key)?.Version ?? 0; });
        var read = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            var random = new Random(i);
            for (var n = 0; n < 1500; n++)
            {
                var key = $"{random.Next(20)}";
                switch (random.Next(10))
                {
                    case 0:
                        lock (gate) Written(key);
                        break;
                    case 1:
                        FeedEvent mine;
                        lock (gate) mine = Written(key);
                        cache.Committed(P, [mine]);
                        await ReadBarrier.During(async () =>
                            (await cache.Version(P, Bead(key), Cancellation)).ShouldBeGreaterThanOrEqualTo(mine.Version));
                        break;
                    default:
                        long head, version;
                        lock (gate) (head, version) = (_log.Count, _log.LastOrDefault(e => e.Key == key)?.Version ?? 0);
                        await ReadBarrier.During(async () =>
                        {
                            (await cache.Version(P, Bead(key), Cancellation)).ShouldBeGreaterThanOrEqualTo(version);
                            (await cache.Head(P, Cancellation)).ShouldBeGreaterThanOrEqualTo(head);
                            if (cache.Feed(P, head, 1000) is { } feed)
                                feed.Select(e => e.Position).ShouldBe(Enumerable.Range(1, feed.Count).Select(p => head + p));
                        });
                        Interlocked.Increment(ref read);
                        break;
                }
            }
        }, Cancellation)));
        read.ShouldBeGreaterThan(1000);
    }
}
