using System.Collections.Immutable;

namespace Beadhub.Conversations;

/// <summary>The chat lists of one agent, without who waits.</summary>
/// <param name="Sessions">Chat sessions, newest first.</param>
/// <param name="Pending">Those with unread messages, newest activity first.</param>
/// <param name="UnreadMails">Number of unread mails.</param>
internal sealed record AgentLists(
    ImmutableArray<ChatSessionRow> Sessions,
    ImmutableArray<PendingSession> Pending,
    int UnreadMails)
{
    private ImmutableArray<PendingSession> _whole;
    private PendingView? _pending;

    /// <summary>The lists of an agent that never had to do with anybody.</summary>
    public static AgentLists Empty { get; } = new([], [], 0);

    /// <summary>
    /// What is pending, with who waits: the same object as the last time when that has not changed. The index keeps beginnings only; where
    /// a text goes on, it is fetched once.
    /// </summary>
    /// <param name="waits">Whether somebody else waits in the session at this index.</param>
    /// <param name="textOf">Fetches the text of a session's newest message.</param>
    public async ValueTask<PendingView> PendingWith(Func<int, bool> waits, Func<PendingSession, ValueTask<string?>> textOf)
    {
        if (Volatile.Read(ref _pending) is { } known
            && known.Pending.Select((row, i) => row.SenderWaiting == waits(i)).All(static same => same)) return known;
        if (_whole.IsDefault) ImmutableInterlocked.InterlockedExchange(ref _whole, await Whole(textOf));
        var view = new PendingView([.. _whole.Select((session, i) => session.Row with { SenderWaiting = waits(i) })], UnreadMails);
        Volatile.Write(ref _pending, view);
        return view;
    }

    private async ValueTask<ImmutableArray<PendingSession>> Whole(Func<PendingSession, ValueTask<string?>> textOf)
    {
        // Clients read at most 10 MiB; who has more than this waiting has enough to read with the beginnings.
        var room = 256 * 1024;
        var whole = ImmutableArray.CreateBuilder<PendingSession>(Pending.Length);
        foreach (var session in Pending)
        {
            var text = session.IsCut && room > 0 ? await textOf(session) : null;
            room -= text?.Length ?? 0;
            whole.Add(text is null || room < 0 ? session : session with { Row = session.Row with { LastMessage = text } });
        }

        return whole.MoveToImmutable();
    }
}

/// <summary>A chat session with unread messages.</summary>
/// <param name="Row">As it is shown.</param>
/// <param name="Newest">Number of its newest message.</param>
/// <param name="IsCut">Whether the text of that goes on.</param>
internal sealed record PendingSession(PendingRow Row, long Newest, bool IsCut);
