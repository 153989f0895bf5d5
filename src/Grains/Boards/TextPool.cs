namespace Beadhub.Boards;

/// <summary>
/// Keeps short texts that nearly every issue repeats (statuses, types, names of people, labels) once in memory. Of two texts that fall on
/// one place the newer stays: it needs no lock, and does not grow. Safe for concurrent callers.
/// </summary>
internal static class TextPool
{
    /// <summary>Longest text that is kept, in characters.</summary>
    public const int Longest = 64;

    private static readonly string?[] Texts = new string?[4096];

    /// <summary>A string of these characters.</summary>
    public static string Of(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > Longest) return text.ToString();
        ref var place = ref Place(text);
        return place is { } kept && text.SequenceEqual(kept) ? kept : place = text.ToString();
    }

    /// <summary>An equal string; the text itself when none is kept.</summary>
    public static string? Of(string? text)
    {
        if (text is null || text.Length is 0 or > Longest) return text;
        ref var place = ref Place(text);
        return place is { } kept && kept == text ? kept : place = text;
    }

    private static ref string? Place(ReadOnlySpan<char> text) => ref Texts[string.GetHashCode(text) & (Texts.Length - 1)];
}
