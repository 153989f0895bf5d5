using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>An issue's line as the log keeps it, and the record that it means. Pure.</summary>
internal static class StoredLine
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The record of a stored line. It was checked when it was stored: what is refused today is read all the same.</summary>
    /// <param name="stored">The event.</param>
    /// <param name="whole">Whether the description is read too.</param>
    public static BeadRecord Read(IssueStored stored, bool whole = false)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(stored.Line.Length));
        try
        {
            var line = bytes.AsSpan(0, Encoding.UTF8.GetBytes(stored.Line, bytes));
            var issue = IssueLineReader.ReadStored(line, stored.Repo, stored.Branch, LineDigest.Of(line), stored.At, whole);
            var elided = stored.ElidedIds.GetValueOrDefault().OrEmpty();
            var record = issue.Resolve(elided.Contains);
            return record.CreatedBy is null && stored.CreatedBy is not null ? record with { CreatedBy = stored.CreatedBy } : record;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>A line for an issue whose own is not known: what is known of it, in the names of the client's tool. Read again it means the
    /// same.</summary>
    public static string Render(BeadRecord issue)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Readable))
        {
            json.WriteStartObject();
            json.WriteString("id", issue.BeadId);
            Text(json, "title", issue.Title);
            Text(json, "description", issue.Description);
            Text(json, "status", issue.Status);
            if (issue.Priority is { } priority) json.WriteNumber("priority", priority);
            Text(json, "issue_type", issue.Type);
            Text(json, "assignee", issue.Assignee);
            if (issue.CreatedAt is { } createdAt) json.WriteString("created_at", createdAt);
            Text(json, "created_by", issue.CreatedBy);
            if (issue.UpdatedAt is { } updatedAt) json.WriteString("updated_at", updatedAt);
            if (!issue.Labels.IsEmpty) Labels(json, issue);
            Blockers(json, issue);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Text(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null) json.WriteString(name, text);
    }

    private static void Labels(Utf8JsonWriter json, BeadRecord issue)
    {
        json.WriteStartArray("labels");
        foreach (var label in issue.Labels) json.WriteStringValue(label);
        json.WriteEndArray();
    }

    /// <summary>Issues of the same repository as dependencies, which is how the client's tool writes them; others by their full
    /// names.</summary>
    private static void Blockers(Utf8JsonWriter json, BeadRecord issue)
    {
        var own = issue.BlockedBy.Where(blocker => IsNear(issue, blocker)).Select(blocker => blocker.BeadId).Concat(issue.ElidedIds)
            .ToList();
        var others = issue.BlockedBy.Where(blocker => !IsNear(issue, blocker)).ToList();
        if (others.Count > 0)
        {
            json.WriteStartArray("blocked_by");
            foreach (var other in others)
            {
                json.WriteStartObject();
                json.WriteString("repo", other.Repo);
                json.WriteString("branch", other.Branch);
                json.WriteString("bead_id", other.BeadId);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        if (own.Count == 0 && issue.Parent is null) return;
        json.WriteStartArray("dependencies");
        foreach (var id in own) Dependency(json, issue.BeadId, id, "blocks");
        if (issue.Parent is { } parent)
            Dependency(json, issue.BeadId, parent.Repo == issue.Repo ? parent.BeadId : $"{parent.Repo}:{parent.BeadId}", "parent-child");
        json.WriteEndArray();
    }

    private static bool IsNear(BeadRecord issue, BeadRef other) => other.Repo == issue.Repo && other.Branch == issue.Branch;

    private static void Dependency(Utf8JsonWriter json, string id, string target, string type)
    {
        json.WriteStartObject();
        json.WriteString("issue_id", id);
        json.WriteString("depends_on_id", target);
        json.WriteString("type", type);
        json.WriteEndObject();
    }
}
