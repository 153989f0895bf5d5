using System.Security.Cryptography;
using System.Text.Json;

namespace Beadhub.HiveSync;

/// <summary>
/// Which key signs the events of an instance in a group, as its root key says. It travels in the log as the event
/// <see cref="EventType"/>, the first of each origin and again with each new key, so that a site can check events of an instance
/// that it never meets, and no relay can put a key of its own in between.
/// </summary>
/// <param name="RootKey">Root key of the instance, whose hash is the instance's id.</param>
/// <param name="Key">The signing key.</param>
/// <param name="Version">1, 2, 3 … with each new key.</param>
/// <param name="Group">Name of the group.</param>
/// <param name="Signature">Of the root key.</param>
internal sealed record KeyCertificate(string RootKey, string Key, int Version, string Group, string Signature)
{
    /// <summary>Type of the event; an OpenHive stores what it does not know and goes on.</summary>
    public const string EventType = "beadhub_key";

    /// <summary>What ids of Beadhubs begin with: events of such an origin must carry <c>_s</c>.</summary>
    public const string InstancePrefix = "bh_";

    private const string Base32 = "abcdefghijklmnopqrstuvwxyz234567";
    private const int IdLength = 26; // 130 bits of the hash

    /// <summary>The payload of its event, without <c>_s</c>.</summary>
    public string Payload() =>
        $$"""{"root_key":"{{RootKey}}","key":"{{Key}}","version":{{Version}},"group":{{Json(Group)}},"certificate":"{{Signature}}"}""";

    /// <summary>Reads it from the payload of its event; null when that is none, or is not what the instance's root key has
    /// signed.</summary>
    public static KeyCertificate? Of(string origin, string payload)
    {
        try
        {
            using var json = JsonDocument.Parse(payload);
            var root = json.RootElement;
            var read = new KeyCertificate(Text("root_key"), Text("key"), root.GetProperty("version").GetInt32(), Text("group"),
                Text("certificate"));
            return read.Version > 0 && InstanceOf(read.RootKey) == origin && Ed25519.DecodeKey(read.Key) is not null
                && KeptKey.Verify(read.RootKey, SignedText(origin, read.Group, read.Version, read.Key), read.Signature) ? read : null;

            string Text(string name) => root.GetProperty(name).GetString() ?? "";
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Id of the instance with a root key; null when it is no key.</summary>
    public static string? InstanceOf(string rootKey)
    {
        if (Ed25519.DecodeKey(rootKey) is not { } key) return null;
        var hash = SHA256.HashData(key);
        return string.Create(InstancePrefix.Length + IdLength, hash, static (id, bytes) =>
        {
            InstancePrefix.CopyTo(id);
            for (var i = 0; i < IdLength; i++)
            {
                // Five bits from the byte at which they begin and the next one.
                var bit = i * 5;
                var pair = (bytes[bit / 8] << 8) | bytes[(bit / 8) + 1];
                id[InstancePrefix.Length + i] = Base32[(pair >> (11 - (bit % 8))) & 31];
            }
        });
    }

    /// <summary>What the root key signs.</summary>
    public static string SignedText(string instance, string group, int version, string key) =>
        $"beadhub group key\n{instance}\n{group}\n{version}\n{key}";

    private static string Json(string text) => $"\"{JsonEncodedText.Encode(text)}\"";
}
