using System.Text.Json.Serialization;

namespace Beadhub.Mail;

/// <summary>JSON of the snapshots of mailboxes.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Mailbox))]
[JsonSerializable(typeof(MailReceipt))]
internal sealed partial class MailboxJson : JsonSerializerContext;
