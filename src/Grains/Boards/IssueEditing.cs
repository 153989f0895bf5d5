using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>
/// Edits of an issue's line on the server. What an edit does not name stays as the client's tool wrote it: unknown fields, their order, and
/// the very text of their values. Pure.
/// </summary>
internal static class IssueEditing
{
    private const int MaxPrefix = 60;
    private const string Digits = "0123456789abcdefghijklmnopqrstuvwxyz";

    private static readonly int[] Lengths = [4, 5, 6, 8, 12];

    /// <summary>Ids that a new bead may have, the shortest first, as the client's tool makes them: a prefix and part of a hash.</summary>
    public static IEnumerable<string> Ids(string prefix, string seed)
    {
        var start = Sanitized(prefix);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(seed));
        return Lengths.Select(length => $"{start}-{string.Concat(hash.Take(length).Select(b => Digits[b % Digits.Length]))}");
    }

    /// <summary>The line of a new issue, and what it means.</summary>
    /// <exception cref="RefusedException">It would not be in order.</exception>
    public static (BeadRecord Record, string Line) Create(
        string id, string repo, string branch, IssueEdit edit, IssueEditor by, Board board, DateTimeOffset now)
    {
        var at = Time(now);
        var line = new EditedLine($$"""{"id":{{Json(id)}},"title":"","status":"open","priority":2,"issue_type":"task" """
            + $$""","created_at":{{at}},"created_by":{{Json(by.Alias)}},"updated_at":{{at}}}""");
        Apply(line, id, edit, by, repo, branch, board, now);
        return Read(line.ToString(), repo, branch, now, static _ => false);
    }

    /// <summary>The line of an issue after an edit, and what it means; the same line when the edit changes nothing.</summary>
    /// <exception cref="RefusedException">It would not be in order.</exception>
    public static (BeadRecord Record, string Line) Change(
        BeadRecord have, string before, IssueEdit edit, IssueEditor by, Board board, DateTimeOffset now)
    {
        var line = new EditedLine(before);
        Apply(line, have.BeadId, edit, by, have.Repo, have.Branch, board, now);
        // Newer than the line before, whatever the clock of who wrote that: an older copy must meet a conflict when it is pushed.
        if (line.IsChanged)
            line.Set("updated_at", Time(have.UpdatedAt is { } last && last >= now ? last.AddTicks(TimeSpan.TicksPerMicrosecond) : now));
        return Read(line.IsChanged ? line.ToString() : before, have.Repo, have.Branch, now,
            edit.BlockedBy is null ? id => have.ElidedIds.Contains(id) : static _ => false);
    }

    private static void Apply(
        EditedLine line, string id, IssueEdit edit, IssueEditor by, string repo, string branch, Board board, DateTimeOffset now)
    {
        foreach (var field in edit.Fields.OrEmpty()) line.Set(field.Name, field.Json);
        if (edit.Status is { } status)
        {
            line.Set("status", Json(status));
            // The client's tool takes a closed issue without its time for a broken one, and an open one with it.
            if (status != "closed") line.Set("closed_at", null);
            else if (!line.Has("closed_at")) line.Set("closed_at", Time(now));
            if (status != "closed") line.Set("close_reason", null);
            else if (edit.Reason is { } reason) line.Set("close_reason", Json(reason));
        }

        if (edit.BlockedBy is { } blockers) SetBlockers(line, id, blockers, by, repo, branch, board, now);
        if (edit.Parent is { } parent) SetParent(line, id, parent, by, repo, branch, board, now);
        if (edit.Comment is { } text) AddComment(line, id, text, by, now);
    }

    private static void SetBlockers(
        EditedLine line, string id, ImmutableArray<string> blockers, IssueEditor by, string repo, string branch, Board board,
        DateTimeOffset now)
    {
        foreach (var blocker in blockers) MustExist(blocker, id, repo, branch, board);
        var there = new HashSet<string>(StringComparer.Ordinal);
        if (line.Value("blocked_by") is { ValueKind: JsonValueKind.Array } named)
        {
            var kept = named.EnumerateArray().Where(one => one.ValueKind != JsonValueKind.String || Stays(one.GetString()!)).ToList();
            if (kept.Count < named.GetArrayLength()) line.Set("blocked_by", kept.Count == 0 ? null : List(kept.Select(Text)));
        }

        var dependencies = Dependencies(line);
        var others = dependencies.Where(one => !Is(one, "blocks") || Target(one) is not { } target || target.Contains(':')
            || Stays(target)).Select(Text).ToList();
        var added = blockers.Distinct().Where(blocker => !there.Contains(blocker)).ToList();
        if (others.Count == dependencies.Count && added.Count == 0) return;
        Set(line, [.. others, .. added.Select(blocker => Dependency(id, blocker, "blocks", by, now))]);

        bool Stays(string target) => blockers.Contains(target) && there.Add(target);
    }

    private static void SetParent(
        EditedLine line, string id, string parent, IssueEditor by, string repo, string branch, Board board, DateTimeOffset now)
    {
        var dependencies = Dependencies(line);
        if (parent.Length > 0)
        {
            MustExist(parent, id, repo, branch, board);
            if (dependencies.FirstOrDefault(one => Is(one, "parent-child")) is { ValueKind: JsonValueKind.Object } have
                && Target(have) == parent)
                return;
        }

        List<string> kept = [.. dependencies.Where(one => !Is(one, "parent-child")).Select(Text)];
        if (parent.Length == 0 && kept.Count == dependencies.Count) return;
        if (parent.Length > 0) kept.Add(Dependency(id, parent, "parent-child", by, now));
        Set(line, kept);
    }

    private static void AddComment(EditedLine line, string id, string text, IssueEditor by, DateTimeOffset now)
    {
        var comments = line.Value("comments") is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().ToList() : [];
        // Numbers where the client's tool gives numbers; newer versions of it give texts.
        var ids = comments.Select(comment => comment.ValueKind == JsonValueKind.Object && comment.TryGetProperty("id", out var its)
            ? its : default).ToList();
        var next = ids.All(one => one.ValueKind == JsonValueKind.Number && one.TryGetInt64(out _))
            ? (ids.Select(one => one.GetInt64()).DefaultIfEmpty().Max() + 1).ToString(CultureInfo.InvariantCulture)
            : Json(new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"{id}\n{Time(now)}\n{by.WorkspaceId}\n{text}"))
                .AsSpan(0, 16)).ToString());
        var comment = $$"""{"id":{{next}},"issue_id":{{Json(id)}},"author":{{Json(by.Alias)}},"text":{{Json(text)}}"""
            + $$""","created_at":{{Time(now)}}}""";
        line.Set("comments", List([.. comments.Select(Text), comment]));
    }

    private static void MustExist(string other, string id, string repo, string branch, Board board)
    {
        if (other == id) throw new RefusedException(RefusalKind.Invalid, $"{id} cannot wait for itself, or be a part of itself");
        if (!Names.IsBeadId(other) || board.Find(new(repo, branch, other)) is null)
            throw new RefusedException(RefusalKind.Invalid, $"There is no bead {other} in {repo}, {branch}");
    }

    private static List<JsonElement> Dependencies(EditedLine line) =>
        line.Value("dependencies") is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : [];

    private static void Set(EditedLine line, List<string> dependencies) =>
        line.Set("dependencies", dependencies.Count == 0 ? null : List(dependencies));

    private static bool Is(JsonElement dependency, string type) => Word(dependency, "type") == type;

    private static string? Target(JsonElement dependency) => Word(dependency, "depends_on_id");

    private static string? Word(JsonElement dependency, string name) =>
        dependency.ValueKind == JsonValueKind.Object && dependency.TryGetProperty(name, out var value)
            && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string Dependency(string id, string other, string type, IssueEditor by, DateTimeOffset now) =>
        $$"""{"issue_id":{{Json(id)}},"depends_on_id":{{Json(other)}},"type":{{Json(type)}},"created_at":{{Time(now)}}"""
        + $$""","created_by":{{Json(by.Alias)}}}""";

    private static (BeadRecord Record, string Line) Read(
        string line, string repo, string branch, DateTimeOffset now, Func<string, bool> elided)
    {
        var bytes = Encoding.UTF8.GetBytes(line);
        try
        {
            return (IssueLineReader.Read(bytes, 1, repo, branch, LineDigest.Of(bytes), now)!.Value.Resolve(elided), line);
        }
        catch (RefusedException refused)
        {
            throw new RefusedException(RefusalKind.Invalid, refused.Message.Replace(" on line 1", "", StringComparison.Ordinal));
        }
    }

    private static string Sanitized(string prefix)
    {
        var name = new StringBuilder();
        foreach (var c in prefix.ToLowerInvariant())
            if (name.Length < MaxPrefix && (char.IsAsciiLetterOrDigit(c) || name.Length > 0))
                name.Append(char.IsAsciiLetterOrDigit(c) ? c : '-');
        return name.ToString().Trim('-') is { Length: > 0 } some ? some : "bd";
    }

    private static string List(IEnumerable<string> items) => $"[{string.Join(',', items)}]";

    private static string Text(JsonElement element) => element.GetRawText();

    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("'\"'yyyy-MM-dd'T'HH:mm:ss.ffffff'Z\"'", CultureInfo.InvariantCulture);

    private static string Json(string text) => $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";
}

