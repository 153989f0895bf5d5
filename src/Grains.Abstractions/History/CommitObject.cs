using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Beadhub.History;

/// <summary>
/// A commit: a version of all beads. Its id is the SHA-256 of <see cref="Text"/>, so that the same commit has the same id on every site.
/// </summary>
/// <param name="Parents">Ids of the commits that it follows; none for the first, two for a merge.</param>
/// <param name="Root">Hash of the root of its tree.</param>
/// <param name="Author">Who made it: one line.</param>
/// <param name="Time">When, UTC, in whole microseconds; never before a parent's.</param>
/// <param name="Message">What for. Line feeds are allowed.</param>
public sealed record CommitObject(ImmutableArray<ObjectHash> Parents, ObjectHash Root, string Author, DateTimeOffset Time, string Message)
{
    /// <summary>Longest message, in characters.</summary>
    public const int MaxMessage = 64 * 1024;

    /// <summary>Longest author, in characters.</summary>
    public const int MaxAuthor = 256;

    private const int MaxParents = 16;
    private const string Form = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    /// <summary>
    /// What is hashed, and what is sent to other sites:
    /// <c>commit</c>, a <c>parent</c> line for each, <c>root</c>, <c>author</c>, <c>time</c>, an empty line, the message as it is.
    /// </summary>
    public string Text()
    {
        var text = new StringBuilder("commit\n");
        foreach (var parent in Parents) text.Append("parent ").Append(parent).Append('\n');
        return text.Append("root ").Append(Root).Append("\nauthor ").Append(Author).Append("\ntime ")
            .Append(Time.UtcDateTime.ToString(Form, CultureInfo.InvariantCulture)).Append("\n\n").Append(Message).ToString();
    }

    /// <summary>Its id.</summary>
    public ObjectHash Id() => ObjectHash.Of(Text());

    /// <summary>A time as commits hold it: UTC, without what is less than a microsecond.</summary>
    public static DateTimeOffset Whole(DateTimeOffset time) =>
        new(time.UtcTicks - time.UtcTicks % TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);

    /// <summary>Reads a commit's text; null when it is none, or not in the one form that a commit has.</summary>
    public static CommitObject? Parse(string text)
    {
        var end = text.IndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0 || text.Length - end > MaxMessage + 2) return null;
        var lines = text[..end].Split('\n');
        var parents = ImmutableArray.CreateBuilder<ObjectHash>();
        var at = 1;
        if (lines[0] != "commit") return null;
        for (; at < lines.Length && lines[at].StartsWith("parent ", StringComparison.Ordinal); at++)
        {
            if (!ObjectHash.TryParse(lines[at].AsSpan(7), out var parent) || parents.Count == MaxParents) return null;
            parents.Add(parent);
        }

        if (lines.Length != at + 3 || !lines[at].StartsWith("root ", StringComparison.Ordinal)
            || !ObjectHash.TryParse(lines[at].AsSpan(5), out var root)
            || !lines[at + 1].StartsWith("author ", StringComparison.Ordinal) || lines[at + 1].Length > MaxAuthor + 7
            || !lines[at + 2].StartsWith("time ", StringComparison.Ordinal)
            || !DateTimeOffset.TryParseExact(lines[at + 2].AsSpan(5), Form, CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)) return null;
        var commit = new CommitObject(parents.DrainToImmutable(), root, lines[at + 1][7..], time, text[(end + 2)..]);
        return commit.Text() == text ? commit : null;
    }
}
