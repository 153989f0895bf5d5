using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Beadhub.Feed;

namespace Beadhub.Silo.LogReading;

/// <summary>An event as <c>beadhub log</c> prints it: one JSON object.</summary>
internal static class LogLine
{
    private const int LongestName = 120;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Never shown: whoever has them can act as somebody else. A recorded answer may hold a key.
    private static readonly HashSet<string> Secrets =
        ["secret", "sealed_secret", "sealed_seed", "seed", "private_key", "password", "token", "api_key", "signature", "member_email",
            "fingerprint", "digest", "hash", "_request"];

    private static readonly HashSet<string> Texts =
        ["body", "subject", "title", "description", "notes", "note", "situation", "response", "options", "context", "content", "bundle",
            "human_name", "error", "signed_payload", "capabilities"];

    /// <summary>The line, without its end.</summary>
    /// <param name="stored">The event.</param>
    /// <param name="texts">Whether what agents have written to each other is shown.</param>
    public static string Of(FeedEvent stored, bool texts)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            if (stored.Position > 0) json.WriteNumber("position", stored.Position);
            json.WriteString("at", stored.At);
            json.WriteString("kind", stored.Kind);
            json.WriteString("key", stored.Kind == "api_key" ? Short(stored.Key) : stored.Key);
            json.WriteNumber("version", stored.Version);
            json.WriteString("type", stored.Type);
            json.WritePropertyName("data");
            Data(json, stored, texts);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static void Data(Utf8JsonWriter json, FeedEvent stored, bool texts)
    {
        try
        {
            using var data = JsonDocument.Parse(stored.Data);
            // What was answered to a request is whatever that request was about.
            if (stored.Type == "request.answered.v1") json.WriteStringValue(Hidden(stored.Data.Length));
            else Value(json, data.RootElement, "", texts);
        }
        catch (JsonException)
        {
            json.WriteStringValue(Hidden(stored.Data.Length));
        }
    }

    private static void Value(Utf8JsonWriter json, JsonElement value, string name, bool texts)
    {
        if (value.ValueKind is JsonValueKind.Null or JsonValueKind.True or JsonValueKind.False)
        {
            value.WriteTo(json);
            return;
        }

        if (Secrets.Contains(name))
        {
            json.WriteStringValue("[hidden]");
            return;
        }

        if (!texts && Texts.Contains(name))
        {
            json.WriteStringValue(Hidden(value.ValueKind == JsonValueKind.String ? value.GetString()!.Length : value.GetRawText().Length));
            return;
        }

        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var property in value.EnumerateObject())
                {
                    json.WritePropertyName(property.Name);
                    Value(json, property.Value, property.Name, texts);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in value.EnumerateArray()) Value(json, item, name, texts);
                json.WriteEndArray();
                break;
            case JsonValueKind.String when value.GetString() is { } text:
                json.WriteStringValue(Text(text, texts));
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }

    private static string Text(string text, bool texts)
    {
        // Of an address that may be signed, or be a secret itself, who is behind it is enough.
        if (text.StartsWith("http", StringComparison.OrdinalIgnoreCase) && Uri.TryCreate(text, UriKind.Absolute, out var url)
            && (url.Scheme is "http" or "https"))
            return url.PathAndQuery == "/" ? $"{url.Scheme}://{url.Authority}" : $"{url.Scheme}://{url.Authority}/…";
        // A field that this list does not know yet, and that reads like a text.
        return texts || (text.Length <= LongestName && !text.Contains('\n')) ? text : Hidden(text.Length);
    }

    private static string Short(string hash) => hash.Length > 12 ? hash[..8] + "…" : hash;

    private static string Hidden(int length) => $"[{length} characters]";
}
