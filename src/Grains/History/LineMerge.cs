using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Beadhub.Boards;

namespace Beadhub.History;

/// <summary>A field that both sides have changed, and to something else. Values are JSON; null where a side has none.</summary>
/// <param name="Field">Field; null where one side has removed the bead that the other has changed: the values are whole lines then.</param>
/// <param name="Base">As it was when both were the same.</param>
/// <param name="Ours">As it is here.</param>
/// <param name="Theirs">As it is there.</param>
internal sealed record LineConflict(string? Field, string? Base, string? Ours, string? Theirs);

/// <summary>What somebody has decided on a conflict.</summary>
/// <param name="Take"><c>base</c>, <c>ours</c>, <c>theirs</c>, or <c>value</c>.</param>
/// <param name="Value">JSON of the value, for <c>value</c>.</param>
internal sealed record LineChoice(string Take, string? Value = null);

/// <summary>What came of two versions of a line.</summary>
/// <param name="Line">The line; null when the bead is gone. Where there are conflicts, ours of each.</param>
/// <param name="Conflicts">What nobody has decided on yet.</param>
internal sealed record MergedLine(string? Line, ImmutableArray<LineConflict> Conflicts);

/// <summary>A field in which two lines differ.</summary>
internal readonly record struct FieldDifference(string Field, string? Old, string? New);

/// <summary>
/// Merges two versions of a bead's line field by field, against what both were. What one side has changed is taken; lists grow and shrink
/// by what either side has added and removed; where both have changed one value, somebody has to choose. Pure.
/// </summary>
internal static class LineMerge
{
    private const string UpdatedAt = "updated_at", Status = "status";

    // Written from other fields by the client's tool, differently by its versions.
    private static readonly HashSet<string> Derived =
        ["_type", "dependency_count", "dependent_count", "comment_count", "content_hash", UpdatedAt];

    // One decision in several fields: the client's tool takes no closed issue without the time of its closing, nor the reverse.
    private static readonly HashSet<string> Ending =
        ["closed_at", "closed_by", "close_reason", "closed_by_session", "deleted_at", "deleted_by", "delete_reason", "original_type"];

    private static readonly LineChoice Nobody = new("");

    /// <summary>Merges.</summary>
    /// <param name="was">What both were; null for none.</param>
    /// <param name="ours">The line here; null when it is gone.</param>
    /// <param name="theirs">The line there; null when it is gone.</param>
    /// <param name="now">The time: a line that neither side has is newer than both.</param>
    /// <param name="choose">What was decided on the conflict of a field (null: of the whole bead); null when nothing was.</param>
    public static MergedLine Merge(string? was, string? ours, string? theirs, DateTimeOffset now, Func<string?, LineChoice?> choose)
    {
        if (ours is null || theirs is null) return MergeGone(was, ours, theirs, now, choose);
        if (ours == theirs || was is not null && SaysTheSame(was, theirs)) return new(ours, []);
        if (was is not null && SaysTheSame(was, ours)) return new(Newer(theirs, ours, now), []);
        var (before, mine, other) = (Fields(was), Fields(ours), Fields(theirs));
        var conflicts = ImmutableArray.CreateBuilder<LineConflict>();
        var merged = new List<KeyValuePair<string, string>>();
        var endingOf = SideOfEnding();
        foreach (var name in mine.Keys.Concat(other.Keys.Where(name => !mine.ContainsKey(name))))
        {
            var value = Derived.Contains(name) ? mine.GetValueOrDefault(name) ?? other.GetValueOrDefault(name)
                : endingOf is not null && Ending.Contains(name) ? endingOf.GetValueOrDefault(name)
                : Value(name);
            if (value is not null) merged.Add(new(name, value));
        }

        var line = Line(merged);
        if (SaysTheSame(line, ours)) return new(ours, conflicts.DrainToImmutable());
        return new(SaysTheSame(line, theirs) ? Newer(theirs, ours, now) : Newer(Newer(line, ours, now), theirs, now),
            conflicts.DrainToImmutable());

        string? Value(string name)
        {
            var (a, x, y) = (before.GetValueOrDefault(name), mine.GetValueOrDefault(name), other.GetValueOrDefault(name));
            if (Same(x, y) || Same(a, y)) return x;
            if (Same(a, x)) return y;
            if (IsList(a) && IsList(x) && IsList(y)) return Items(a, x, y);
            if (name.EndsWith("_at", StringComparison.Ordinal) && Time(x) is { } here && Time(y) is { } there)
                return name == "created_at" == here < there ? x : y;
            var chosen = choose(name) ?? Nobody;
            switch (chosen.Take)
            {
                case "ours": return x;
                case "theirs": return y;
                case "base": return a;
                case "value": return chosen.Value;
                default:
                    conflicts.Add(new(name, a, x, y));
                    return x;
            }
        }

        // Whose status stays, where they differ; null where each field is for itself.
        Dictionary<string, string>? SideOfEnding()
        {
            var (a, x, y) = (before.GetValueOrDefault(Status), mine.GetValueOrDefault(Status), other.GetValueOrDefault(Status));
            if (Same(x, y)) return null;
            if (Same(a, x)) return other;
            if (Same(a, y)) return mine;
            return choose(Status)?.Take switch { "theirs" => other, "base" => before, "value" => null, _ => mine };
        }
    }

