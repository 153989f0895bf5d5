using Orleans;

namespace Beadhub.Conversations;

/// <summary>The lists of conversations were kept as a snapshot, so that an old project's feed need not be read from its beginning.</summary>
/// <param name="Position">Feed position up to which the snapshot holds everything.</param>
[GenerateSerializer, Immutable, Alias("conversations.kept.v1")]
public sealed record ConversationsKept([property: Id(0)] long Position) : IEvent;
