using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;

namespace Beadhub.Gateway.Metrics;

/// <summary>All readings of the instruments of one name.</summary>
internal sealed class MetricFamily
{
    private const int MaxSeries = 1000;
    private const int MaxLabels = 512;
    private const string Overflow = "otel_metric_overflow=\"true\"";

    private static readonly double[] Seconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
    private static readonly double[] Amounts = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];

    private readonly ConcurrentDictionary<string, MetricSeries> _series = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, MetricSeries>.AlternateLookup<ReadOnlySpan<char>> _bySpan;
    private readonly string _help;
    private readonly Func<MetricSeries> _new;

    private MetricFamily(string name, string help, string type, bool isObserved, Func<MetricSeries> make)
    {
        (Name, _help, Type, IsObserved, _new) = (name, help, type, isObserved, make);
        _bySpan = _series.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Name for Prometheus.</summary>
    public string Name { get; }

    /// <summary><c>counter</c>, <c>gauge</c> or <c>histogram</c>.</summary>
    public string Type { get; }

    /// <summary>Whether its instruments are asked when it is read, instead of telling what happens.</summary>
    public bool IsObserved { get; }

    /// <summary>The family of an instrument; null for one of a sort that is not known.</summary>
    public static MetricFamily? Of(Instrument instrument)
    {
        if (!instrument.GetType().IsGenericType) return null;
        var sort = instrument.GetType().GetGenericTypeDefinition();
        var isCounter = sort == typeof(Counter<>) || sort == typeof(ObservableCounter<>);
        var name = MetricNames.Of(instrument.Name, instrument.Unit, isCounter);
        var help = instrument.Description ?? "";
        if (sort == typeof(Histogram<>))
        {
            var bounds = Bounds(instrument);
            return new(name, help, "histogram", false, () => new HistogramSeries(bounds));
        }

        if (isCounter) return new(name, help, "counter", instrument.IsObservable, static () => new SumSeries());
        if (sort == typeof(Gauge<>)) return new(name, help, "gauge", false, static () => new LastSeries());
        return sort == typeof(UpDownCounter<>) || sort == typeof(ObservableUpDownCounter<>) || sort == typeof(ObservableGauge<>)
            ? new(name, help, "gauge", instrument.IsObservable, static () => new SumSeries())
            : null;
    }

    /// <summary>Takes a measurement; any thread.</summary>
    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        Span<char> labels = stackalloc char[MaxLabels];
        var length = MetricLabels.Write(tags, labels);
        if (length < 0 || !_bySpan.TryGetValue(labels[..length], out var series))
            series = Add(length < 0 ? Overflow : new string(labels[..length]));
        series.Record(value);
    }

    /// <summary>Forgets what was observed at the last reading.</summary>
    public void Clear() => _series.Clear();

    /// <summary>Writes the family; nothing when it has no readings.</summary>
    public void Write(StringBuilder text)
    {
        if (_series.IsEmpty) return;
        text.Append("# HELP ").Append(Name).Append(' ').Append(_help.Replace("\\", "\\\\").Replace("\n", "\\n")).Append('\n');
        text.Append("# TYPE ").Append(Name).Append(' ').Append(Type).Append('\n');
        foreach (var (labels, series) in _series.OrderBy(static one => one.Key, StringComparer.Ordinal)) series.Write(text, Name, labels);
    }

    private MetricSeries Add(string labels) =>
        _series.GetOrAdd(_series.Count < MaxSeries ? labels : Overflow, static (_, make) => make(), _new);

    private static double[] Bounds(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { Count: > 0 } advised } => [.. advised],
        Histogram<long> { Advice.HistogramBucketBoundaries: { Count: > 0 } advised } => [.. advised.Select(static bound => (double)bound)],
        Histogram<int> { Advice.HistogramBucketBoundaries: { Count: > 0 } advised } => [.. advised.Select(static bound => (double)bound)],
        _ => instrument.Unit == "s" ? Seconds : Amounts,
    };
}