/// <summary>A line of JSON, an object, whose fields can be set: the others keep their text.</summary>
internal sealed class EditedLine
{
    private readonly List<(string Name, string Text, JsonElement Value)> _fields;

    /// <param name="line">An object.</param>
    public EditedLine(string line)
    {
        using var document = JsonDocument.Parse(line);
        _fields = [.. document.RootElement.EnumerateObject().Select(field => (field.Name, field.ToString(), field.Value.Clone()))];
    }

    /// <summary>Whether a field was set to something else than it was.</summary>
    public bool IsChanged { get; private set; }

    /// <summary>Whether there is a field of this name, and it is not null.</summary>
    public bool Has(string name) => Value(name) is { ValueKind: not JsonValueKind.Null };

    /// <summary>Value of a field; null when there is none. Of a name that stands twice the last counts.</summary>
    public JsonElement? Value(string name) =>
        _fields.FindLastIndex(field => field.Name == name) is >= 0 and var at ? _fields[at].Value : null;

    /// <summary>Sets a field, in its place or at the end; null takes it away.</summary>
    public void Set(string name, string? json)
    {
        var at = _fields.FindLastIndex(field => field.Name == name);
        if (json is null)
        {
            if (_fields.RemoveAll(field => field.Name == name) > 0) IsChanged = true;
            return;
        }

        using var document = JsonDocument.Parse(json);
        var value = document.RootElement.Clone();
        if (at >= 0 && JsonElement.DeepEquals(_fields[at].Value, value)) return;
        IsChanged = true;
        var field = (name, $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(name)}\":{json}", value);
        if (at < 0)
        {
            _fields.Add(field);
            return;
        }

        _fields[at] = field;
        // One of the same name before it would only mislead who reads the first.
        for (var i = at - 1; i >= 0; i--)
            if (_fields[i].Name == name) _fields.RemoveAt(i);
    }

    /// <summary>The line.</summary>
    public override string ToString() => $"{{{string.Join(',', _fields.Select(field => field.Text))}}}";
}
