namespace Beadhub.Mail;

/// <summary>A mail in a mailbox: where it stands in the mailbox's stream and, while it is kept in memory, what it says.</summary>
/// <param name="Version">Version of the event by which it was delivered.</param>
/// <param name="ReadAt">When it was acknowledged.</param>
/// <param name="Mail">The mail; null when it has to be read from the log.</param>
/// <param name="Weight">Its size as an answer, in bytes, about; 0 without <paramref name="Mail"/>.</param>
public sealed record MailEntry(long Version, DateTimeOffset? ReadAt = null, MailView? Mail = null, int Weight = 0)
{
    private const int Frame = 640; // ids, addresses, times, names of fields

    /// <summary>A mail with what it says.</summary>
    public static MailEntry Of(long version, MailDelivered e) => new(version, null, View(e), Frame + JsonSize.Of(e.Subject) + JsonSize.Of(e.Body) + JsonSize.Of(e.Signature?.SignedPayload ?? ""));

    /// <summary>The mail as read at that time.</summary>
    public MailEntry Read(DateTimeOffset at) => this with { ReadAt = at, Mail = Mail is null ? null : Mail with { ReadAt = at } };

    /// <summary>The mail without what it says.</summary>
    public MailEntry Bare() => new(Version, ReadAt);

    private static MailView View(MailDelivered e) =>
        new(e.MessageId, e.FromAgentId, e.FromAlias, e.ToAlias, e.Subject, e.Body, e.Priority, e.ThreadId, null, e.At, e.Signature);
}
