using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Beadhub.Beads;
using Beadhub.Mail;
using Beadhub.Subscriptions;

namespace Beadhub.Notifications;

/// <summary>The mail about a change of a bead (contract 12.4). Pure.</summary>
internal static class BeadMail
{
    private const int MaxShown = 500;

    /// <summary>The mail to one subscriber.</summary>
    /// <param name="projectId">Project.</param>
    /// <param name="position">Position of the change in the project's feed.</param>
    /// <param name="beadId">The bead.</param>
    /// <param name="change">The change.</param>
    /// <param name="heard">What of it the subscriber wants to hear; at least one.</param>
    /// <param name="agentId">Subscriber.</param>
    /// <param name="alias">Its alias.</param>
    public static DeliverMail Of(string projectId, long position, string beadId, IIssueStored change, ImmutableArray<string> heard,
        string agentId, string alias)
    {
        var body = new StringBuilder();
        foreach (var type in heard)
        {
            body.Append(type switch
            {
                SubscribedEvents.Status => $"Bead {beadId} changed status: {Shown(change.OldStatus)} -> {Shown(change.Status)}",
                SubscribedEvents.Priority =>
                    $"Bead {beadId} changed priority: {change.Before?.Priority?.ToString() ?? "none"} -> "
                    + $"{change.After?.Priority?.ToString() ?? "none"}",
                _ => $"Bead {beadId} changed assignee: {Shown(change.Before?.Assignee)} -> {Shown(change.After?.Assignee)}",
            }).Append('\n');
        }

        body.Append('\n');
        if (change.Title is { Length: > 0 }) body.Append("Title: ").Append(Shown(change.Title)).Append('\n');
        body.Append("Repo: ").Append(change.Repo).Append('\n').Append("Branch: ").Append(change.Branch).Append('\n');
        return new(
            SystemAgent.MailOf(projectId, position, agentId), SystemAgent.IdOf(projectId), SystemAgent.Alias, alias,
            $"Bead {What(heard[0])} changed: {beadId}",
            body.ToString(), ThreadId: SystemAgent.ThreadOf(beadId), IsSilent: true);
    }

    private static string What(string type) => type switch
    {
        SubscribedEvents.Status => "status",
        SubscribedEvents.Priority => "priority",
        _ => "assignee",
    };

    /// <summary>A client's text on one line, and not all of it when it is long.</summary>
    private static string Shown(string? text)
    {
        if (string.IsNullOrEmpty(text)) return "none";
        var end = Math.Min(text.Length, MaxShown);
        if (end < text.Length && char.IsHighSurrogate(text[end - 1])) end--;
        var line = string.Concat(text.AsSpan(0, end).ToString().Select(c => char.IsControl(c) ? ' ' : c));
        return end < text.Length ? line + "..." : line;
    }
}

/// <summary>The agent as which the server itself writes (contract 12.4). It is in no roster: its alias is reserved, and nobody can write to
/// it.</summary>
internal static class SystemAgent
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
    public static string MailOf(string projectId, long position, string agentId) =>
        Uuid($"beadhub:notification:{projectId}:{position}:{agentId}");

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
