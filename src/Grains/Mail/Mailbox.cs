using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.Mail;

/// <summary>
/// A mailbox, small whatever has come: which versions of its stream are unread mail, and where its newest mails stand. What they say is
/// not part of the snapshot; the newest are kept in memory, up to a weight, and all others are read from the log.
/// </summary>
public sealed class Mailbox : IEventSourced<Mailbox>
{
    /// <summary>The most mails that a listing shows (protocol 7.2); of so many it is known where they stand and when they were
    /// read.</summary>
    public const int MaxListed = 500;

    /// <summary>Mail kept in memory, in bytes.</summary>
    public const int MaxKeptWeight = 1024 * 1024;

    private readonly ImmutableList<MailEntry> _newest; // the last is the newest
    private readonly int _kept; // so many of the last ones have what they say
    private readonly long _keptWeight;

    /// <summary>A mailbox as its snapshot has it.</summary>
    [JsonConstructor]
    public Mailbox(long version, VersionSet unread, ImmutableArray<long> newest)
        : this(version, unread, [.. Unpacked(newest)], 0, 0) { }

    private Mailbox(long version, VersionSet unread, ImmutableList<MailEntry> newest, int kept, long keptWeight) =>
        (Version, Unread, _newest, _kept, _keptWeight) = (version, unread, newest, kept, keptWeight);

    /// <inheritdoc/>
    public static Mailbox Empty { get; } = new(0, VersionSet.Empty, ImmutableList<MailEntry>.Empty, 0, 0);

    // Few events between snapshots: loading a mailbox reads them, and their bodies may be large.
    /// <inheritdoc/>
    public static StreamKind<Mailbox> Kind { get; } =
        new("mailbox", MailboxJson.Default.Mailbox, SnapshotEvery: 32, key => key[..key.IndexOf('/')]);

    /// <summary>Number of events so far: the version of the newest.</summary>
    public long Version { get; }

    /// <summary>Versions of the mails that were not acknowledged.</summary>
    public VersionSet Unread { get; }

    /// <summary>Where the newest mails stand, oldest first: of each its version and when it was read, in microseconds since 1970, 0 while
    /// it was not.</summary>
    public ImmutableArray<long> Newest
    {
        get
        {
            var packed = ImmutableArray.CreateBuilder<long>(2 * _newest.Count);
            foreach (var mail in _newest)
            {
                packed.Add(mail.Version);
                packed.Add(mail.ReadAt is { } at ? Microseconds(at) : 0);
            }

            return packed.MoveToImmutable();
        }
    }

    /// <summary>The mark of a message: no other mail or chat message of the project can have its id.</summary>
    public static string MarkOf(string messageId) => $"message:{messageId}";

    /// <summary>The mark of a mail's acknowledgement, by which its time is found again.</summary>
    public static string ReadMarkOf(string messageId) => $"read:{messageId}";

    /// <inheritdoc/>
    public Mailbox Apply(IEvent @event) => @event switch
    {
        MailDelivered e => Received(e),
        MailRead e => Acknowledged(e),
        _ => new(Version + 1, Unread, _newest, _kept, _keptWeight),
    };

    /// <summary>Puts a mail into the box, whatever else is in it.</summary>
    public Decision<MailReceipt> Deliver(DeliverMail command, string toAgentId, DateTimeOffset now)
    {
        var at = command.SentAt ?? now;
        return Decision.Accept(
            new MailReceipt(command.MessageId, at),
            new MailDelivered(
                command.MessageId, command.FromAgentId, command.FromAlias, toAgentId, command.ToAlias, command.Subject, command.Body,
                command.Priority,
                command.ThreadId, at, command.Signature, command.IsSilent)) with
        { Mark = MarkOf(command.MessageId) };
    }

    /// <summary>Marks a mail of this box as read, once. The answer is null when that was done so long ago that its time is not at
    /// hand.</summary>
    public Decision<MailReceipt?> Acknowledge(long version, MailView mail, string agentId, bool silently, DateTimeOffset now)
    {
        if (Unread.Contains(version))
        {
            return Decision.Accept<MailReceipt?>(
                new(mail.MessageId, now), new MailRead(mail.MessageId, agentId, mail.FromAlias, mail.Subject, now, silently, version,
                    mail.FromAgentId)) with
            { Mark = ReadMarkOf(mail.MessageId) };
        }

        return Decision.None(At(version).ReadAt is { } first ? new MailReceipt(mail.MessageId, first) : null);
    }

