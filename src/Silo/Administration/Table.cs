using System.Text.Encodings.Web;
using System.Text.Json;

namespace Beadhub.Silo.Administration;

/// <summary>Prints answers of a server for people, or as they are for machines.</summary>
internal static class Table
{
    private static readonly JsonWriterOptions JsonOptions = new() { Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Rows below a head, each column as wide as its widest cell.</summary>
    public static void Print(string[] head, IEnumerable<string[]> rows)
    {
        var all = rows.Select(row => row.Select(Shown).ToArray()).Prepend(head).ToArray();
        var widths = head.Select((_, column) => all.Max(row => row[column].Length)).ToArray();
        foreach (var row in all)
            Console.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    /// <summary>Fields of one object, a line each.</summary>
    public static void Print(JsonElement fields)
    {
        var width = fields.EnumerateObject().Max(static field => field.Name.Length);
        foreach (var field in fields.EnumerateObject()) Console.WriteLine($"{field.Name.PadRight(width)}  {Shown(Text(field.Value))}");
    }

    /// <summary>JSON as the server gave it.</summary>
    public static void PrintJson(IEnumerable<JsonElement> items)
    {
        using var output = Console.OpenStandardOutput();
        using (var json = new Utf8JsonWriter(output, JsonOptions))
        {
            json.WriteStartArray();
            foreach (var item in items) item.WriteTo(json);
            json.WriteEndArray();
        }

        output.Write("\n"u8);
    }

    /// <inheritdoc cref="PrintJson(IEnumerable{JsonElement})"/>
    public static void PrintJson(JsonElement item)
    {
        using var output = Console.OpenStandardOutput();
        using (var json = new Utf8JsonWriter(output, JsonOptions)) item.WriteTo(json);
        output.Write("\n"u8);
    }

    /// <summary>A field as text; a hyphen where there is nothing.</summary>
    public static string Field(JsonElement item, string name) => Text(item.GetProperty(name));

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.Null ? "-" : value.ToString();

    // Names are what clients have sent: none of them may move the cursor or colour the terminal.
    private static string Shown(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(static c => char.IsControl(c) ? '?' : c)) : text;
}
