using System.Text.Json;
using System.Text.Json.Serialization;

namespace Beadhub.Gateway.Http;

/// <summary>Times as the contract writes them: <c>2026-03-08T15:14:59.123456+00:00</c>, microseconds left out when zero (contract
/// 0.4).</summary>
internal sealed class IsoTime : JsonConverter<DateTimeOffset>
{
    private const int MaxLength = 32;

    public static string Text(DateTimeOffset time, string zone = "+00:00")
    {
        Span<char> chars = stackalloc char[MaxLength];
        return new(chars[..Format(time, zone, chars)]);
    }

    /// <summary>Reads any ISO-8601 form with or without a zone; without one it is UTC.</summary>
    public static bool TryParse(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParse(text, null,
            System.Globalization.DateTimeStyles.AssumeUniversal | System.Globalization.DateTimeStyles.AdjustToUniversal, out time);

    public static int Format(DateTimeOffset time, ReadOnlySpan<char> zone, Span<char> chars)
    {
        var utc = time.UtcDateTime;
        utc.TryFormat(chars, out var length, "yyyy-MM-dd'T'HH:mm:ss");
        var microseconds = (int)(utc.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond);
        if (microseconds != 0)
        {
            chars[length++] = '.';
            microseconds.TryFormat(chars[length..], out var digits, "D6");
            length += digits;
        }

        zone.CopyTo(chars[length..]);
        return length + zone.Length;
    }

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
    {
        Span<char> chars = stackalloc char[MaxLength];
        writer.WriteStringValue(chars[..Format(value, "+00:00", chars)]);
    }
}
