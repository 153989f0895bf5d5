using System.Text;

namespace Beadhub.Gateway.Metrics;

/// <summary>The newest measurement.</summary>
internal sealed class LastSeries : MetricSeries
{
    private double _last;

    public override void Record(double value) => Volatile.Write(ref _last, value);

    public override void Write(StringBuilder text, string family, string labels) => Line(text, family, labels, Volatile.Read(ref _last));
}
