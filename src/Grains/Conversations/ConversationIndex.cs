using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Beadhub.Chat;
using Beadhub.Feed;
using Beadhub.Mail;

namespace Beadhub.Conversations;

/// <summary>
/// The chat sessions and mail threads of a project's agents, folded from its feed. It keeps beginnings of texts only. Not safe for
/// concurrent callers.
/// </summary>
internal sealed class ConversationIndex
{
    /// <summary>Kind of the streams that mailboxes are.</summary>
    public const string MailKind = "mailbox";

    /// <summary>Mail threads kept for an agent: the newest ones. Older threads are not listed any more; their mail still is, in the
    /// inbox.</summary>
    public const int MostThreads = 5000;

    /// <summary>Number of the fold, as <see cref="EventLog.StreamKind{TState}.Fold"/>: a snapshot of another one is not believed, and the
    /// feed read from its beginning.</summary>
    public const int Fold = 2;

    /// <summary>Sent mails kept for an agent: where the newest ones stand.</summary>
    public const int MostSent = 5000;

    private readonly Dictionary<string, Session> _sessions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Person> _people = new(StringComparer.Ordinal);

    /// <summary>Feed position up to which everything is in here.</summary>
    public long Position { get; private set; }

    /// <summary>Number of sessions and threads.</summary>
    public int Count { get; private set; }

    /// <summary>Whether an event that has a place here is not known: no snapshot is made over it.</summary>
    public bool HoldsUnknown { get; private set; }

    /// <summary>Whether an event has a place here.</summary>
    public static bool Matters(FeedEvent stored) => stored.Kind == ChatSession.Kind.Name || stored.Kind == MailKind;

    /// <summary>Takes an event in; events up to <see cref="Position"/> were taken already.</summary>
    public void Take(FeedEvent stored)
    {
        if (stored.Position <= Position) return;
        if (Matters(stored))
        {
            if (EventTypes.Parse(stored.Type, stored.Data) is { } @event) Apply(stored, @event);
            else HoldsUnknown = true;
        }

        Position = stored.Position;
    }

    /// <summary>Nothing that matters comes before this position any more.</summary>
    public void Reach(long position) => Position = Math.Max(Position, position);

    /// <summary>The lists of an agent. The same object until something in them changes.</summary>
    public AgentLists ListsOf(string agentId) =>
        _people.TryGetValue(agentId, out var person) ? person.Lists ??= Compose(agentId, person) : AgentLists.Empty;

    /// <summary>The agent's mail threads and chat sessions, newest first, with the place of their newest message in the feed.</summary>
    public ImmutableArray<(long Position, ConversationRow Row)> ConversationsOf(string agentId)
    {
        if (!_people.TryGetValue(agentId, out var person)) return [];
        if (person.Conversations.IsDefault) person.Conversations = Conversations(agentId, person);
        return person.Conversations;
    }

    /// <summary>Where mails that an agent has sent stand, the last sent first.</summary>
    /// <param name="agentId">Who has sent them.</param>
    /// <param name="before">Only those before this place in the feed.</param>
    /// <param name="most">How many at most.</param>
    public ImmutableArray<SentMail> SentBy(string agentId, long? before, int most)
    {
        if (!_people.TryGetValue(agentId, out var person)) return [];
        var found = ImmutableArray.CreateBuilder<SentMail>();
        for (var i = person.Sent.Count - 1; i >= 0 && found.Count < most; i--)
            if (!(person.Sent[i].Position >= before)) found.Add(person.Sent[i]);
        return found.DrainToImmutable();
    }

    /// <summary>Everything, to be kept.</summary>
    public ConversationsSnapshot Save() => new(
        Position,
        [.. _sessions.Values.Select(s => new KeptSession(
            s.Id, s.StartedAt, [.. s.Seats.Select(seat => new KeptSeat(seat.AgentId, seat.Alias, seat.ReadUpTo))], s.Count, s.Last))],
        [.. _people.Where(p => p.Value.Threads.Count > 0 || p.Value.UnreadMails > 0).Select(p => new KeptPerson(
            p.Key,
            p.Value.UnreadMails,
            [.. p.Value.Threads.Values.Select(t => new KeptThread(t.Id, [.. t.Participants], t.Subject, t.Last, [.. t.Unread]))],
            [.. p.Value.Sent]))],
        Fold);

