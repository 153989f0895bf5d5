using System.Globalization;
using System.Net;
using System.Text;

namespace Beadhub.Bench;

/// <summary>
/// The rows as one picture: a bar each, as long as the ratio is good, with the goal as a line that all share; below, of the rows that
/// compare two sizes, what the small and the large one cost.
/// </summary>
internal static class Chart
{
    private const int Width = 900, Names = 430, Line = 22, Top = 46;
    private const double Worst = 0.1, Best = 10; // times the goal, on a logarithmic scale

    /// <summary>Draws it.</summary>
    /// <param name="rows">Rows with a goal, in the order of the table.</param>
    public static string Of(Row[] rows)
    {
        var sizes = rows.Where(row => row.Unit == "s" && row.Against.Split(' ')[0] is "at" or "with").ToArray();
        var height = Top + rows.Length * Line + (sizes.Length == 0 ? 0 : Top + sizes.Length * Line) + 30;
        var svg = new StringBuilder();
        Draw(svg, $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" font-family="system-ui, sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="#fff"/>
            """);
        var y = Head(svg, 0, "Ratio to the reference from the same run; right of the line: the goal is reached");
        var goal = Place(1);
        Draw(svg, $"""<line x1="{goal:0}" x2="{goal:0}" y1="{y - 6}" y2="{y + rows.Length * Line}" stroke="#333"/>""");
        foreach (var row in rows)
        {
            var good = row.Goal.AtLeast ? row.Ratio / row.Goal.Limit : row.Goal.Limit / row.Ratio;
            var (from, to) = (Math.Min(goal, Place(good)), Math.Max(goal, Place(good)));
            Name(svg, y, row.What);
            var colour = good >= 1 ? "#2f855a" : "#c53030";
            Draw(svg, $"""<rect x="{from:0.0}" y="{y + 3}" width="{Math.Max(1.5, to - from):0.0}" height="{Line - 8}" fill="{colour}"/>""");
            Text(svg, good >= 1 ? to + 5 : from - 5, y, $"{row.Ratio:0.00} ({row.Goal})", good >= 1 ? "start" : "end");
            y += Line;
        }

        if (sizes.Length > 0) y = Sizes(svg, y, sizes);
        return svg.AppendLine("</svg>").ToString();
    }

    /// <summary>Small and large, in milliseconds from zero.</summary>
    private static int Sizes(StringBuilder svg, int top, Row[] rows)
    {
        var y = Head(svg, top, "What size costs: hollow the small one, full the large one, in milliseconds");
        var most = rows.Max(row => Math.Max(row.Figure, row.Reference));
        double At(double seconds) => Names + seconds / most * (Width - Names - 90);
        foreach (var row in rows)
        {
            Name(svg, y, $"{row.What}, {row.Against}");
            var (small, large, middle) = (At(row.Reference), At(row.Figure), y + Line / 2 - 1);
            Draw(svg, $"""<line x1="{small:0.0}" x2="{large:0.0}" y1="{middle}" y2="{middle}" stroke="#2b6cb0"/>""");
            Draw(svg, $"""<circle cx="{small:0.0}" cy="{middle}" r="4" fill="#fff" stroke="#2b6cb0"/>""");
            Draw(svg, $"""<circle cx="{large:0.0}" cy="{middle}" r="3.5" fill="#2b6cb0"/>""");
            Text(svg, Math.Max(small, large) + 8, y, $"{row.Reference * 1000:0.000} → {row.Figure * 1000:0.000}", "start");
            y += Line;
        }

        return y;
    }

    private static double Place(double good)
    {
        var (low, high) = (Math.Log(Worst), Math.Log(Best));
        return Names + 90 + (Math.Log(Math.Clamp(good, Worst, Best)) - low) / (high - low) * (Width - Names - 180);
    }

    private static int Head(StringBuilder svg, int y, string text)
    {
        Draw(svg, $"""<text x="10" y="{y + 26}" font-size="15" font-weight="600" fill="#222">{text}</text>""");
        return y + Top;
    }

    private static void Name(StringBuilder svg, int y, string text) =>
        Text(svg, 10, y, text.Length > 68 ? text[..67] + "…" : text, "start");

    private static void Text(StringBuilder svg, double x, int y, string text, string anchor) =>
        Draw(svg, $"""<text x="{x:0.0}" y="{y + 15}" text-anchor="{anchor}" fill="#222">{WebUtility.HtmlEncode(text)}</text>""");

    private static void Draw(StringBuilder svg, FormattableString element) =>
        svg.AppendLine(element.ToString(CultureInfo.InvariantCulture));
}
