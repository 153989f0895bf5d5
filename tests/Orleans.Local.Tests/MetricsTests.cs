using System.Diagnostics.Metrics;

namespace Beadhub.Orleans.Local.Tests;

public sealed class MetricsTests : EngineTest
{
    [Fact]
    public async Task Activations_waiting_requests_and_turns_are_counted_per_grain_class()
    {
        var gate = Gate();
        await Actor("one").Do(_ => Task.CompletedTask);
        var running = Actor("two").Do(_ => gate.Task);
        var waiting = Actor("two").Do(_ => Task.CompletedTask);
        Read().ShouldBe((2, 1, 1));
        gate.SetResult();
        await Task.WhenAll(running, waiting);
        await Stop();
        Read().ShouldBe((0, 0, 3));
    }

    private (long Activations, long Waiting, long Turns) Read()
    {
        var read = new Dictionary<string, long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                // Each test's engine has a meter of its own, told apart by the factory that made it.
                if (instrument.Meter.Name == "Beadhub.Orleans.Local" && ReferenceEquals(instrument.Meter.Scope, Meters))
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            if (tags[0].Value is nameof(PlainActor)) read[instrument.Name] = value;
        });
        listener.Start();
        listener.RecordObservableInstruments();
        return (read["beadhub.grains.activations"], read["beadhub.grains.waiting"], read["beadhub.grains.turns"]);
    }
}
