using System.Collections.Immutable;

namespace Beadhub.Chat;

/// <summary>The newest messages of a session, without a hole, bounded in number and size.</summary>
public sealed class RecentMessages
{
    private const int MostMessages = 64;
    private const int MostCharacters = 32 * 1024;

    private readonly ImmutableQueue<ChatMessageSent> _messages;
    private readonly int _characters;

    private RecentMessages(ImmutableQueue<ChatMessageSent> messages, int count, int characters) =>
        (_messages, Count, _characters) = (messages, count, characters);

    /// <summary>No message.</summary>
    public static RecentMessages None { get; } = new([], 0, 0);

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>The oldest; null when there is none.</summary>
    public ChatMessageSent? Oldest => Count > 0 ? _messages.Peek() : null;

    /// <summary>With one more. A message that does not follow the newest starts anew.</summary>
    public RecentMessages With(ChatMessageSent message)
    {
        var (messages, count, characters) = Oldest is { } oldest && oldest.Sequence + Count != message.Sequence
            ? ([], 0, 0) : (_messages, Count, _characters);
        messages = messages.Enqueue(message);
        count++;
        characters += message.Length;
        while (count > MostMessages || (characters > MostCharacters && count > 0))
        {
            messages = messages.Dequeue(out var dropped);
            count--;
            characters -= dropped.Length;
        }

        return new(messages, count, characters);
    }

    /// <summary>Whether all messages from this number on are here.</summary>
    public bool Reach(long sequence, long newest) => sequence > newest || (Oldest is { } oldest && oldest.Sequence <= sequence);

    /// <summary>The messages that pass, oldest first.</summary>
    public ImmutableArray<ChatMessageSent> Where(Func<ChatMessageSent, bool> pass) => Count == 0 ? [] : [.. _messages.Where(pass)];

    /// <summary>The message with this id; null when it is not here.</summary>
    public ChatMessageSent? Find(string messageId)
    {
        foreach (var message in _messages)
            if (message.MessageId == messageId) return message;
        return null;
    }
}
