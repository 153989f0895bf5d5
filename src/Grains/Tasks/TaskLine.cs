using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Beadhub.Boards;

namespace Beadhub.Tasks;

/// <summary>Something that was said about a task, as a line holds it.</summary>
internal readonly record struct SaidLine(string Id, string Author, string Text, DateTimeOffset At);

/// <summary>
/// A native task as commits hold it: one line of JSON, in one form only, so that the same task has the same line on every site. Sets are in
/// order, what is empty is left out, times are UTC in whole microseconds. The number is the one that the task had where it was created.
/// Pure.
/// </summary>
internal sealed record TaskLine(
    string Id,
    int Number,
    string Title,
    string Status,
    int Priority,
    string Type,
    ImmutableArray<string> Labels,
    string? ParentId,
    string? AssigneeId,
    string CreatedBy,
    string? ClosedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    DateTimeOffset? ClosedAt,
    ImmutableArray<string> DependsOn,
    string Description,
    string Notes,
    ImmutableArray<SaidLine> Comments)
{
    /// <summary>The greatest number that a line may have: what came from elsewhere must not use up those that are to come.</summary>
    public const int MostNumber = 99_999_999;

    private const string Form = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The line of a task.</summary>
    /// <param name="task">The task.</param>
    /// <param name="dependsOn">Ids of the tasks that it waits for.</param>
    /// <param name="description">Its description.</param>
    /// <param name="notes">Its notes.</param>
    /// <param name="comments">What was said about it.</param>
    public static TaskLine Of(NativeTask task, IEnumerable<string> dependsOn, string description, string notes,
        IEnumerable<TaskCommented> comments) => new(
            task.Id, task.Origin ?? task.Number, task.Title, task.Status, task.Priority, task.Type, Set(task.Labels), task.ParentId,
            task.AssigneeId, task.CreatedBy, task.ClosedBy, task.CreatedAt, task.UpdatedAt, task.ClosedAt,
            Set(dependsOn.Concat(task.Elsewhere ?? [])), description, notes,
            InOrder(comments.Select(static said => new SaidLine(said.CommentId, said.AgentId, said.Body, said.At))));

    /// <summary>The line's text.</summary>
    public string Text()
    {
        var bytes = new ArrayBufferWriter<byte>(256 + Title.Length + Description.Length + Notes.Length);
        using (var json = new Utf8JsonWriter(bytes, Relaxed))
        {
            json.WriteStartObject();
            json.WriteString("id", Id);
            if (Number > 0) json.WriteNumber("number", Number);
            json.WriteString("title", Title);
            Text("description", Description);
            Text("notes", Notes);
            json.WriteString("status", Status);
            json.WriteNumber("priority", Priority);
            json.WriteString("issue_type", Type);
            if (!Labels.IsEmpty)
            {
                json.WriteStartArray("labels");
                foreach (var label in Labels) json.WriteStringValue(label);
                json.WriteEndArray();
            }

            Text("parent_id", ParentId);
            Text("assignee", AssigneeId);
            Text("created_by", CreatedBy);
            Text("closed_by", ClosedBy);
            Time("created_at", CreatedAt);
            Time("updated_at", UpdatedAt);
            if (ClosedAt is { } closed) Time("closed_at", closed);
            if (!DependsOn.IsEmpty)
            {
                json.WriteStartArray("dependencies");
                foreach (var other in DependsOn)
                {
                    json.WriteStartObject();
                    json.WriteString("depends_on_id", other);
                    json.WriteString("type", "blocks");
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            }

            if (!Comments.IsEmpty)
            {
                json.WriteStartArray("comments");
                foreach (var said in Comments)
                {
                    json.WriteStartObject();
                    json.WriteString("id", said.Id);
                    Text("author", said.Author);
                    json.WriteString("text", said.Text);
                    Time("created_at", said.At);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();

            void Text(string name, string? text)
            {
                if (!string.IsNullOrEmpty(text)) json.WriteString(name, text);
            }

            void Time(string name, DateTimeOffset time) =>
                json.WriteString(name, time.UtcDateTime.ToString(Form, CultureInfo.InvariantCulture));
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <summary>Reads a line, whatever its form. Fields may be missing, as a remote that is told no names has none.</summary>
    /// <returns>Null when it is no task: it has no id or no title, or a field of another kind than it must have.</returns>
    public static TaskLine? Parse(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return Read(document.RootElement);
        }
        // Half a character that is written as an escape.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static TaskLine? Read(JsonElement root)
    {
        var isOf = root.ValueKind == JsonValueKind.Object;
        var id = Text(root, "id");
        if (!isOf || !Names.TryNormalizeUuid(id, out var uuid) || uuid != id) return null;
        var (title, status, type) = (Text(root, "title"), Text(root, "status") ?? TaskStatuses.Open, Text(root, "issue_type") ?? "task");
        var (created, closed) = (Time(root, "created_at"), Time(root, "closed_at"));
        var parsed = new TaskLine(
            id, Whole("number") is > 0 and <= MostNumber and var number ? number : 0, title ?? "", status, Whole("priority") ?? 2, type,
            Set(List(root, "labels").Select(static label => label.ValueKind == JsonValueKind.String ? label.GetString()! : "")
                .Where(static label => label.Length > 0)),
            Text(root, "parent_id") is { Length: > 0 } parent && parent != id ? parent : null,
            Text(root, "assignee") is { Length: > 0 } assignee ? assignee : null, Text(root, "created_by") ?? "",
            status == TaskStatuses.Closed && Text(root, "closed_by") is { Length: > 0 } closer ? closer : null,
            created ?? DateTimeOffset.UnixEpoch, Time(root, "updated_at") ?? created ?? DateTimeOffset.UnixEpoch,
            status == TaskStatuses.Closed ? closed : null,
            Set(List(root, "dependencies").Select(link => Text(link, "depends_on_id") ?? "")
                .Where(other => Names.IsBeadId(other) && other != id)),
            Text(root, "description") ?? "", Text(root, "notes") ?? "",
            InOrder(List(root, "comments").Select(said => (Id: Text(said, "id"), Author: Text(said, "author"),
                    Text: Text(said, "text"), At: Time(said, "created_at")))
                .Where(static said => said is { Id: not null, Text: not null, At: not null })
                .Select(static said => new SaidLine(said.Id!, said.Author ?? "", said.Text!, said.At!.Value))));
        return title is { Length: > 0 } && isOf && parsed.Priority is >= 0 and <= 4
            && status is TaskStatuses.Open or TaskStatuses.InProgress or TaskStatuses.Closed && type is "task" or "bug" or "feature"
            ? parsed : null;

        int? Whole(string name)
        {
            if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
            if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var whole)) return whole;
            isOf = false;
            return null;
        }

        string? Text(JsonElement of, string name)
        {
            if (of.ValueKind != JsonValueKind.Object || !of.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
                return null;
            if (value.ValueKind == JsonValueKind.String) return value.GetString();
            isOf = false;
            return null;
        }

        DateTimeOffset? Time(JsonElement of, string name)
        {
            if (Text(of, name) is not { } text) return null;
            if (Timestamps.Parse(text) is { } time) return time;
            isOf = false;
            return null;
        }

        IEnumerable<JsonElement> List(JsonElement of, string name)
        {
            if (!of.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return [];
            if (value.ValueKind == JsonValueKind.Array) return value.EnumerateArray();
            isOf = false;
            return [];
        }
    }

    /// <summary>A line in the one form that it has.</summary>
    /// <exception cref="RefusedException">It is no task.</exception>
    public static string Canonical(string line) => Must(line).Text();

    /// <summary>Reads a line that must be a task.</summary>
    /// <exception cref="RefusedException">It is none.</exception>
    public static TaskLine Must(string line) =>
        Parse(line) ?? throw new RefusedException(RefusalKind.Invalid, $"This is no task: {(line.Length > 200 ? line[..200] : line)}");

    /// <summary>The same with what was said in another line too: what was said is never taken back.</summary>
    public TaskLine WithCommentsOf(TaskLine other) => this with { Comments = InOrder(Comments.Concat(other.Comments)) };

    private static ImmutableArray<string> Set(IEnumerable<string> items) =>
        [.. items.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static ImmutableArray<SaidLine> InOrder(IEnumerable<SaidLine> comments) =>
        [.. comments.DistinctBy(static said => said.Id).OrderBy(static said => said.At)
            .ThenBy(static said => said.Id, StringComparer.Ordinal)];
}
