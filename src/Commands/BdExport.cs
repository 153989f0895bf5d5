using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Commands;

/// <summary>
/// Issues as <c>bd</c> 0.47 to 1.3 has written them: an export, whose lines are taken as they are, or the rows of its tables, a file each,
/// as the backups of a Dolt working copy hold them (<c>.beads/backup</c>).
/// </summary>
internal static class BdExport
{
    private const string Issues = "issues.jsonl";

    private static readonly string[] Exports = [Issues, "beads.jsonl"];
    private static readonly string[] Parts = ["labels.jsonl", "dependencies.jsonl", "comments.jsonl"];

    // Columns that bd's own JSON leaves out, and those that are numbers in the table and truth values in it.
    private static readonly HashSet<string> Internal = ["content_hash", "source_repo", "compaction_level", "original_size"];
    private static readonly HashSet<string> Flags = ["pinned", "ephemeral", "is_template", "crystallizes", "no_history"];
    private static readonly HashSet<string> Lists = ["waiters", "bonded_from", "validations", "metadata", "creator"];

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>The lines at a path.</summary>
    /// <param name="path">A file, a <c>.beads</c> folder or the folder above it, or one of <c>bd</c>'s backups.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The issues' lines, and how many lines were none.</returns>
    /// <exception cref="CommandException">There are none, or a line cannot be read.</exception>
    public static async Task<(List<string> Lines, int Others)> Read(string path, CancellationToken cancellation)
    {
        if (!Directory.Exists(path)) return Lines(await File.ReadAllTextAsync(path, cancellation), path);
        if (Directory.Exists(Path.Combine(path, ".beads"))) path = Path.Combine(path, ".beads");
        foreach (var folder in new[] { path, Path.Combine(path, "backup") })
        {
            if (File.Exists(Path.Combine(folder, Issues)) && Parts.Any(part => File.Exists(Path.Combine(folder, part))))
                return (await Rows(folder, cancellation), 0);
            if (Exports.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists) is { } export)
                return Lines(await File.ReadAllTextAsync(export, cancellation), export);
        }

        var isDolt = new[] { "dolt", "embeddeddolt", ".dolt", "noms" }.Any(name => Directory.Exists(Path.Combine(path, name)));
        throw new CommandException(isDolt
            ? $"{path} is a Dolt database, which only bd can read: run 'bd export -o issues.jsonl', a running dolt sql-server "
                + "included, and import that file"
            : $"there is no {Issues} in {path}", ExitCode.Nothing);
    }

    /// <summary>The lines of an export that are issues, each as it stands there.</summary>
    public static (List<string> Lines, int Others) Lines(string text, string from)
    {
        var (lines, others, number) = (new List<string>(), 0, 0);
        foreach (var raw in text.TrimStart('\ufeff').Split('\n'))
        {
            number++;
            var line = raw.TrimEnd('\r');
            if (string.IsNullOrWhiteSpace(line)) continue;
            try
            {
                using var document = JsonDocument.Parse(line);
                var issue = document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement
                    : throw new CommandException($"line {number} of {from} is no issue");
                if (issue.Text("_type") is { } type && type != "issue") others++;
                else if (issue.Text("id") is null) throw new CommandException($"line {number} of {from} is an issue without an id");
                else lines.Add(line);
            }
            catch (JsonException e)
            {
                throw new CommandException($"line {number} of {from} is not JSON: {e.Message.Split(". ")[0]}");
            }
        }

        return (lines, others);
    }

    /// <summary>One line an issue, of the rows of several tables.</summary>
    private static async Task<List<string>> Rows(string folder, CancellationToken cancellation)
    {
        var issues = new SortedDictionary<string, JsonObject>(StringComparer.Ordinal);
        foreach (var row in await Table(Issues)) issues[Id(row, "id")] = Issue(row);
        foreach (var row in await Table(Parts[0])) Add(row, "labels", row["label"]?.DeepClone());
        foreach (var row in await Table(Parts[1])) Add(row, "dependencies", Plain(row));
        foreach (var row in await Table(Parts[2])) Add(row, "comments", Plain(row));
        return [.. issues.Values.Select(BeadLine.Write)];

        async Task<List<JsonObject>> Table(string name)
        {
            var path = Path.Combine(folder, name);
            if (!File.Exists(path)) return [];
            var rows = new List<JsonObject>();
            foreach (var (line, i) in (await File.ReadAllLinesAsync(path, cancellation)).Select(static (line, i) => (line, i)))
            {
                if (string.IsNullOrWhiteSpace(line)) continue;
                try
                {
                    rows.Add(JsonNode.Parse(line, documentOptions: Strict) as JsonObject
                        ?? throw new CommandException($"line {i + 1} of {path} is no row"));
                }
                catch (JsonException e)
                {
                    throw new CommandException($"line {i + 1} of {path} is not JSON: {e.Message.Split(". ")[0]}");
                }
            }

            return rows;
        }

        // What belongs to an issue that is not there is bd's own left-over.
        void Add(JsonObject row, string field, JsonNode? value)
        {
            if (value is null || !issues.TryGetValue(Id(row, "issue_id"), out var issue)) return;
            if (issue[field] is not JsonArray list) issue[field] = list = [];
            list.Add(value);
        }

        string Id(JsonObject row, string column) => row[column]?.ToString() is { Length: > 0 } id ? id
            : throw new CommandException($"a row of {folder} has no {column}");
    }

    private static JsonObject Issue(JsonObject row)
    {
        var issue = new JsonObject();
        foreach (var (name, value) in row)
        {
            if (value is null || Internal.Contains(name)) continue;
            var text = value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
            if (text is "" && name != "title") continue;
            if (Flags.Contains(name))
            {
                if (value.ToString() is "1" or "true") issue[name] = true;
            }
            else if (Lists.Contains(name) && text is not null)
            {
                if (Parsed(text) is { } parsed and not (JsonObject { Count: 0 } or JsonArray { Count: 0 })) issue[name] = parsed;
            }
            else if (name is "priority" or "estimated_minutes" or "timeout_ns" && text is not null)
            {
                if (long.TryParse(text, CultureInfo.InvariantCulture, out var number)) issue[Name(name)] = number;
            }
            else issue[Name(name)] = value.DeepClone();
        }

        return issue;

        static string Name(string column) => column == "timeout_ns" ? "timeout" : column;
    }

    private static JsonObject Plain(JsonObject row) =>
        new(row.Where(static column => column.Value is not null).Select(static column => KeyValuePair.Create(column.Key,
            column.Value?.DeepClone())));

    private static JsonNode? Parsed(string text)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: Strict);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
