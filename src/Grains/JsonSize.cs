namespace Beadhub;

/// <summary>What texts weigh in an answer. Clients read 10 MiB of one (protocol 1.1), so lists end before.</summary>
internal static class JsonSize
{
    /// <summary>Bytes after which a page ends.</summary>
    public const long MaxPage = 8 * 1024 * 1024;

    /// <summary>Size of a text in JSON, about, in bytes; of none that of <c>null</c>.</summary>
    public static int Of(string? text)
    {
        if (text is null) return 4;
        var size = 2;
        foreach (var c in text)
        {
            size += c switch
            {
                '\n' or '\r' or '\t' or '"' or '\\' => 2,
                < ' ' => 6,
                <= '~' => 1,
                _ => char.IsSurrogate(c) ? 6 : 3,
            };
        }

        return size;
    }
}
