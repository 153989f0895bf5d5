using System.Text;

namespace Beadhub.Gateway.Metrics;

/// <summary>Measurements counted by their size.</summary>
/// <param name="bounds">Upper bounds of the buckets, ascending; a last one without bound is added.</param>
internal sealed class HistogramSeries(IReadOnlyList<double> bounds) : MetricSeries
{
    private readonly long[] _counts = new long[bounds.Count + 1];
    private double _sum;

    public override void Record(double value)
    {
        var bucket = 0;
        while (bucket < bounds.Count && value > bounds[bucket]) bucket++;
        SumSeries.Add(ref _sum, value);
        Interlocked.Increment(ref _counts[bucket]);
    }

    public override void Write(StringBuilder text, string family, string labels)
    {
        // Count and buckets come from one reading, so that they agree whoever measures meanwhile.
        var total = 0L;
        for (var i = 0; i < _counts.Length; i++)
        {
            total += Volatile.Read(ref _counts[i]);
            var bound = Number(i < bounds.Count ? bounds[i] : double.PositiveInfinity);
            Line(text, family + "_bucket", $"{labels}{(labels.Length > 0 ? "," : "")}le=\"{bound}\"", total);
        }

        Line(text, family + "_sum", labels, Volatile.Read(ref _sum));
        Line(text, family + "_count", labels, total);
    }
}
