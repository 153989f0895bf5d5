using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Beadhub.Remotes;

/// <summary>How much of a history a remote may have.</summary>
public enum SovereigntyTier
{
    /// <summary>All of it.</summary>
    T1 = 1,

    /// <summary>All of it, at hosts that are allowed by name.</summary>
    T2,

    /// <summary>People by pseudonyms.</summary>
    T3,

    /// <summary>No people, and no free text but titles.</summary>
    T4,
}

/// <summary>Reads tiers.</summary>
public static class Sovereignty
{
    /// <summary>The tier of a name; the first unless one is given.</summary>
    /// <exception cref="RemoteException">There is no such tier: nothing may leave by a word that nobody understands.</exception>
    public static SovereigntyTier Parse(string? name) => name?.Trim().ToUpperInvariant() switch
    {
        null or "" or "T1" => SovereigntyTier.T1,
        "T2" => SovereigntyTier.T2,
        "T3" => SovereigntyTier.T3,
        "T4" => SovereigntyTier.T4,
        _ => throw new RemoteException("the remote's sovereignty must be T1, T2, T3 or T4: nothing is sent"),
    };

    /// <summary>Whether what is sent is another history than the one that is here.</summary>
    public static bool Changes(this SovereigntyTier tier) => tier >= SovereigntyTier.T3;

    /// <summary>Refuses a host that a tier does not allow.</summary>
    /// <param name="tier">The tier.</param>
    /// <param name="remote">Where things would go.</param>
    /// <param name="allowed">Names of hosts; <c>*.name</c> for all below one.</param>
    /// <exception cref="RemoteException">It is not among them.</exception>
    public static void MustAllow(this SovereigntyTier tier, RemoteAddress remote, IReadOnlyCollection<string> allowed)
    {
        // A folder leads to no other host.
        if (tier != SovereigntyTier.T2 || remote.Kind == RemoteKind.Folder) return;
        if (!allowed.Any(host => host.StartsWith("*.", StringComparison.Ordinal)
            ? remote.Host.EndsWith(host[1..], StringComparison.OrdinalIgnoreCase)
            : string.Equals(host, remote.Host, StringComparison.OrdinalIgnoreCase)))
            throw new RemoteException($"the remote is T2, and {remote.Host} is not among BEADHUB_REMOTE_HOSTS: nothing is sent");
    }
}

/// <summary>The people that lines name, as far as fields say who is one.</summary>
public static partial class People
{
    private static readonly HashSet<string> Fields = new(StringComparer.OrdinalIgnoreCase)
    {
        "assignee", "owner", "author", "sender", "actor", "creator", "reporter", "reviewer", "approver", "human_name", "human", "alias",
        "email", "name", "user", "username", "from", "to", "waiters", "assignees", "watchers", "recipients", "target",
    };

    /// <summary>Whether a field holds a person, or several.</summary>
    public static bool IsPerson(string field) => Fields.Contains(field) || field.EndsWith("_by", StringComparison.OrdinalIgnoreCase);

    /// <summary>Adds those that a line names.</summary>
    public static void Of(string line, ISet<string> people)
    {
        using var document = JsonDocument.Parse(line);
        Walk(document.RootElement, isPerson: false, people);
    }

    /// <summary>Adds a person, with the parts of the name by which texts may call them.</summary>
    public static void Add(string name, ISet<string> people)
    {
        name = name.Trim();
        if (name.Length == 0 || !people.Add(name)) return;
        foreach (var part in Parts().Split(name))
            if (part.Length >= 3 && part != name) people.Add(part);
    }

    private static void Walk(JsonElement json, bool isPerson, ISet<string> people)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var field in json.EnumerateObject()) Walk(field.Value, IsPerson(field.Name), people);
                break;
            case JsonValueKind.Array:
                foreach (var item in json.EnumerateArray()) Walk(item, isPerson, people);
                break;
            case JsonValueKind.String when isPerson:
                Add(json.GetString()!, people);
                break;
        }
    }

    [GeneratedRegex(@"[\s@.,;<>()""]+")]
    private static partial Regex Parts();
}

