using System.Globalization;
using System.Text;

namespace Beadhub.Search;

/// <summary>
/// The words of a text, the same for every store: letters and digits, in lower case; all else is between words. Pure.
/// </summary>
public static class SearchWords
{
    private const int LongestWord = 64;
    private const int MostWords = 20_000;
    private const int LongestText = 200_000;

    /// <summary>The different words of a text, of a long one those of its beginning.</summary>
    public static IReadOnlyList<string> Of(params ReadOnlySpan<string> texts)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        var word = new StringBuilder();
        foreach (var text in texts)
        {
            // Half a surrogate pair is no letter.
            foreach (var rune in text.AsSpan(0, Math.Min(text.Length, LongestText)).EnumerateRunes())
            {
                if (Rune.IsLetterOrDigit(rune) || (word.Length > 0 && Rune.GetUnicodeCategory(rune) == UnicodeCategory.NonSpacingMark))
                    word.Append(Rune.ToLowerInvariant(rune).ToString());
                else End();
            }

            End();
        }

        return [.. words];

        void End()
        {
            if (word.Length > 0 && words.Count < MostWords)
            {
                var end = Math.Min(word.Length, LongestWord);
                if (char.IsHighSurrogate(word[end - 1])) end--;
                words.Add(word.ToString(0, end));
            }

            word.Clear();
        }
    }
}
