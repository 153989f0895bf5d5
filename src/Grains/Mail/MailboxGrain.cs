using System.Collections.Concurrent;
using Beadhub.EventLog;
using Beadhub.Identities;
using Orleans;

namespace Beadhub.Mail;

/// <inheritdoc cref="IMailboxGrain"/>
public sealed class MailboxGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<Mailbox>(log), IMailboxGrain
{
    private const long MaxCachedWeight = 4 * 1024 * 1024;
    private const int CachedPages = 4;

    private static readonly Func<Mailbox, Mailbox> WholeState = box => box;

    // Clients ask few questions over and over, usually the same one.
    private readonly ConcurrentDictionary<InboxQuery, CachedPage> _pages = new();
    private StreamKey _stream;
    private string _project = "";
    private string _agent = "";
    private OldMail _old = null!;

    private sealed record CachedPage(Mailbox Box, MailPage Page);

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var key = this.GetPrimaryKeyString();
        _stream = new(Mailbox.Kind.Name, key);
        _project = Mailbox.Kind.ProjectOf(key);
        _agent = key[(_project.Length + 1)..];
        _old = new(Log, _stream);
        return base.OnActivateAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<MailReceipt> Deliver(DeliverMail command)
    {
        SignedPayload.MustFit(command.Signature, "mail", command.Subject, command.Body, command.MessageId, command.SentAt);
        var now = time.Now();
        try
        {
            return await Transact(box => box.Deliver(command, _agent, now), anyVersion: true, MailboxJson.Default.MailReceipt);
        }
        catch (MarkTakenException)
        {
            // Delivered by the call that this one repeats.
            if (RepeatedCall.IsServed && await Find(command.MessageId) is { } first && first.FromAgentId == command.FromAgentId)
                return new(first.MessageId, first.CreatedAt);
            throw new RefusedException(RefusalKind.Conflict, "message_id already exists");
        }
    }

    /// <inheritdoc/>
    public async Task<MailReceipt> Acknowledge(string messageId, bool silently)
    {
        var now = time.Now();
        var mail = await Own(messageId) ?? throw new RefusedException(RefusalKind.NotFound, "Message not found");
        try
        {
            if (await Transact(box => box.Acknowledge(mail.Version, mail.Mail!, _agent, silently, now),
                result: MailboxJson.Default.MailReceipt!) is { } receipt) return receipt;
        }
        catch (MarkTakenException)
        {
            // Another node was faster with the same.
        }

        return new(messageId, await FirstReadAt(messageId));
    }

    /// <inheritdoc/>
    // A transaction waits for the append before it, even one that decides nothing.
    public Task Settle() => Transact(static _ => Decision.None(true));

    /// <inheritdoc/>
    public ValueTask<MailPage> Inbox(InboxQuery query)
    {
        var read = Read(WholeState);
        return read.IsCompletedSuccessfully && Cached(read.Result, query) is { } page ? new(page) : Compose(read, query);
    }

    /// <inheritdoc/>
    public async ValueTask<MailView?> Find(string messageId)
    {
        try
        {
            return (await Own(messageId))?.Mail;
        }
        catch (RefusedException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<int> Unread() => (int)(await Read(WholeState)).Unread.Count;

    private MailPage? Cached(Mailbox box, InboxQuery query) =>
        _pages.TryGetValue(query, out var cached) && ReferenceEquals(cached.Box, box) ? cached.Page : null;

    private async ValueTask<MailPage> Compose(ValueTask<Mailbox> read, InboxQuery query)
    {
        var box = await read;
        if (Cached(box, query) is { } known) return known;
        var (mails, weight) = await _old.Read(box.List(query), JsonSize.MaxPage);
        var page = new MailPage(mails);
        if (weight > MaxCachedWeight) return page;
        if (_pages.Count >= CachedPages && !_pages.ContainsKey(query)) _pages.Clear();
        _pages[query] = new(box, page);
        return page;
    }

    /// <summary>A mail of this box; null when the project has none with the id.</summary>
    /// <exception cref="RefusedException">It is in another agent's box.</exception>
    private async ValueTask<MailEntry?> Own(string messageId)
    {
        var box = await Read(WholeState);
        if (box.Kept(messageId) is { } kept) return kept;
        if (await Log.FindMark(_project, Mailbox.MarkOf(messageId)) is not { } marked || marked.Stream.Kind != _stream.Kind) return null;
        if (marked.Stream != _stream) throw new RefusedException(RefusalKind.Forbidden, "Not authorized to acknowledge this message");
        return await _old.Read(box.At(marked.Version));
    }

    /// <summary>When a mail was acknowledged that is neither unread nor among the newest.</summary>
    private async ValueTask<DateTimeOffset> FirstReadAt(string messageId)
    {
        var marked = await Log.FindMark(_project, Mailbox.ReadMarkOf(messageId))
            ?? throw new InvalidOperationException($"{_stream}: {messageId} was read, but not when.");
        var stored = await Log.ReadStream(_stream, marked.Version - 1, 1);
        return stored is [var only] && EventTypes.Parse(only.Type, only.Data) is MailRead read
            ? read.At
            : throw new InvalidOperationException($"{_stream}: no acknowledgement at {marked.Version}.");
    }
}
