namespace Beadhub.Bench;

/// <summary>How long and which part of the bench to run.</summary>
internal sealed record Options(bool Quick, string? Only, string? Chart = null, int? Beads = null)
{
    public const string Usage = "Usage: bench/run.sh [--quick] [--beads N] [--chart FILE.svg] "
        + "[--only reads|writes|coordination|dequeue|keyed|inbox|chat|streams|syncs|events|cluster|plans|startup|"
        + "beads|history|projects|mesh]";

    /// <summary>Measurements of each kind; the median counts.</summary>
    public int Rounds => Quick ? 3 : 5;

    /// <summary>Length of one measurement.</summary>
    public int Seconds => Quick ? 1 : 4;

    /// <summary>Length of what runs before the first measurement and does not count.</summary>
    public int WarmUp => Quick ? 3 : 8;

    /// <exception cref="ArgumentException">An argument is unknown.</exception>
    public static Options Parse(string[] arguments)
    {
        var options = new Options(false, null);
        for (var i = 0; i < arguments.Length; i++)
        {
            options = arguments[i] switch
            {
                "--quick" => options with { Quick = true },
                "--only" when i + 1 < arguments.Length => options with { Only = arguments[++i] },
                "--beads" when i + 1 < arguments.Length && int.TryParse(arguments[++i], out var beads) && beads > 0 =>
                    options with { Beads = beads },
                "--chart" when i + 1 < arguments.Length => options with { Chart = Path.GetFullPath(arguments[++i]) },
                var other => throw new ArgumentException($"Unknown: {other}\n{Usage}"),
            };
        }
        return options;
    }
}
