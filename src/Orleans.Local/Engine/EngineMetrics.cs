using System.Diagnostics.Metrics;

namespace Orleans.Local;

/// <summary>What the engine does, read only when somebody asks: counting costs a call nothing.</summary>
internal sealed class EngineMetrics : IDisposable
{
    private readonly Meter _meter;

    public EngineMetrics(IMeterFactory meters, GrainClass[] classes)
    {
        _meter = meters.Create("Beadhub.Orleans.Local");
        _meter.CreateObservableUpDownCounter(
            "beadhub.grains.activations", () => Each(classes, static one => (long)one.Count), "{grain}", "Grains in memory");
        _meter.CreateObservableUpDownCounter(
            "beadhub.grains.waiting", () =>
                Each(classes, static one => one.Activations.Sum(static a => (long)a.QueueLength)), "{request}",
                "Requests that wait to begin");
        _meter.CreateObservableCounter(
            "beadhub.grains.turns", () =>
                Each(classes, static one => one.PastTurns + one.Activations.Sum(static a => a.Turns)), "{request}",
            "Requests completed; reads on the caller's thread are not counted");
    }

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<long>> Each(GrainClass[] classes, Func<GrainClass, long> read) =>
        classes.Select(one => new Measurement<long>(read(one), new KeyValuePair<string, object?>("grain", one.Name)));
}
