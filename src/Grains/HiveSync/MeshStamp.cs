using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Beadhub.HiveSync;

/// <summary>
/// What a Beadhub puts into the payload that it signs, as the member <c>_s</c>: the wire's signature covers nothing but the payload, and
/// with this a relay can change neither origin nor number, type or time. Others ignore the member.
/// </summary>
/// <param name="Origin">Instance that made the event.</param>
/// <param name="Seq">The origin's number of the event in the group: 1, 2, 3 …</param>
/// <param name="Type">Event type.</param>
/// <param name="Ts">Milliseconds since 1970.</param>
internal readonly record struct MeshStamp(string Origin, long Seq, string Type, long Ts)
{
    private const string Member = "_s";
    private const int MaxDepth = 32;

    /// <summary>A payload with the stamp behind its last member.</summary>
    /// <param name="payload">A JSON object.</param>
    /// <exception cref="RefusedException">It is none, or has a stamp.</exception>
    public string AddTo(string payload)
    {
        var end = payload.TrimEnd();
        if (Find(Encoding.UTF8.GetBytes(payload), out var members, out _) != 0 || end is not [.., '}'])
            throw new RefusedException(RefusalKind.Invalid, "A change's payload must be a JSON object without _s");
        var type = JsonEncodedText.Encode(Type);
        return string.Create(CultureInfo.InvariantCulture,
            $"{end[..^1]}{(members > 0 ? "," : "")}\"_s\":{{\"o\":\"{Origin}\",\"q\":{Seq},\"t\":\"{type}\",\"ts\":{Ts}}}}}");
    }

    /// <summary>The stamp of a payload; null when it has none, more than one, or one that says not all.</summary>
    public static MeshStamp? Of(string payload) =>
        Find(Encoding.UTF8.GetBytes(payload), out _, out var stamp) == 1 ? stamp : null;

    /// <summary>Counts stamps among the members of an object; -1 when the text is no object.</summary>
    private static int Find(byte[] utf8, out int members, out MeshStamp? stamp)
    {
        (members, stamp) = (0, null);
        var count = 0;
        try
        {
            var json = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject) return -1;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                members++;
                var isStamp = json.ValueTextEquals(Member);
                json.Read();
                if (isStamp)
                {
                    count++;
                    stamp = Read(JsonElement.ParseValue(ref json));
                }
                else
                {
                    json.Skip();
                }
            }

            return json.TokenType == JsonTokenType.EndObject && !json.Read() ? count : -1;
        }
        catch (JsonException)
        {
            return -1;
        }
    }

    private static MeshStamp? Read(JsonElement member) =>
        member.ValueKind == JsonValueKind.Object
        && member.TryGetProperty("o", out var origin) && origin.ValueKind == JsonValueKind.String
        && member.TryGetProperty("q", out var seq) && seq.ValueKind == JsonValueKind.Number && seq.TryGetInt64(out var number)
        && member.TryGetProperty("t", out var type) && type.ValueKind == JsonValueKind.String
        && member.TryGetProperty("ts", out var ts) && ts.ValueKind == JsonValueKind.Number && ts.TryGetInt64(out var at)
            ? new(origin.GetString()!, number, type.GetString()!, at) : null;
}