    /// <summary>Mails to be shown, the last delivered first.</summary>
    public IReadOnlyList<MailEntry> List(InboxQuery query)
    {
        var limit = Math.Clamp(query.Limit, 0, MaxListed);
        if (query.UnreadOnly) return [.. Unread.Descending().Take(limit).Select(At)];
        var listed = new MailEntry[Math.Min(limit, _newest.Count)];
        for (var i = 0; i < listed.Length; i++) listed[i] = _newest[_newest.Count - 1 - i];
        return listed;
    }

    /// <summary>The mail of an event, with what is known of it.</summary>
    public MailEntry At(long version) => IndexOf(version) is >= 0 and var i ? _newest[i] : new(version);

    /// <summary>A mail by its id, when it is kept in memory.</summary>
    public MailEntry? Kept(string messageId)
    {
        for (var i = _newest.Count - 1; i >= _newest.Count - _kept; i--)
            if (_newest[i].Mail!.MessageId == messageId) return _newest[i];
        return null;
    }

    private Mailbox Received(MailDelivered e)
    {
        var mail = MailEntry.Of(Version + 1, e);
        var (newest, kept, weight) = (_newest.Add(mail), _kept + 1, _keptWeight + mail.Weight);
        if (newest.Count > MaxListed)
        {
            if (kept == newest.Count) (kept, weight) = (kept - 1, weight - newest[0].Weight);
            newest = newest.RemoveAt(0);
        }

        // The newest one stays however large it is.
        for (; weight > MaxKeptWeight && kept > 1; kept--)
        {
            var oldest = newest[newest.Count - kept];
            newest = newest.SetItem(newest.Count - kept, oldest.Bare());
            weight -= oldest.Weight;
        }

        return new(Version + 1, Unread.With(Version + 1), newest, kept, weight);
    }

    private Mailbox Acknowledged(MailRead e)
    {
        var newest = IndexOf(e.MailVersion) is >= 0 and var i ? _newest.SetItem(i, _newest[i].Read(e.At)) : _newest;
        return new(Version + 1, Unread.Without(e.MailVersion), newest, _kept, _keptWeight);
    }

    private int IndexOf(long version)
    {
        var (low, high) = (0, _newest.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            switch (_newest[middle].Version.CompareTo(version))
            {
                case 0: return middle;
                case < 0: low = middle + 1; break;
                default: high = middle - 1; break;
            }
        }

        return -1;
    }

    private static long Microseconds(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private static IEnumerable<MailEntry> Unpacked(ImmutableArray<long> newest)
    {
        for (var i = 0; i + 1 < newest.Length; i += 2)
            yield return new(newest[i], newest[i + 1] == 0 ? null : DateTimeOffset.UnixEpoch.AddMicroseconds(newest[i + 1]));
    }
}

/// <summary>A mail in a mailbox: where it stands in the mailbox's stream and, while it is kept in memory, what it says.</summary>
/// <param name="Version">Version of the event by which it was delivered.</param>
/// <param name="ReadAt">When it was acknowledged.</param>
/// <param name="Mail">The mail; null when it has to be read from the log.</param>
/// <param name="Weight">Its size as an answer, in bytes, about; 0 without <paramref name="Mail"/>.</param>
public sealed record MailEntry(long Version, DateTimeOffset? ReadAt = null, MailView? Mail = null, int Weight = 0)
{
    private const int Frame = 640; // ids, addresses, times, names of fields

    /// <summary>A mail with what it says.</summary>
    public static MailEntry Of(long version, MailDelivered e) =>
        new(version, null, View(e), Frame + JsonSize.Of(e.Subject) + JsonSize.Of(e.Body) + JsonSize.Of(e.Signature?.SignedPayload ?? ""));

    /// <summary>The mail as read at that time.</summary>
    public MailEntry Read(DateTimeOffset at) => this with { ReadAt = at, Mail = Mail is null ? null : Mail with { ReadAt = at } };

    /// <summary>The mail without what it says.</summary>
    public MailEntry Bare() => new(Version, ReadAt);

    private static MailView View(MailDelivered e) =>
        new(e.MessageId, e.FromAgentId, e.FromAlias, e.ToAlias, e.Subject, e.Body, e.Priority, e.ThreadId, null, e.At, e.Signature);
}

/// <summary>JSON of the snapshots of mailboxes.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Mailbox))]
[JsonSerializable(typeof(MailReceipt))]
internal sealed partial class MailboxJson : JsonSerializerContext;
