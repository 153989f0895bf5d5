using System.Globalization;
using System.Text;
using System.Text.Json;
using Beadhub.Mail;
using Beadhub.Projects;

namespace Beadhub.Identities;

/// <summary>
/// The text that a sender has signed, as newer clients send it along with a message. Recipients verify the signature over it and then show
/// the message, so it must say what the message says, and the signature must fit as far as that can be told here.
/// </summary>
public static class SignedPayload
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    /// <summary>Refuses a payload that does not fit its message; does nothing when there is none.</summary>
    /// <param name="signature">What the sender sent along.</param>
    /// <param name="type"><c>mail</c> or <c>chat</c>.</param>
    /// <param name="subject">Subject; empty for a chat.</param>
    /// <param name="body">Text.</param>
    /// <param name="messageId">Id of the message.</param>
    /// <param name="signedAt">The signed time.</param>
    /// <exception cref="RefusedException">Invalid: what does not fit.</exception>
    public static void MustFit(MessageSignature? signature, string type, string subject, string body, string messageId,
        DateTimeOffset? signedAt)
    {
        if (signature is not { SignedPayload: { } text, Signature: { } signed }) return;
        try
        {
            using var payload = JsonDocument.Parse(text, Strict);
            if (payload.RootElement.ValueKind != JsonValueKind.Object) throw Invalid("must be a JSON object");
            if (Field("type") != type) throw Invalid($"type must be {type}");
            if (Field("body") != body) throw Invalid("body must match the message");
            if ((Field("subject") ?? "") != subject) throw Invalid("subject must match the message");
            if (Field("from_did") != signature.FromDid) throw Invalid("from_did must match the message");
            if (Field("message_id") != messageId) throw Invalid("message_id must match the message");
            if (!DateTimeOffset.TryParse(Field("timestamp"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
                || at != signedAt)
                throw Invalid("timestamp must match the message");

            string? Field(string name) =>
                payload.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
                    ? value.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The latter for half a surrogate pair.
            throw Invalid("must be valid JSON");
        }

        // Other identifiers than keys are for clients to resolve.
        if (DidKey.Of(signature.FromDid) is not { } key) return;
        if (Signing.Decode(signed) is not { } bytes || !Signing.Verify(key, Encoding.UTF8.GetBytes(text), bytes))
            throw new RefusedException(RefusalKind.Invalid, "signature does not match signed_payload");
    }

    private static RefusedException Invalid(string what) => new(RefusalKind.Invalid, $"signed_payload {what}");
}
