using System.Text.Json;
using Beadhub.Controls;
using Beadhub.EventLog;

namespace Beadhub.Grains.Tests.Controls;

/// <summary>Signals that wait for an agent (protocol 6.8).</summary>
public class SignalQueueTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private SignalQueue _queue = SignalQueue.Empty;

    [Fact]
    public void Signals_are_taken_in_order_ten_at_a_time_and_once()
    {
        for (var i = 0; i < 12; i++) Send($"s{i}");

        Take().ShouldBe([.. Enumerable.Range(0, 10).Select(i => $"s{i}")]);
        Take().ShouldBe(["s10", "s11"]);
        Take().ShouldBeEmpty();
    }

    [Fact]
    public void Taking_nothing_is_no_event() => SignalQueue.Empty.Take(Now).Events.ShouldBeEmpty();

    [Fact]
    public void A_queue_has_an_end()
    {
        for (var i = 0; i < 1000; i++) Send($"s{i}");

        Should.Throw<RefusedException>(() => Send("more")).Kind.ShouldBe(RefusalKind.Conflict);
    }

    [Fact]
    public void A_snapshot_gives_the_queue_back()
    {
        Send("s");

        var read = JsonSerializer.Deserialize(JsonSerializer.Serialize(_queue, SignalQueue.Kind.Snapshot), SignalQueue.Kind.Snapshot)!;

        read.Waiting.ShouldBe(_queue.Waiting);
        foreach (var e in new IEvent[] { new ControlSignalled("s", "b", "a", "pause", Now), new ControlTaken(["s"], Now) })
            EventTypes.Serialize(EventTypes.Parse(EventTypes.NameOf(e), EventTypes.Serialize(e))!).ShouldBe(EventTypes.Serialize(e));
    }

    private Decision<bool> Send(string id)
    {
        var decision = _queue.Signal(new(new(id, "pause"), "a"), "b", Now);
        foreach (var e in decision.Events) _queue = _queue.Apply(e);
        return decision;
    }

    private string[] Take()
    {
        var decision = _queue.Take(Now);
        foreach (var e in decision.Events) _queue = _queue.Apply(e);
        return [.. decision.Result.Select(signal => signal.SignalId)];
    }
}