    /// <summary>Begins with what was kept.</summary>
    public static ConversationIndex From(ConversationsSnapshot kept)
    {
        var index = new ConversationIndex { Position = kept.Position };
        foreach (var s in kept.Sessions)
        {
            var session = new Session(s.Id, s.StartedAt) { Count = s.Count, Last = s.Last };
            foreach (var seat in s.Seats) session.Seats.Add(new(seat.AgentId, seat.Alias) { ReadUpTo = seat.ReadUpTo });
            index.Add(session);
        }

        foreach (var p in kept.People)
        {
            var person = index.PersonOf(p.AgentId);
            person.UnreadMails = p.UnreadMails;
            if (!p.Sent.IsDefault) person.Sent.AddRange(p.Sent);
            foreach (var t in p.Threads)
            {
                var thread = new Thread(t.Id) { Subject = t.Subject, Last = t.Last };
                thread.Participants.UnionWith(t.Participants);
                thread.Unread.UnionWith(t.Unread);
                foreach (var id in t.Unread) person.ThreadOfUnread[id] = thread;
                person.Threads.Add(t.Id, thread);
                index.Count++;
            }
        }

        return index;
    }

    private void Apply(FeedEvent stored, IEvent @event)
    {
        switch (@event)
        {
            case ChatStarted e:
                var begun = new Session(e.SessionId, e.At);
                foreach (var participant in e.Participants) begun.Seats.Add(new(participant.AgentId, participant.Alias));
                Add(begun);
                break;

            case ChatMessageSent e when SessionOf(stored) is { } session:
                session.Count = e.Sequence;
                session.Last = LastMessage.Of(stored.Position, e.CreatedAt, e.FromAlias, e.Body);
                Read(session, e.FromAgentId, e.Sequence);
                foreach (var seat in session.Seats) PersonOf(seat.AgentId).Invalidate();
                break;

            case ChatRead e when SessionOf(stored) is { } session:
                Read(session, e.AgentId, e.Sequence);
                PersonOf(e.AgentId).Invalidate();
                break;

            case MailDelivered e:
                var last = LastMessage.Of(stored.Position, e.At, e.FromAlias, e.Body);
                Mail(e.ToAgentId, e, last, isUnread: true);
                if (e.FromAgentId != e.ToAgentId) Mail(e.FromAgentId, e, last, isUnread: false);
                PersonOf(e.FromAgentId).NoteSent(new(stored.Position, e.ToAgentId, stored.Version));
                break;

            case MailRead e:
                var reader = PersonOf(e.AgentId);
                reader.UnreadMails = Math.Max(0, reader.UnreadMails - 1);
                if (reader.ThreadOfUnread.Remove(e.MessageId, out var read)) read.Unread.Remove(e.MessageId);
                reader.Invalidate();
                break;
        }
    }

    private void Add(Session session)
    {
        if (!_sessions.TryAdd(session.Id, session)) return;
        Count++;
        foreach (var seat in session.Seats)
        {
            var person = PersonOf(seat.AgentId);
            person.Sessions.Add(session);
            person.Invalidate();
        }
    }

    private void Mail(string agentId, MailDelivered mail, LastMessage last, bool isUnread)
    {
        var person = PersonOf(agentId);
        var id = mail.ThreadId ?? mail.MessageId;
        ref var thread = ref CollectionsMarshal.GetValueRefOrAddDefault(person.Threads, id, out var known);
        if (!known) Count++;
        var found = thread ??= new(id);
        found.Subject = mail.Subject;
        found.Last = last;
        found.Participants.Add(mail.FromAlias);
        found.Participants.Add(mail.ToAlias);
        person.Invalidate();
        if (isUnread)
        {
            person.UnreadMails++;
            found.Unread.Add(mail.MessageId);
            person.ThreadOfUnread[mail.MessageId] = found;
        }

        if (person.Threads.Count > MostThreads + MostThreads / 10) DropOldest(person);
    }

    private void DropOldest(Person person)
    {
        foreach (var old in person.Threads.Values.OrderByDescending(t => t.Last.Position).Skip(MostThreads).ToList())
        {
            person.Threads.Remove(old.Id);
            foreach (var id in old.Unread) person.ThreadOfUnread.Remove(id);
            Count--;
        }
    }

    private static void Read(Session session, string agentId, long sequence)
    {
        foreach (var seat in session.Seats)
            if (seat.AgentId == agentId) seat.ReadUpTo = Math.Max(seat.ReadUpTo, sequence);
    }

    private Session? SessionOf(FeedEvent stored) => _sessions.GetValueOrDefault(stored.Key[(stored.Key.IndexOf('/') + 1)..]);

    private Person PersonOf(string agentId)
    {
        ref var person = ref CollectionsMarshal.GetValueRefOrAddDefault(_people, agentId, out _);
        return person ??= new();
    }

