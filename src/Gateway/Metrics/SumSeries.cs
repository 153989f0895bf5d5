using System.Text;

namespace Beadhub.Gateway.Metrics;

/// <summary>A number to which measurements are added.</summary>
internal sealed class SumSeries : MetricSeries
{
    private double _sum;

    public override void Record(double value) => Add(ref _sum, value);

    public override void Write(StringBuilder text, string family, string labels) => Line(text, family, labels, Volatile.Read(ref _sum));

    /// <summary>Adds without a lock.</summary>
    public static void Add(ref double sum, double value)
    {
        var seen = Volatile.Read(ref sum);
        while (true)
        {
            var before = Interlocked.CompareExchange(ref sum, seen + value, seen);
            // Compared as bits: a sum that is no number equals nothing, itself included.
            if (BitConverter.DoubleToInt64Bits(before) == BitConverter.DoubleToInt64Bits(seen)) return;
            seen = before;
        }
    }
}
