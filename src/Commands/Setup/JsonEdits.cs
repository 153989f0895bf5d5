using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Commands.Setup;

/// <summary>
/// Sets and removes one member of a JSON file's text and leaves all else as it stands: comments, order, indentation. What would come out
/// otherwise is refused.
/// </summary>
internal static class JsonEdits
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Value of a member of a member; null when it is not there.</summary>
    /// <exception cref="CommandException">The text is no JSON object, or the outer member none.</exception>
    public static JsonNode? Get(string text, string outer, string name, string path) => Outer(Parse(text, path), outer, path)?[name];

    /// <summary>The text with a member of a member set.</summary>
    /// <inheritdoc cref="Get"/>
    public static string Set(string text, string outer, string name, JsonObject value, string path)
    {
        var expected = Parse(text, path);
        if (Outer(expected, outer, path) is { } there)
        {
            if (JsonNode.DeepEquals(there[name], value)) return text;
            there[name] = value.DeepClone();
        }
        else expected[outer] = new JsonObject { [name] = value.DeepClone() };
        if (string.IsNullOrWhiteSpace(text)) return expected.ToJsonString(Indented) + "\n";

        var unit = Unit(text);
        var (root, container, member) = Find(text, outer, name);
        string result;
        if (member is { } have) result = text[..have.ValueStart] + Shown(value, unit, 2) + text[have.End..];
        else if (container is { } inside)
            result = Insert(text, inside.ValueStart, $"{unit}{unit}\"{name}\": {Shown(value, unit, 2)}", unit);
        else
        {
            var whole = $"{unit}\"{outer}\": {Shown(new() { [name] = value.DeepClone() }, unit, 1)}";
            result = Insert(text, root, whole, "");
        }

        return Checked(result, expected, path);
    }

    /// <summary>The text without a member of a member, and without the outer one where nothing else is in it.</summary>
    /// <inheritdoc cref="Get"/>
    public static string Remove(string text, string outer, string name, string path)
    {
        var expected = Parse(text, path);
        if (Outer(expected, outer, path) is not { } there || !there.Remove(name)) return text;
        var (_, container, member) = Find(text, outer, name);
        var gone = member!.Value;
        if (there.Count == 0)
        {
            expected.Remove(outer);
            gone = container!.Value;
        }

        var (start, end) = (gone.Start, gone.End);
        var after = SkipBlanks(text, end);
        if (after < text.Length && text[after] == ',') end = after + 1;
        else
        {
            var before = text[..start].TrimEnd();
            if (before.EndsWith(',')) start = before.Length - 1;
        }

        // The line goes with what stood alone on it.
        var lineStart = text.LastIndexOf('\n', Math.Max(start - 1, 0)) + 1;
        var lineEnd = text.IndexOf('\n', end) is >= 0 and var next ? next + 1 : text.Length;
        if (text[lineStart..start].Trim().Length == 0 && text[end..lineEnd].Trim().Length == 0) (start, end) = (lineStart, lineEnd);
        return Checked(text[..start] + text[end..], expected, path);
    }

    /// <summary>Whether nothing is in the file any more.</summary>
    public static bool IsEmpty(string text, string path) => Parse(text, path).Count == 0 && !text.Contains("//") && !text.Contains("/*");

    private static string Checked(string result, JsonObject expected, string path)
    {
        try
        {
            if (JsonNode.DeepEquals(JsonNode.Parse(result, null, Lenient), expected)) return result;
        }
        catch (JsonException)
        {
            // Told below.
        }

        throw new CommandException($"{path} is written in a way that this program cannot change safely; nothing was changed");
    }

    private static JsonObject Parse(string text, string path)
    {
        if (string.IsNullOrWhiteSpace(text)) return [];
        try
        {
            return JsonNode.Parse(text, null, Lenient) as JsonObject ?? throw new CommandException($"{path} is no JSON object");
        }
        catch (JsonException e)
        {
            throw new CommandException($"{path} is no JSON: {e.Message}");
        }
    }

    private static JsonObject? Outer(JsonObject root, string outer, string path) => root[outer] switch
    {
        null => null,
        JsonObject there => there,
        _ => throw new CommandException($"'{outer}' in {path} is no object"),
    };

    /// <summary>Where the root's brace, the outer member and the inner one are.</summary>
    private static (int Root, Place? Container, Place? Member) Find(string text, string outer, string name)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(bytes,
            new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        reader.Read();
        var root = At(reader.TokenStartIndex);
        var container = Member(ref reader, outer);
        if (container is not { } found) return (root, null, null);
        var inner = new Utf8JsonReader(bytes,
            new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        inner.Read();
        Member(ref inner, outer, enter: true);
        return (root, found, Member(ref inner, name));

        int At(long index) => Encoding.UTF8.GetCharCount(bytes, 0, (int)index);

        Place? Member(ref Utf8JsonReader at, string wanted, bool enter = false)
        {
            while (at.Read() && at.TokenType == JsonTokenType.PropertyName)
            {
                var (isWanted, start) = (at.ValueTextEquals(wanted), At(at.TokenStartIndex));
                at.Read();
                var value = At(at.TokenStartIndex);
                if (isWanted && enter) return new(start, value, value);
                at.Skip();
                if (isWanted) return new(start, value, At(at.BytesConsumed));
            }

            return null;
        }
    }

    private readonly record struct Place(int Start, int ValueStart, int End);

    // First in the object, where no comma has to be found.
    private static string Insert(string text, int brace, string member, string indent)
    {
        var rest = text[(brace + 1)..];
        var isEmpty = SkipBlanks(rest, 0) is var next && next < rest.Length && rest[next] == '}';
        return isEmpty ? $"{text[..(brace + 1)]}{rest[..next].TrimEnd()}\n{member}\n{indent}{rest[next..]}"
            : $"{text[..(brace + 1)]}\n{member},{(rest.StartsWith('\n') || rest.StartsWith("\r\n") ? "" : "\n" + indent)}{rest}";
    }

    private static int SkipBlanks(string text, int at)
    {
        while (at < text.Length)
        {
            if (char.IsWhiteSpace(text[at])) at++;
            else if (text.AsSpan(at).StartsWith("//")) at = text.IndexOf('\n', at) is >= 0 and var end ? end : text.Length;
            else if (text.AsSpan(at).StartsWith("/*")) at = text.IndexOf("*/", at, StringComparison.Ordinal) is >= 0 and var end
                ? end + 2 : text.Length;
            else break;
        }

        return at;
    }

    private static string Shown(JsonObject value, string unit, int depth) =>
        string.Join('\n', value.ToJsonString(Indented).Split('\n').Select((line, i) =>
        {
            var text = line.TrimStart(' ');
            return i == 0 ? text : string.Concat(Enumerable.Repeat(unit, depth + (line.Length - text.Length) / 2)) + text.TrimEnd('\r');
        }));

    private static string Unit(string text)
    {
        foreach (var line in text.Split('\n'))
            if (line.Length > 0 && line[0] is ' ' or '\t' && line.Trim().Length > 0) return line[..(line.Length - line.TrimStart().Length)];
        return "  ";
    }
}
