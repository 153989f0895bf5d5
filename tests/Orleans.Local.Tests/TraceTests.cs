using System.Collections.Concurrent;
using System.Diagnostics;

namespace Beadhub.Orleans.Local.Tests;

/// <summary>The spans of calls: seen by those who listen, and for nobody else there.</summary>
public sealed class TraceTests : EngineTest
{
    private readonly ConcurrentQueue<Activity> _ended = new();

    [Fact]
    public async Task A_call_is_a_span_below_its_callers_and_what_it_calls_is_below_it()
    {
        using var listener = Listen();
        using var request = new Activity("request") { ActivityTraceFlags = ActivityTraceFlags.Recorded }.Start();
        await Actor("outer").Do(async actor =>
        {
            Activity.Current!.OperationName.ShouldBe("PlainActor.Do");
            await Actor("inner").Do(_ => Task.CompletedTask);
        });
        Activity.Current.ShouldBeSameAs(request, "the caller goes on in its own");

        var (inner, outer) = (Spans(request)[0], Spans(request)[1]);
        inner.GetTagItem("beadhub.grain.key").ShouldBe("inner");
        inner.ParentSpanId.ShouldBe(outer.SpanId);
        outer.ParentSpanId.ShouldBe(request.SpanId);
        outer.GetTagItem("rpc.method").ShouldBe("Do");
    }

    [Fact]
    public async Task A_failure_is_told_by_its_type_only()
    {
        using var listener = Listen();
        using var request = new Activity("request") { ActivityTraceFlags = ActivityTraceFlags.Recorded }.Start();
        await Should.ThrowAsync<InvalidOperationException>(() => Actor().Do(_ => throw new InvalidOperationException("a secret")));
        var span = Spans(request).Single();
        span.Status.ShouldBe(ActivityStatusCode.Error);
        span.StatusDescription.ShouldBeNull();
        span.GetTagItem("error.type").ShouldBe("System.InvalidOperationException");
        span.Events.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_call_waits_for_its_turn_within_its_span_and_a_trace_that_is_not_kept_has_none()
    {
        using var listener = Listen();
        using var request = new Activity("request") { ActivityTraceFlags = ActivityTraceFlags.Recorded }.Start();
        var gate = Gate();
        var first = Actor().Do(_ => gate.Task);
        var second = Actor().Do(_ => Task.CompletedTask);
        Spans(request).ShouldBeEmpty();
        gate.SetResult();
        await Task.WhenAll(first, second);
        Spans(request).Length.ShouldBe(2);

        using var unkept = new Activity("unkept").SetParentId(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(),
            ActivityTraceFlags.None).Start();
        await Actor().Do(_ =>
        {
            Activity.Current.ShouldBeSameAs(unkept);
            return Task.CompletedTask;
        });
        Spans(unkept).ShouldBeEmpty();
    }

    private Activity[] Spans(Activity trace) => [.. _ended.Where(span => span.TraceId == trace.TraceId && span != trace)];

    // Other tests run meanwhile, in traces of their own.
    private ActivityListener Listen()
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "Beadhub.Orleans.Local",
            Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
