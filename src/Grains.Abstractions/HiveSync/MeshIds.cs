using System.Security.Cryptography;
using System.Text;

namespace Beadhub.HiveSync;

/// <summary>Ids of the mesh: a prefix and 21 letters, digits, hyphens and underscores.</summary>
public static class MeshIds
{
    private const int Length = 21;
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// <summary>A new id of a sync group.</summary>
    public static string NewGroup() => New("sg_");

    /// <summary>A new id with a prefix; without one, as posts and comments have.</summary>
    public static string New(string prefix = "") => prefix + RandomNumberGenerator.GetString(Alphabet, Length);

    /// <summary>The id that follows from a text: the same everywhere.</summary>
    public static string Of(string prefix, string text)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
        return prefix + string.Create(Length, hash, static (id, bytes) =>
        {
            for (var i = 0; i < id.Length; i++) id[i] = Alphabet[bytes[i] & 63];
        });
    }
}
