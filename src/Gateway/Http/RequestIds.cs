using System.Security.Cryptography;
using System.Text;

namespace Beadhub.Gateway.Http;

/// <summary>
/// Ids of what a request creates. A request with an <c>Idempotency-Key</c> always makes the same ids, so that a repeat which is answered
/// from the recorded result names what the first attempt has created; any other request makes random ones.
/// </summary>
internal static class RequestIds
{
    private static readonly object Seed = new();

    /// <summary>Makes the ids of this request follow from a text that only repeats of it share.</summary>
    public static void DeriveIds(this HttpContext http, string seed) => http.Items[Seed] = seed;

    /// <summary>A deduplication key for what a request writes; null when it has no <c>Idempotency-Key</c>.</summary>
    public static string? WriteKey(this HttpContext http) => http.Items.ContainsKey(Seed) ? http.NewId("write") : null;

    /// <summary>An id for something new: a UUID in lower case with hyphens.</summary>
    /// <param name="http">The request.</param>
    /// <param name="what">What it is for, when a request creates several things.</param>
    public static string NewId(this HttpContext http, string what = "")
    {
        if (!http.Items.TryGetValue(Seed, out var seed)) return Guid.NewGuid().ToString();
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}\n{what}"), hash);
        // A UUID of version 8: 122 bits of our own choice.
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true).ToString();
    }
}
