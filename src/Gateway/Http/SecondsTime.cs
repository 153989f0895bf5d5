using System.Text.Json;
using System.Text.Json.Serialization;

namespace Beadhub.Gateway.Http;

/// <summary>Times as mail and chat write them: <c>2026-03-08T15:14:59Z</c>, whole seconds, cut (protocol 1.3, style S).</summary>
internal sealed class SecondsTime : JsonConverter<DateTimeOffset>
{
    public static string Text(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Text(value));
}