    /// <summary>Whether two lines differ in nothing but when they were updated, and what follows from other fields.</summary>
    public static bool SaysTheSame(string one, string other) =>
        one == other || Differences(one, other).All(static difference => Derived.Contains(difference.Field));

    /// <summary>The fields in which two lines differ, in the order of the second.</summary>
    public static IEnumerable<FieldDifference> Differences(string? before, string? after)
    {
        var (was, becomes) = (Fields(before), Fields(after));
        foreach (var name in becomes.Keys.Concat(was.Keys.Where(name => !becomes.ContainsKey(name))))
        {
            var (a, b) = (was.GetValueOrDefault(name), becomes.GetValueOrDefault(name));
            if (!Same(a, b)) yield return new(name, a, b);
        }
    }

    /// <summary>The line, newer than another: an agent that pushes that one later is to meet a conflict, and its tool is to take this
    /// one.</summary>
    public static string Newer(string line, string? than, DateTimeOffset now)
    {
        var floor = Time(Fields(than).GetValueOrDefault(UpdatedAt));
        if (than is null || floor is null || Time(Fields(line).GetValueOrDefault(UpdatedAt)) > floor) return line;
        return At(line, now > floor ? now : floor.Value.AddTicks(TimeSpan.TicksPerMicrosecond));
    }

    /// <summary>The line with another time of its last change.</summary>
    public static string At(string line, DateTimeOffset time)
    {
        var edited = new EditedLine(line);
        edited.Set(UpdatedAt, $"\"{time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture)}\"");
        return edited.ToString();
    }

    /// <summary>When the line says that it was updated.</summary>
    public static DateTimeOffset? UpdatedAtOf(string line) => Time(Fields(line).GetValueOrDefault(UpdatedAt));

    /// <summary>The line's fields as JSON, in order; of a name that stands twice the last counts.</summary>
    public static Dictionary<string, string> Fields(string? line)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        if (line is null) return fields;
        using var document = JsonDocument.Parse(line);
        foreach (var field in document.RootElement.EnumerateObject()) fields[field.Name] = field.Value.GetRawText();
        return fields;
    }

    /// <summary>Whether two values of JSON are the same, however they are written; null is as good as none.</summary>
    public static bool Same(string? one, string? other)
    {
        if (one == other) return true;
        if (one is null or "null" || other is null or "null") return one is null or "null" && other is null or "null";
        using var a = JsonDocument.Parse(one);
        using var b = JsonDocument.Parse(other);
        return JsonElement.DeepEquals(a.RootElement, b.RootElement);
    }

    private static MergedLine MergeGone(string? was, string? ours, string? theirs, DateTimeOffset now, Func<string?, LineChoice?> choose)
    {
        if (ours is null && theirs is null) return new(null, []);
        // It was never on the other side, or the side that has it still has left it alone.
        if (was is null) return new(ours ?? theirs, []);
        if (SaysTheSame(was, ours ?? theirs!)) return new(null, []);
        return choose(null)?.Take switch
        {
            "ours" => new(ours, []),
            "theirs" => new(theirs, []),
            "base" => new(ours is null ? was : Newer(was, ours, now), []),
            _ => new(ours, [new(null, was, ours, theirs)]),
        };
    }

    private static string Line(IEnumerable<KeyValuePair<string, string>> fields) => $"{{{string.Join(',', fields.Select(static field =>
        $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(field.Key)}\":{field.Value}"))}}}";

    private static bool IsList(string? json) => json is null || json.StartsWith('[');

    private static string? Items(string? was, string? ours, string? theirs)
    {
        var (old, mine, other) = (Keys(was), Keys(ours), Keys(theirs));
        var kept = mine.Where(item => other.ContainsKey(item.Key) || !old.ContainsKey(item.Key))
            .Concat(other.Where(item => !mine.ContainsKey(item.Key) && !old.ContainsKey(item.Key))).Select(item => item.Value).ToList();
        return kept.Count == 0 && (ours is null || theirs is null) ? null : $"[{string.Join(',', kept)}]";
    }

    private static Dictionary<string, string> Keys(string? list)
    {
        var keys = new Dictionary<string, string>(StringComparer.Ordinal);
        if (list is null) return keys;
        using var document = JsonDocument.Parse(list);
        foreach (var item in document.RootElement.EnumerateArray()) keys.TryAdd(Key(item), item.GetRawText());
        return keys;
    }

    // By what items of lists are the same, whatever each machine has numbered or dated them.
    private static string Key(JsonElement item)
    {
        if (item.ValueKind != JsonValueKind.Object) return item.GetRawText();
        if (item.TryGetProperty("depends_on_id", out var on))
            return $"{on}\n{(item.TryGetProperty("type", out var type) ? type.ToString() : "")}";
        return item.TryGetProperty("text", out var text)
            ? $"{(item.TryGetProperty("author", out var author) ? author.ToString() : "")}\n"
                + $"{(item.TryGetProperty("created_at", out var at) ? at.ToString() : "")}\n{text}"
            : item.GetRawText();
    }

    private static DateTimeOffset? Time(string? json) => json is ['"', .., '"'] ? Timestamps.Parse(json.AsSpan(1, json.Length - 2)) : null;
}
