namespace Beadhub.Identities;

/// <summary>What a sender signs of a message (protocol 12.4). Priority, thread and the like are not signed.</summary>
/// <param name="Type"><c>mail</c> or <c>chat</c>.</param>
/// <param name="From">Sender's address, <c>slug/alias</c>.</param>
/// <param name="FromDid">Sender's did:key.</param>
/// <param name="To">Recipient's address; of a chat, those of all targets in order, joined by commas.</param>
/// <param name="ToDid">Recipient's did:key; may be empty.</param>
/// <param name="Subject">Subject; empty for a chat.</param>
/// <param name="Body">Text.</param>
/// <param name="Timestamp">Whole seconds, with Z.</param>
/// <param name="MessageId">Id of the message; may be empty.</param>
/// <param name="FromStableId">Sender's stable id; may be empty.</param>
/// <param name="ToStableId">Recipient's stable id; may be empty.</param>
public sealed record SignedMessage(
    string Type,
    string From,
    string FromDid,
    string To,
    string ToDid,
    string Subject,
    string Body,
    string Timestamp,
    string MessageId = "",
    string FromStableId = "",
    string ToStableId = "")
{
    /// <summary>The bytes that are signed.</summary>
    public byte[] Payload()
    {
        List<(string, string)> fields =
        [
            ("body", Body), ("from", From), ("from_did", FromDid), ("subject", Subject), ("timestamp", Timestamp), ("to", To),
            ("to_did", ToDid), ("type", Type),
        ];
        if (FromStableId.Length > 0) fields.Add(("from_stable_id", FromStableId));
        if (MessageId.Length > 0) fields.Add(("message_id", MessageId));
        if (ToStableId.Length > 0) fields.Add(("to_stable_id", ToStableId));
        return CanonicalJson.Of(fields);
    }
}
