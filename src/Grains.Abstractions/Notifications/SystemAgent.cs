using System.Security.Cryptography;
using System.Text;

namespace Beadhub.Notifications;

/// <summary>The agent as which the server itself writes (contract 12.4). It is in no roster: its alias is reserved, and nobody can write to it.</summary>
public static class SystemAgent
{
    /// <summary>Its alias.</summary>
    public const string Alias = "system";

    // RFC 9562, namespace for URLs.
    private static readonly Guid Urls = new("6ba7b811-9dad-11d1-80b4-00c04fd430c8");

    /// <summary>Its id in a project.</summary>
    public static string IdOf(string projectId) => Uuid($"beadhub:system:{projectId}");

    /// <summary>The thread of all mail about a bead.</summary>
    public static string ThreadOf(string beadId) => Uuid($"bead:{beadId}");

    /// <summary>The id of the mail about one change to one recipient: the same whenever and wherever it is made.</summary>
    public static string MailOf(string projectId, long position, string agentId) => Uuid($"beadhub:notification:{projectId}:{position}:{agentId}");

    /// <summary>UUID version 5 of a text in the namespace of URLs.</summary>
    private static string Uuid(string text)
    {
        var named = new byte[16 + Encoding.UTF8.GetByteCount(text)];
        Urls.TryWriteBytes(named, bigEndian: true, out _);
        Encoding.UTF8.GetBytes(text, named.AsSpan(16));
        // SHA-1 is what version 5 is made of; nothing is kept secret by it.
#pragma warning disable CA5350
        Span<byte> hash = SHA1.HashData(named);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true).ToString();
    }
}
