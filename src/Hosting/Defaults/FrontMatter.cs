using System.Globalization;
using System.Text.RegularExpressions;

namespace Beadhub.Hosting.Defaults;

/// <summary>
/// A text with a head: a line <c>---</c>, lines of <c>key: value</c>, a line <c>---</c>, then the body. The head is the part of YAML that
/// such files use; what YAML would read as anything but a text is refused, not guessed.
/// </summary>
internal sealed partial record FrontMatter(string Id, string Title, string Body)
{
    private const string Fence = "---";

    /// <exception cref="FormatException">The text has no such head, or it lacks an id or a title.</exception>
    public static FrontMatter Parse(string text)
    {
        var lines = text.TrimStart('\ufeff').ReplaceLineEndings("\n").Split('\n');
        if (lines[0].TrimEnd() != Fence) throw new FormatException("does not begin with a line of ---");
        var end = Array.FindIndex(lines, 1, line => line.TrimEnd() == Fence);
        if (end < 0) throw new FormatException("has no closing line of ---");
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in lines[1..end].Where(line => line.Trim().Length > 0 && line.TrimStart()[0] != '#'))
        {
            if (Field().Match(line) is not { Success: true } field)
                throw new FormatException($"has a line that is not 'key: value': {line}");
            if (!fields.TryAdd(field.Groups[1].Value, Text(field.Groups[2].Value.Trim(), field.Groups[1].Value)))
                throw new FormatException($"has {field.Groups[1].Value} twice");
        }

        return new(Required("id"), Required("title"), string.Join('\n', lines[(end + 1)..]).Trim());

        string Required(string name) =>
            fields.GetValueOrDefault(name) is { Length: > 0 } value ? value : throw new FormatException($"has no {name}");
    }

    private static string Text(string value, string name)
    {
        if (value is ['"', .., '"'] && value.Length > 1 && !value[1..^1].AsSpan().ContainsAny('"', '\\')) return value[1..^1];
        if (value is ['\'', .., '\''] && value.Length > 1 && !value[1..^1].Contains('\'')) return value[1..^1];
        if (value.Length > 0 && "\"'[]{}&*!|>%@`#,?-".Contains(value[0])) throw new FormatException($"has a {name} that is not a text");
        if (value.Contains(": ") || value.EndsWith(':') || value.Contains(" #"))
            throw new FormatException($"has a {name} that needs quotes");
        if (NotText().IsMatch(value) || double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _))
            throw new FormatException($"has a {name} that is not a text");
        return value;
    }

    [GeneratedRegex(@"^([A-Za-z_][A-Za-z0-9_-]*):(?: +(.*)|)$")]
    private static partial Regex Field();

    [GeneratedRegex("^(?:true|false|yes|no|on|off|null|~)$", RegexOptions.IgnoreCase)]
    private static partial Regex NotText();
}