    private static AgentLists Compose(string agentId, Person person)
    {
        var pending = new List<(long Position, PendingSession Session)>();
        var sessions = ImmutableArray.CreateBuilder<ChatSessionRow>(person.Sessions.Count);
        // They are in the order in which they began.
        for (var i = person.Sessions.Count - 1; i >= 0; i--)
        {
            var session = person.Sessions[i];
            sessions.Add(new(session.Id, session.Aliases, session.StartedAt, false));
            if (session.Last is { } last && session.UnreadOf(agentId) is > 0 and var unread)
                pending.Add((last.Position,
                    new(new(session.Id, session.Aliases, last.Preview, last.From, unread, last.At, false), session.Count, last.IsCut)));
        }

        return new(sessions.MoveToImmutable(), [.. pending.OrderByDescending(p => p.Position).Select(p => p.Session)], person.UnreadMails);
    }

    private static ImmutableArray<(long Position, ConversationRow Row)> Conversations(string agentId, Person person)
    {
        var rows = new List<(long Position, ConversationRow Row)>(person.Sessions.Count + person.Threads.Count);
        foreach (var session in person.Sessions)
            if (session.Last is { } last)
                rows.Add((last.Position,
                    new("chat", session.Id, session.Aliases, "", last.At, last.From, last.Preview, session.UnreadOf(agentId))));
        foreach (var thread in person.Threads.Values)
            rows.Add((thread.Last.Position,
                new("mail", thread.Id, [.. thread.Participants], thread.Subject, thread.Last.At, thread.Last.From, thread.Last.Preview,
                    thread.Unread.Count)));
        return [.. rows.OrderByDescending(row => row.Position)];
    }

    private sealed class Person
    {
        public List<Session> Sessions { get; } = [];

        public Dictionary<string, Thread> Threads { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, Thread> ThreadOfUnread { get; } = new(StringComparer.Ordinal);

        public List<SentMail> Sent { get; } = [];

        public int UnreadMails { get; set; }

        public AgentLists? Lists { get; set; }

        public ImmutableArray<(long Position, ConversationRow Row)> Conversations { get; set; }

        public void Invalidate() => (Lists, Conversations) = (null, default);

        public void NoteSent(SentMail mail)
        {
            Sent.Add(mail);
            if (Sent.Count > MostSent + MostSent / 10) Sent.RemoveRange(0, Sent.Count - MostSent);
        }
    }

    private sealed class Session(string id, DateTimeOffset startedAt)
    {
        private ImmutableArray<string> _aliases;

        public string Id => id;

        public DateTimeOffset StartedAt => startedAt;

        public List<SessionSeat> Seats { get; } = [];

        public long Count { get; set; }

        public LastMessage? Last { get; set; }

        public int UnreadOf(string agentId) => (int)(Count - Seats.First(seat => seat.AgentId == agentId).ReadUpTo);

        public ImmutableArray<string> Aliases => _aliases.IsDefault ? _aliases = [.. Seats.Select(seat => seat.Alias)] : _aliases;
    }

    private sealed class SessionSeat(string agentId, string alias)
    {
        public string AgentId => agentId;

        public string Alias => alias;

        public long ReadUpTo { get; set; }
    }

    private sealed class Thread(string id)
    {
        public string Id => id;

        public SortedSet<string> Participants { get; } = new(StringComparer.Ordinal);

        public string Subject { get; set; } = "";

        public LastMessage Last { get; set; } = LastMessage.Of(0, default, "", "");

        public HashSet<string> Unread { get; } = new(StringComparer.Ordinal);
    }
}

/// <summary>Where a mail stands.</summary>
/// <param name="Position">In the project's feed.</param>
/// <param name="To">The recipient, in whose mailbox it is.</param>
/// <param name="Version">In the mailbox's stream.</param>
internal readonly record struct SentMail(long Position, string To, long Version);

/// <summary>The newest message of a session or thread.</summary>
/// <param name="Position">Its place in the project's feed, by which lists are ordered.</param>
/// <param name="At">When it was sent, as people see it.</param>
/// <param name="From">Alias of its sender.</param>
/// <param name="Preview">Beginning of its text.</param>
/// <param name="IsCut">Whether the text goes on.</param>
internal sealed record LastMessage(long Position, DateTimeOffset At, string From, string Preview, bool IsCut)
{
    private const int Characters = 100;

    public static LastMessage Of(long position, DateTimeOffset at, string from, string text)
    {
        var preview = Chat.Preview.Of(text, Characters);
        return new(position, at, from, preview, preview.Length < text.Length);
    }
}
