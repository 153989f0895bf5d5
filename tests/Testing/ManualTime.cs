namespace Beadhub.Testing;

/// <summary>A clock that only the test moves.</summary>
public sealed class ManualTime : TimeProvider
{
    public DateTimeOffset Current { get; set; } = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Current;

    public void Pass(int seconds) => Current += TimeSpan.FromSeconds(seconds);
}
