using System.Globalization;
using System.Runtime.InteropServices;

namespace Beadhub.Bench;

/// <summary>The rows so far, and the table made of them.</summary>
internal sealed class Results
{
    private readonly List<Row> _rows = [];
    private readonly List<Row> _orientation = [];

    public void Add(Row row) => _rows.Add(row);

    /// <summary>Adds a figure to compare with one that an earlier implementation reached on such a machine.</summary>
    public void Orient(string what, double figure, double earlier, string unit, Goal goal) =>
        _orientation.Add(new(what, "", figure, earlier, unit, goal));

    public void Print(TextWriter to, Options options)
    {
        to.WriteLine(
            $"{DateTime.UtcNow:yyyy-MM-dd}, {Machine()}; "
            + $"{options.Rounds} rounds of {options.Seconds} s{(options.Quick ? " (quick)" : "")}");
        to.WriteLine();
        to.WriteLine("| what | figure | against | reference | ratio | goal | |");
        to.WriteLine("| --- | ---: | --- | ---: | ---: | ---: | --- |");
        foreach (var row in _rows)
            to.WriteLine(
                $"| {row.What} | {Value(row.Figure, row.Unit)} | {row.Against} | {Value(row.Reference, row.Unit)} | "
                + $"{Number(row.Ratio, "0.00")} | {row.Goal} | {row.Goal.Mark(row.Ratio)}{(row.Note.Length > 0 ? " " + row.Note : "")} |");
        if (_orientation.Count == 0) return;
        to.WriteLine();
        to.WriteLine("| for orientation | figure | the Python implementation | ratio | goal | |");
        to.WriteLine("| --- | ---: | ---: | ---: | ---: | --- |");
        foreach (var row in _orientation)
            to.WriteLine(
                $"| {row.What} | {Value(row.Figure, row.Unit)} | {Value(row.Reference, row.Unit)} | {Number(row.Ratio, "0.00")} | "
                + $"{row.Goal} | {row.Goal.Mark(row.Ratio)} |");
    }

    /// <summary>Draws the rows that have a goal, as an SVG.</summary>
    public void Draw(string file) => File.WriteAllText(file, Chart.Of([.. _rows.Where(row => !double.IsNaN(row.Goal.Limit))]));

    private static string Value(double value, string unit) => unit switch
    {
        "s" when value < 1 => Number(value * 1000, value < 0.01 ? "0.000" : "0.0") + " ms",
        "s" => Number(value, "0.00") + " s",
        "/s" => Number(value, "#,0") + "/s",
        "×" => Number(value, "0.00") + " ×",
        _ => Number(value, "#,0") + " " + unit,
    };

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Machine()
    {
        var processor = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line =>
            line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim();
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1 << 30);
        return $"{Environment.ProcessorCount} cores ({processor ?? RuntimeInformation.ProcessArchitecture.ToString()}), {memory} GB, "
            + $"{RuntimeInformation.FrameworkDescription}";
    }
}
