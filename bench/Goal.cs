using System.Globalization;

namespace Beadhub.Bench;

/// <summary>What a ratio must reach; none where the figure is only shown.</summary>
internal sealed record Goal(double Limit, bool AtLeast)
{
    public static Goal None { get; } = new(double.NaN, true);

    public static Goal Least(double limit) => new(limit, true);

    /// <summary>Of durable writes against one-row transactions: few clients pay for the way of a request, many share commits.</summary>
    public static Goal OfWrites(int clients) => Least(clients >= 64 ? 1 : clients >= 16 ? 0.8 : 0.6);

    public static Goal Most(double limit) => new(limit, false);

    public string Mark(double ratio) => double.IsNaN(Limit) ? "" : (AtLeast ? ratio >= Limit : ratio <= Limit) ? "✓" : "✗";

    public override string ToString() => double.IsNaN(Limit) ? "" : (AtLeast ? "≥ " : "≤ ") + Limit.ToString(CultureInfo.InvariantCulture);
}
