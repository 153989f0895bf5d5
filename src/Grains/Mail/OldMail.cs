using System.Collections.Concurrent;
using System.Collections.Immutable;
using Beadhub.EventLog;

namespace Beadhub.Mail;

/// <summary>Mail of one box that is read from the log because it is not kept with the box; what was read is remembered, up to a
/// weight.</summary>
internal sealed class OldMail(IEventLog log, StreamKey stream)
{
    private const int FewEvents = 16;
    private const int ManyEvents = 64; // each may be a mail of a mebibyte, and all are in memory at once
    private const int LightChunk = 256 * 1024; // in bytes
    private const int MaxRemembered = 1024 * 1024; // in bytes

    private readonly ConcurrentDictionary<long, MailEntry> _remembered = new();
    private long _weight;

    /// <summary>What the mails say, in their order; ends early, but not before the first, when they weigh more than the given
    /// bytes.</summary>
    public async ValueTask<(ImmutableArray<MailView> Mails, long Weight)> Read(IReadOnlyList<MailEntry> listed, long maxWeight)
    {
        var mails = ImmutableArray.CreateBuilder<MailView>(listed.Count);
        var chunk = FewEvents;
        Dictionary<long, MailEntry>? read = null;
        long weight = 0;
        for (var i = 0; i < listed.Count; i++)
        {
            var mail = listed[i].Mail is null ? InMemory(listed[i], read) : listed[i];
            if (mail is null)
            {
                read = await ReadSome(listed, i, chunk);
                // Large mails are read a few at a time: the page may be full before.
                chunk = read.Values.Sum(found => found.Weight) <= LightChunk ? ManyEvents : FewEvents;
                mail = InMemory(listed[i], read);
                if (mail is null) continue;
            }

            if (weight + mail.Weight > maxWeight && mails.Count > 0) break;
            weight += mail.Weight;
            mails.Add(mail.Mail!);
        }

        return (mails.DrainToImmutable(), weight);
    }

    /// <summary>The mail of an event; null when the event is none.</summary>
    public async ValueTask<MailEntry?> Read(MailEntry mail) =>
        mail.Mail is not null ? mail : InMemory(mail, null) ?? InMemory(mail, await ReadSome([mail], 0, 1));

    private MailEntry? InMemory(MailEntry mail, Dictionary<long, MailEntry>? read)
    {
        var found = read?.GetValueOrDefault(mail.Version) ?? _remembered.GetValueOrDefault(mail.Version);
        return mail.ReadAt is { } at ? found?.Read(at) : found;
    }

    /// <summary>Reads the mail at an index, and the ones after it in the list that stand close before it in the stream.</summary>
    private async ValueTask<Dictionary<long, MailEntry>> ReadSome(IReadOnlyList<MailEntry> listed, int index, int maxEvents)
    {
        var newest = listed[index].Version;
        var wanted = new HashSet<long>();
        for (var i = index; i < listed.Count && newest - listed[i].Version < maxEvents; i++) wanted.Add(listed[i].Version);
        var oldest = wanted.Min();
        var read = new Dictionary<long, MailEntry>(wanted.Count);
        foreach (var stored in await log.ReadStream(stream, oldest - 1, (int)(newest - oldest + 1)))
        {
            if (!wanted.Contains(stored.Version) || EventTypes.Parse(stored.Type, stored.Data) is not MailDelivered e) continue;
            var mail = read[stored.Version] = MailEntry.Of(stored.Version, e);
            Remember(mail);
        }

        return read;
    }

    private void Remember(MailEntry mail)
    {
        if (mail.Weight > MaxRemembered / 4) return;
        if (Interlocked.Add(ref _weight, mail.Weight) > MaxRemembered)
        {
            _remembered.Clear();
            Interlocked.Exchange(ref _weight, mail.Weight);
        }

        _remembered[mail.Version] = mail;
    }
}
