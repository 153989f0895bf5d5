using System.Buffers.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Beadhub.Gateway.Http;

/// <summary>Opaque page cursors: a compact JSON object in base64url without padding (contract 0.5).</summary>
internal static class Cursor
{
    private const int MaxLength = 8192;

    /// <summary>Makes a cursor; the writer stands inside the object.</summary>
    public static string Encode(Action<Utf8JsonWriter> fields)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Wire.WriterOptions))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }

        return Base64Url.EncodeToString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    /// <summary>Reads a cursor; null when there is none.</summary>
    /// <exception cref="ApiException">422 with a text that starts with <c>Invalid cursor</c>.</exception>
    public static JsonElement? Decode(string? cursor)
    {
        if (string.IsNullOrEmpty(cursor)) return null;
        if (cursor.Length > MaxLength) throw Invalid("too long");
        byte[] bytes;
        try
        {
            bytes = Base64Url.DecodeFromChars(cursor.TrimEnd('='));
        }
        catch (FormatException)
        {
            throw Invalid("not base64");
        }

        if (!Utf8.IsValid(bytes)) throw Invalid("contains invalid UTF-8 data");
        try
        {
            using var document = JsonDocument.Parse(bytes);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw Invalid("not an object");
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw Invalid("not JSON");
        }
    }

    /// <summary>A time of a cursor; null when the key is missing.</summary>
    public static DateTimeOffset? Time(this JsonElement cursor, string key, string problem = "Invalid cursor timestamp")
    {
        if (!cursor.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind == JsonValueKind.String && Read(value) is { } text && IsoTime.TryParse(text, out var time)) return time;
        throw ApiException.Unprocessable($"{problem}: {key}");
    }

    /// <summary>A text of a cursor; null when the key is missing or holds something else.</summary>
    public static string? Text(this JsonElement cursor, string key) =>
        cursor.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? Read(value) : null;

    public static ApiException Invalid(string why) => ApiException.Unprocessable($"Invalid cursor: {why}");

    private static string? Read(JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            throw Invalid("not text");
        }
    }
}
