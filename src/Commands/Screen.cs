using System.Text.Encodings.Web;
using System.Text.Json;

namespace Beadhub.Commands;

/// <summary>Where a command prints: a terminal of some width, with colours, or a file or pipe without.</summary>
/// <param name="Out">What was asked for.</param>
/// <param name="Error">What goes on, and what went wrong.</param>
/// <param name="Width">Columns of the terminal; 0 without limit.</param>
/// <param name="IsTerminal">Whether somebody looks at it.</param>
/// <param name="HasColour">Whether escape sequences mean colours there.</param>
internal sealed record Screen(TextWriter Out, TextWriter Error, int Width, bool IsTerminal, bool HasColour)
{
    private const int Gap = 2;
    private const int Narrowest = 12;

    private static readonly JsonWriterOptions JsonOptions =
        new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The console as it is.</summary>
    public static Screen Current()
    {
        var terminal = !Console.IsOutputRedirected;
        var columns = int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), out var told) && told > 0 ? told
            : terminal ? Math.Max(Console.WindowWidth, 0) : 0;
        var colour = terminal && Environment.GetEnvironmentVariable("NO_COLOR") is null or ""
            && Environment.GetEnvironmentVariable("TERM") is not "dumb";
        return new(Console.Out, Console.Error, columns, terminal, terminal && colour);
    }

    /// <summary>One line.</summary>
    public void Line(string text = "") => Out.WriteLine(Clean(text));

    /// <summary>A line that stands out, above what belongs to it.</summary>
    public void Title(string text) => Out.WriteLine(Paint(Clean(text), "1"));

    /// <summary>A line that may be overlooked.</summary>
    public void Faint(string text) => Out.WriteLine(Paint(Clean(text), "2"));

    /// <summary>A line of what came.</summary>
    public void Added(string text) => Out.WriteLine(Paint(Clean(text), "32"));

    /// <summary>A line of what went.</summary>
    public void Removed(string text) => Out.WriteLine(Paint(Clean(text), "31"));

    /// <summary>Something that goes on, beside what was asked for.</summary>
    public void Note(string text) => Error.WriteLine(Clean(text));

    /// <summary>How far something is, in one line that is written over; only on a terminal.</summary>
    public void Progress(string text)
    {
        if (IsTerminal && !Console.IsErrorRedirected) Error.Write($"\r\u001b[K{Clean(text)}");
    }

    /// <summary>Takes the line of <see cref="Progress"/> away.</summary>
    public void EndProgress()
    {
        if (IsTerminal && !Console.IsErrorRedirected) Error.Write("\r\u001b[K");
    }

    /// <summary>Begins again at the top, for what is shown again and again.</summary>
    public void Clear()
    {
        if (IsTerminal) Out.Write("\u001b[H\u001b[2J\u001b[3J");
    }

    /// <summary>
    /// Rows below a head. What is too wide for the terminal is cut; where even that does not do, each row becomes a paragraph.
    /// </summary>
    public void Table(string[] head, IEnumerable<string[]> rows)
    {
        var all = rows.Select(static row => row.Select(Clean).ToArray()).ToArray();
        var widths = head.Select((name, column) => all.Select(row => row[column].Length).Append(name.Length).Max()).ToArray();
        if (Width > 0 && !Fit(widths, Width))
        {
            foreach (var row in all) Paragraph(head, row);
            return;
        }

        Out.WriteLine(Paint(Row(head, widths, null), "2"));
        foreach (var row in all) Out.WriteLine(Row(row, widths, head));
    }

    /// <summary>Names and values, a line each.</summary>
    public void Fields(params (string Name, string? Value)[] fields)
    {
        var shown = fields.Where(static field => field.Value is { Length: > 0 }).ToArray();
        if (shown.Length == 0) return;
        var width = shown.Max(static field => field.Name.Length);
        foreach (var (name, value) in shown)
            Out.WriteLine($"{Paint(name.PadRight(width), "2")}  {PaintWord(Clean(value!), name)}");
    }

    /// <summary>JSON for programs.</summary>
    public void Json(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, JsonOptions)) write(json);
        Out.WriteLine(System.Text.Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
    }

    /// <summary>JSON as the server gave it.</summary>
    public void Json(JsonElement element) => Json(element.WriteTo);

    /// <summary>Text of others may hold anything: nothing of it moves the cursor or colours the terminal.</summary>
    public static string Clean(string text) => text.Any(static c => char.IsControl(c))
        ? string.Concat(text.Select(static c => c is '\n' or '\t' ? ' ' : char.IsControl(c) ? '?' : c)) : text;

    /// <summary>The same for a text of several lines.</summary>
    public static string CleanLines(string text) => string.Join('\n', text.ReplaceLineEndings("\n").Split('\n').Select(Clean));

    // Takes from the widest column until the row fits; false when nothing readable would be left.
    private static bool Fit(int[] widths, int limit)
    {
        while (widths.Sum() + Gap * (widths.Length - 1) > limit)
        {
            var widest = Array.IndexOf(widths, widths.Max());
            if (widths[widest] <= Narrowest) return false;
            widths[widest]--;
        }

        return true;
    }

    private string Row(string[] cells, int[] widths, string[]? head)
    {
        var last = cells.Length - 1;
        return string.Join(new string(' ', Gap), cells.Select((cell, column) =>
        {
            var cut = Cut(cell, widths[column]);
            var padded = column == last ? cut : cut.PadRight(widths[column]);
            return head is null ? padded : PaintWord(padded, head[column]);
        })).TrimEnd();
    }

    private void Paragraph(string[] head, string[] row)
    {
        Out.WriteLine(Paint(Cut(row[0], Width), "1"));
        var indent = Math.Min(head.Max(static name => name.Length), Width / 3);
        for (var column = 1; column < row.Length; column++)
            if (row[column].Length > 0)
                Out.WriteLine($"  {Paint(Cut(head[column].ToLowerInvariant(), indent).PadRight(indent), "2")} "
                    + PaintWord(Cut(row[column], Math.Max(Width - indent - 3, 4)), head[column]));
    }

    private static string Cut(string text, int width) =>
        text.Length <= width ? text : width < 2 ? text[..width] : text[..(width - 1)] + "…";

    private string PaintWord(string text, string column) => !HasColour ? text : column.ToUpperInvariant() switch
    {
        "ID" or "BEAD" or "ALIAS" or "FROM" => Paint(text, "1"),
        "STATUS" or "PRIORITY" or "P" => text.Trim() switch
        {
            "in_progress" or "active" or "working" or "high" or "1" => Paint(text, "33"),
            "open" or "idle" or "online" => Paint(text, "32"),
            "blocked" or "urgent" or "0" => Paint(text, "31"),
            "closed" or "offline" or "tombstone" or "low" => Paint(text, "2"),
            _ => text,
        },
        _ => text,
    };

    private string Paint(string text, string code) => HasColour ? $"\u001b[{code}m{text}\u001b[0m" : text;
}