/// <summary>Takes people, and for the strictest tier texts, out of what is sent. The same in gives the same out.</summary>
public sealed partial class Redaction
{
    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // What says how work stands, in words that are no text of anybody.
    private static readonly HashSet<string> Plain = new(StringComparer.Ordinal)
    {
        "id", "number", "title", "status", "priority", "issue_type", "created_at", "updated_at", "closed_at", "started_at", "due_at",
        "defer_until", "deleted_at",
        "estimated_minutes", "dependencies", "pinned", "ephemeral", "_type", "dependency_count", "dependent_count",
        "comment_count", "parent_id", "blocked_by",
    };

    private static readonly HashSet<string> PlainLinks =
        new(StringComparer.Ordinal) { "issue_id", "depends_on_id", "type", "created_at", "bead_id", "repo", "branch" };

    private readonly SovereigntyTier _tier;
    private readonly byte[] _key;
    private readonly Regex? _names;

    /// <param name="tier">The third or the fourth.</param>
    /// <param name="key">The project's key, under which pseudonyms are made.</param>
    /// <param name="people">Whom texts may name.</param>
    public Redaction(SovereigntyTier tier, byte[] key, IReadOnlySet<string> people)
    {
        (_tier, _key) = (tier, key);
        if (people.Count > 0)
            _names = new(@"(?<![\p{L}\p{N}])(?:" + string.Join('|', people.OrderByDescending(static name => name.Length)
                .ThenBy(static name => name, StringComparer.Ordinal).Select(Regex.Escape)) + @")(?![\p{L}\p{N}])",
                RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
    }

    /// <summary>Somebody, as the remote knows them.</summary>
    public string Person(string name) => _tier == SovereigntyTier.T4 ? "someone"
        : "person-" + Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(name.Trim().ToLowerInvariant())))[..12];

    /// <summary>A text without the people in it.</summary>
    public string Text(string text)
    {
        // Addresses first: names may be parts of them.
        text = Address().Replace(text, match => Person(match.Value));
        text = Mention().Replace(text, match => "@" + Person(match.Value[1..]));
        return _names?.Replace(text, match => Person(match.Value)) ?? text;
    }

    /// <summary>A commit's message.</summary>
    public string Message(string message) => _tier == SovereigntyTier.T4 ? "commit" : Text(message);

    /// <summary>A line.</summary>
    public string Line(string line)
    {
        using var document = JsonDocument.Parse(line);
        using var bytes = new MemoryStream(line.Length);
        using (var json = new Utf8JsonWriter(bytes, Json)) Object(document.RootElement, json, _tier == SovereigntyTier.T4 ? Plain : null);
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    private void Object(JsonElement value, Utf8JsonWriter json, HashSet<string>? only)
    {
        json.WriteStartObject();
        foreach (var field in value.EnumerateObject())
        {
            if (only is not null && (!only.Contains(field.Name) || People.IsPerson(field.Name) && field.Name != "blocked_by")) continue;
            json.WritePropertyName(only is null ? Text(field.Name) : field.Name);
            Value(field.Value, json, only is null && People.IsPerson(field.Name), only is null ? null : PlainLinks);
        }

        json.WriteEndObject();
    }

    private void Value(JsonElement value, Utf8JsonWriter json, bool isPerson, HashSet<string>? only)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                Object(value, json, only);
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in value.EnumerateArray()) Value(item, json, isPerson, only);
                json.WriteEndArray();
                break;
            case JsonValueKind.String when value.GetString() is { } text:
                json.WriteStringValue(isPerson && text.Trim().Length > 0 ? Person(text) : Text(text));
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }

    [GeneratedRegex(@"[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+")]
    private static partial Regex Address();

    [GeneratedRegex(@"(?<![\p{L}\p{N}])@[\p{L}\p{N}][\p{L}\p{N}_-]*")]
    private static partial Regex Mention();
}
