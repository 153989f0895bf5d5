using System.Globalization;

namespace Beadhub.Bench;

/// <summary>What a ratio must reach; none where the figure is only shown.</summary>
internal sealed record Goal(double Limit, bool AtLeast)
{
    public static Goal None { get; } = new(double.NaN, true);

    public static Goal Least(double limit) => new(limit, true);

    public static Goal Most(double limit) => new(limit, false);

    public string Mark(double ratio) => double.IsNaN(Limit) ? "" : (AtLeast ? ratio >= Limit : ratio <= Limit) ? "✓" : "✗";

    public override string ToString() => double.IsNaN(Limit) ? "" : (AtLeast ? "≥ " : "≤ ") + Limit.ToString(CultureInfo.InvariantCulture);
}
