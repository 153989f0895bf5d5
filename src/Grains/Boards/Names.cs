using System.Buffers;

namespace Beadhub.Boards;

/// <summary>The forms of names inside issues (contract 2).</summary>
internal static class Names
{
    private const int MaxBeadId = 100;
    private const int MaxBranch = 255;
    private const int MaxRepo = 255;

    private const string Alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static readonly SearchValues<char> First = SearchValues.Create(Alphanumeric);
    private static readonly SearchValues<char> InBeadId = SearchValues.Create(Alphanumeric + "_.-");
    private static readonly SearchValues<char> InBranch = SearchValues.Create(Alphanumeric + "/_.-");

    /// <summary><c>^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$</c>.</summary>
    public static bool IsBeadId(ReadOnlySpan<char> text) => text.Length <= MaxBeadId && IsWord(text, InBeadId);

    /// <summary><c>^[a-zA-Z0-9][a-zA-Z0-9/_.-]{0,254}$</c>.</summary>
    public static bool IsBranch(ReadOnlySpan<char> text) => text.Length <= MaxBranch && IsWord(text, InBranch);

    /// <summary>A canonical origin: at most 255 characters, every segment between slashes a word that begins with a letter or digit.</summary>
    public static bool IsRepo(ReadOnlySpan<char> text)
    {
        if (text.Length > MaxRepo) return false;
        foreach (var segment in text.Split('/'))
            if (!IsWord(text[segment], InBeadId)) return false;
        return true;
    }

    private static bool IsWord(ReadOnlySpan<char> text, SearchValues<char> allowed) =>
        text.Length > 0 && First.Contains(text[0]) && !text.ContainsAnyExcept(allowed);
}
