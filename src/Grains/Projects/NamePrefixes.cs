using System.Collections.Immutable;

namespace Beadhub.Projects;

/// <summary>The classic names by which agents are called when nobody chose an alias (contract 2.3, protocol 4).</summary>
public static class NamePrefixes
{
    private const int LastNumber = 99;

    private static readonly ImmutableArray<string> Names =
    [
        "alice", "bob", "charlie", "dave", "eve", "frank", "grace", "henry", "ivy", "jack", "kate", "leo", "mia",
        "noah", "olivia", "peter", "quinn", "rose", "sam", "tara", "uma", "victor", "wendy", "xavier", "yara", "zoe",
    ];

    /// <summary>All prefixes in the order in which they are given: the names, then each with 01, then each with 02 …</summary>
    public static ImmutableArray<string> Candidates { get; } =
        [.. Names, .. from number in Enumerable.Range(1, LastNumber) from name in Names select $"{name}-{number:00}"];

    /// <summary>The prefix that an alias uses up: <c>alice</c> of <c>Alice-dev</c>, <c>alice-01</c> of <c>alice-01-dev</c>.</summary>
    public static string UsedBy(string alias)
    {
        var parts = alias.Split('-', 3);
        var numbered = parts.Length > 1 && parts[1].Length > 0 && parts[1].All(char.IsAsciiDigit);
        return (numbered ? $"{parts[0]}-{parts[1]}" : parts[0]).ToLowerInvariant();
    }

    /// <summary>The prefixes that none of these aliases uses up, in order.</summary>
    public static IEnumerable<string> Free(IEnumerable<string> aliases)
    {
        var used = aliases.Select(UsedBy).ToHashSet();
        return Candidates.Where(prefix => !used.Contains(prefix));
    }
}
