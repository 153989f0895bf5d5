namespace Beadhub.Chat;

/// <summary>Beginnings of texts, for lists.</summary>
public static class Preview
{
    /// <summary>At most the first so many characters (code points) of a text.</summary>
    public static string Of(string text, int characters)
    {
        if (text.Length <= characters) return text;
        var length = 0;
        while (characters-- > 0 && length < text.Length)
            length += char.IsHighSurrogate(text[length]) && length + 1 < text.Length && char.IsLowSurrogate(text[length + 1]) ? 2 : 1;
        return text[..length];
    }
}
