using System.Collections.Immutable;
using Beadhub.EventLog;
using Beadhub.Identities;
using Orleans;

namespace Beadhub.Chat;

/// <summary>The shell of <see cref="ChatSession"/>; finds in the log what is not in memory.</summary>
public sealed class ChatGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<ChatSession>(log), IChatGrain
{
    private const int EventsAtOnce = 64;

    // What a waiting stream holds while its client reads.
    private const int CharactersAtOnce = 128 * 1024;

    // Clients read at most 10 MiB of an answer.
    private const int CharactersOfHistory = 4 * 1024 * 1024;

    private static readonly Func<ChatSession, long, (ChatSession, long)> WithVersion = (session, version) => (session, version);

    private StreamKey _stream;
    private string _project = "";
    private string _sessionId = "";

    /// <inheritdoc/>
    protected override bool ReadsLate => true;

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var key = this.GetPrimaryKeyString();
        var slash = key.IndexOf('/');
        (_project, _sessionId) = (key[..slash], key[(slash + 1)..]);
        _stream = new(ChatSession.Kind.Name, key);
        return base.OnActivateAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<ChatSent> Send(SendChat command)
    {
        SignedPayload.MustFit(command.Signature, "chat", "", command.Body, command.MessageId, command.SignedAt);
        try
        {
            return await Transact(session => session.Send(_sessionId, command, time.Now()), result: ChatJson.Relaxed.ChatSent);
        }
        catch (MarkTakenException)
        {
            throw new RefusedException(RefusalKind.Conflict, "message_id already exists");
        }
        finally
        {
            ForgetWhenUnknown();
        }
    }

    /// <inheritdoc/>
    public async Task<int> MarkRead(MarkChatRead command)
    {
        var (session, _) = await Look();
        session.SeatOf(command.AgentId);
        var message = session.Recent.Find(command.MessageId) ?? await Find(command.MessageId)
            ?? throw new RefusedException(RefusalKind.NotFound, "Message not found");
        return await Transact(s => s.MarkRead(command.AgentId, message.MessageId, message.Sequence, time.Now()));
    }

    /// <inheritdoc/>
    public async ValueTask<ChatParticipant> Participant(string agentId)
    {
        var seat = (await Look()).Session.SeatOf(agentId);
        return new(seat.AgentId, seat.Alias);
    }

    /// <inheritdoc/>
    // A transaction waits for the append before it, even one that decides nothing.
    public Task Settle() => Transact(static _ => Decision.None(true));

    /// <inheritdoc/>
    public async ValueTask<ChatHistory> History(ChatHistoryQuery query)
    {
        var (session, version) = await Look();
        session.SeatOf(query.AgentId);
        var first = session.FirstOf(query);
        return new(session.Recent.Reach(first, session.Count)
            ? session.Recent.Where(message => message.Sequence >= first)
            : await Newest(first, version));
    }

    /// <inheritdoc/>
    public async ValueTask<string?> TextOf(long sequence)
    {
        var (session, version) = await Look();
        var messages = session.Recent.Reach(sequence, session.Count)
            ? session.Recent.Where(message => message.Sequence == sequence)
            : await Newest(sequence, version);
        return messages is [var message, ..] && message.Sequence == sequence ? message.Body : null;
    }

    /// <inheritdoc/>
    public async ValueTask<ChatOpening> Open(OpenChat query)
    {
        var (session, version) = await Look();
        var (from, after) = session.Replay(query, time.Now());
        var opening = new ChatOpening(version, session.Count, [], null, from, after);
        if (session.Recent.Reach(from, session.Count) && (after is null || ReachesBack(session)))
            return opening with { Replay = session.Recent.Where(opening.Shows) };
        return opening with { ReplayAfter = await VersionBefore(from, after, version) };

        bool ReachesBack(ChatSession s) => s.Count == s.Recent.Count
            || (s.Recent.Oldest is { } oldest && !ChatSession.MayBeShown(long.MaxValue, after, oldest, oldest.At));
    }

    /// <inheritdoc/>
    public async ValueTask<long> LastVersion() => (await Look()).Version;

    /// <inheritdoc/>
    public async ValueTask<ChatEventPage> Events(long after)
    {
        var events = ImmutableArray.CreateBuilder<ChatEvent>();
        var characters = 0;
        foreach (var stored in await Log.ReadStream(_stream, after, EventsAtOnce))
        {
            if (characters > CharactersAtOnce) break;
            after = stored.Version;
            characters += stored.Data.Length;
            switch (EventTypes.Parse(stored.Type, stored.Data))
            {
                case ChatMessageSent message: events.Add(new(stored.Version, message, null)); break;
                case ChatRead read: events.Add(new(stored.Version, null, read)); break;
            }
        }

        return new(events.DrainToImmutable(), after);
    }

    private async ValueTask<(ChatSession Session, long Version)> Look()
    {
        var seen = await ReadVersioned(WithVersion);
        ForgetWhenUnknown();
        return seen;
    }

    /// <summary>Messages from a number on, read from the end, as many of the newest as make a bearable answer.</summary>
    private async Task<ImmutableArray<ChatMessageSent>> Newest(long first, long version)
    {
        var messages = new List<ChatMessageSent>();
        var characters = 0;
        while (version > 0)
        {
            var from = Math.Max(0, version - EventsAtOnce);
            var page = await Log.ReadStream(_stream, from, (int)(version - from));
            for (var i = page.Count - 1; i >= 0; i--)
            {
                if (EventTypes.Parse(page[i].Type, page[i].Data) is not ChatMessageSent message) continue;
                characters += message.Length;
                if (message.Sequence < first || (characters > CharactersOfHistory && messages.Count > 0)) return OldestFirst(messages);
                messages.Add(message);
            }

            version = from;
        }

        return OldestFirst(messages);

        static ImmutableArray<ChatMessageSent> OldestFirst(List<ChatMessageSent> newestFirst)
        {
            newestFirst.Reverse();
            return [.. newestFirst];
        }
    }

    /// <summary>The version after which the first events come that a stream may show, found by halving.</summary>
    private async Task<long> VersionBefore(long fromSequence, DateTimeOffset? createdAfter, long version)
    {
        var (before, shown) = (0L, version + 1);
        while (shown - before > 1)
        {
            var middle = before + (shown - before) / 2;
            var found = await Log.ReadStream(_stream, middle - 1, 1);
            if (found is [var e, ..] && !ChatSession.MayBeShown(fromSequence, createdAfter, EventTypes.Parse(e.Type, e.Data), e.At))
                before = middle;
            else shown = middle;
        }

        return before;
    }

    /// <summary>A message of this session, by its mark in the log.</summary>
    private async Task<ChatMessageSent?> Find(string messageId)
    {
        if (await Log.FindMark(_project, IChatGrain.MarkOf(messageId)) is not { } marked || marked.Stream != _stream) return null;
        // The mark is on the first event of its append: where the session began with the message, that is the event before it.
        foreach (var stored in await Log.ReadStream(_stream, marked.Version - 1, 2))
            if (EventTypes.Parse(stored.Type, stored.Data) is ChatMessageSent message && message.MessageId == messageId) return message;
        return null;
    }

    // Whoever asks for ids that do not exist must not fill the memory.
    private void ForgetWhenUnknown()
    {
        if (Version == 0) DeactivateOnIdle();
    }
}
