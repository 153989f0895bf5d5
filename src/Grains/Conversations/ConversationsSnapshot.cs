using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Beadhub.Conversations;

/// <summary>A <see cref="ConversationIndex"/> as it is kept.</summary>
/// <param name="Position">Feed position up to which everything is in it.</param>
/// <param name="Sessions">The chat sessions.</param>
/// <param name="People">The agents with mail.</param>
/// <param name="Fold">Which fold made it (<see cref="ConversationIndex.Fold"/>); a snapshot without the number is the first one's.</param>
internal sealed record ConversationsSnapshot(long Position, ImmutableArray<KeptSession> Sessions, ImmutableArray<KeptPerson> People,
    int Fold = 1);

/// <summary>A chat session; they are in the order in which they began.</summary>
internal sealed record KeptSession(
    string Id, DateTimeOffset StartedAt, ImmutableArray<KeptSeat> Seats, long Count, LastMessage? Last);

/// <summary>A participant's place in it.</summary>
internal sealed record KeptSeat(string AgentId, string Alias, long ReadUpTo);

/// <summary>An agent with mail.</summary>
internal sealed record KeptPerson(string AgentId, int UnreadMails, ImmutableArray<KeptThread> Threads,
    ImmutableArray<SentMail> Sent = default);

/// <summary>A mail thread of an agent.</summary>
internal sealed record KeptThread(string Id, ImmutableArray<string> Participants, string Subject, LastMessage Last,
    ImmutableArray<string> Unread);

/// <summary>JSON of the snapshots.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ConversationsSnapshot))]
internal sealed partial class ConversationsJson : JsonSerializerContext
{
    /// <summary>Leaves text readable: nothing here is ever put into HTML.</summary>
    public static ConversationsJson Relaxed =>
        field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
