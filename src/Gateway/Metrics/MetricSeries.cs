using System.Globalization;
using System.Text;

namespace Beadhub.Gateway.Metrics;

/// <summary>The readings of one instrument under one set of labels.</summary>
internal abstract class MetricSeries
{
    /// <summary>Takes a measurement; any thread.</summary>
    public abstract void Record(double value);

    /// <summary>Writes the lines of the series.</summary>
    public abstract void Write(StringBuilder text, string family, string labels);

    /// <summary>One line: name, labels, value.</summary>
    protected static void Line(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0) text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    /// <summary>A number as Prometheus reads it.</summary>
    protected static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };
}
