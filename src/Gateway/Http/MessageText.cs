using System.Text;

namespace Beadhub.Gateway.Http;

/// <summary>Texts of messages: long ones pass, but not without end (protocol 21.6, 21.7).</summary>
internal static class MessageText
{
    /// <summary>Longest text, in bytes of UTF-8.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>A text that must be there.</summary>
    /// <exception cref="ApiException">413 when it is too long.</exception>
    public static string Message(this BodyFields body, string name, int min = 0)
    {
        var text = body.Required(name, min);
        if (text.Length > MaxBytes / 3 && Encoding.UTF8.GetByteCount(text) > MaxBytes)
            throw new ApiException(StatusCodes.Status413PayloadTooLarge, $"{name} too large: at most {MaxBytes} bytes");
        body.MustBePlain(name, text);
        return text;
    }
}
