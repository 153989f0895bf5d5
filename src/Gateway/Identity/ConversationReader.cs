using System.Collections.Immutable;

namespace Beadhub.Gateway.Identity;

/// <summary>
/// What a reader may see of others' conversations, decided here for everybody who shows them: that a mail or chat message was sent, and by
/// whom to whom, is the project's; what it says is its participants'.
/// </summary>
/// <param name="AgentId">The agent as which the reader takes part; null for a reader who takes part in none.</param>
/// <param name="Oversees">Whether the reader oversees all conversations, as an administrator may.</param>
internal readonly record struct ConversationReader(string? AgentId, bool Oversees = false)
{
    /// <summary>A reader who takes part in no conversation, as what belongs to the project as a whole: its webhooks.</summary>
    public static ConversationReader Outsider => default;

    /// <summary>The reader that a caller is. A public reader acts as nobody, whatever agent its headers name.</summary>
    public static ConversationReader Of(ProjectIdentity who) => new(who.Mode == AuthMode.PublicReader ? null : who.AgentId);

    /// <summary>Whether the reader sees what is said between these agents.</summary>
    public bool Sees(ImmutableArray<string> participants) => Oversees || (AgentId is { } id && participants.Contains(id));
}
