using System.Text.Json;
using System.Text.Json.Serialization;

namespace Beadhub;

/// <summary>A text that is JSON, and stands in other JSON as it is: nothing in it is escaped again, and it comes back byte for byte,
/// blanks, escapes and forms of numbers included.</summary>
public sealed class RawJson : JsonConverter<string>
{
    /// <inheritdoc/>
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var value = JsonDocument.ParseValue(ref reader);
        return value.RootElement.GetRawText();
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value, skipInputValidation: true);
}
