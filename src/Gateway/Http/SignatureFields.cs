using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using Beadhub.Mail;

namespace Beadhub.Gateway.Http;

/// <summary>
/// The fields by which a sender proves who wrote a message (protocol 7.1, 12.5). They are stored and shown; clients verify them.
/// Id and time count only with a signature.
/// </summary>
internal sealed class SignatureFields
{
    /// <summary>Names of the fields, for strict bodies.</summary>
    public static readonly string[] Names =
        ["message_id", "timestamp", "from_did", "to_did", "signature", "signing_key_id", "from_stable_id", "to_stable_id"];

    private const string Base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    private readonly string? _messageId;
    private readonly string? _timestamp;

    /// <summary>Reads the fields of a body and checks each for itself.</summary>
    public SignatureFields(BodyFields body)
    {
        var messageId = body.Optional("message_id");
        if (messageId is not null && !Beadhub.Names.TryNormalizeUuid(messageId, out _messageId)) body.Fail("message_id", "Invalid message_id format");
        _timestamp = body.Optional("timestamp");
        var read = new MessageSignature(
            Text("from_did", 256), Text("to_did", 256), Text("signature", 512), Text("signing_key_id", 256), StableId("from_stable_id"), StableId("to_stable_id"));
        Signature = read == new MessageSignature(null, null, null, null) ? null : read;

        string? Text(string name, int max)
        {
            var text = body.Optional(name, max: max);
            if (text?.Contains('\0') == true) body.Fail(name, $"{name} must not contain NUL characters");
            return text;
        }

        string? StableId(string name)
        {
            var text = body.Optional(name, max: 256)?.Trim();
            if (string.IsNullOrEmpty(text)) return null;
            if (!IsStableId(text)) body.Fail(name, $"Invalid {name} format");
            return text;
        }
    }

    /// <summary>What was sent along; null when nothing was.</summary>
    public MessageSignature? Signature { get; }

    /// <summary>Whether the message is signed.</summary>
    [MemberNotNullWhen(true, nameof(Signature))]
    public bool IsSigned => !string.IsNullOrEmpty(Signature?.Signature);

    /// <summary>Id and time that the sender signed; nulls when the message is not signed.</summary>
    /// <exception cref="ApiException">422 when what belongs to a signature is missing.</exception>
    public (string? MessageId, DateTimeOffset? SignedAt) Signed()
    {
        if (!IsSigned) return (null, null);
        if (string.IsNullOrEmpty(Signature.FromDid)) throw ApiException.Unprocessable("from_did is required when signature is provided");
        if (_messageId is null || _timestamp is null) throw ApiException.Unprocessable("message_id and timestamp are required when signature is provided");
        if (_timestamp.Trim().Length == 0) throw ApiException.Unprocessable("timestamp must not be empty");
        var time = ZonedTime.Parse(_timestamp.Trim(), "timestamp");
        if (_timestamp.Contains('.') || time.Ticks % TimeSpan.TicksPerSecond != 0) throw ApiException.Unprocessable("timestamp must be second precision");
        return (_messageId, time);
    }

    // did:claw: or did:aw:, then 20 bytes in base 58.
    private static bool IsStableId(string text)
    {
        var digits = text.StartsWith("did:claw:", StringComparison.Ordinal) ? text[9..] : text.StartsWith("did:aw:", StringComparison.Ordinal) ? text[7..] : "";
        if (digits.Length is 0 or > 40) return false;
        var number = BigInteger.Zero;
        foreach (var digit in digits)
        {
            var value = Base58.IndexOf(digit);
            if (value < 0) return false;
            number = number * 58 + value;
        }

        // Leading ones stand for zero bytes.
        var zeros = digits.Length - digits.TrimStart('1').Length;
        return zeros + (number.IsZero ? 0 : number.GetByteCount(isUnsigned: true)) == 20;
    }
}
