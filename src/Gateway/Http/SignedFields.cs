using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using Beadhub.Gateway.Requests;
using Beadhub.Mail;
using Beadhub.Projects;

namespace Beadhub.Gateway.Http;

/// <summary>
/// What a sender may send along to prove who wrote a message (protocol 7.1, 12.4). Id and time count only when there is a signature: they
/// are part of what was signed. The signature itself is for the recipient to verify.
/// </summary>
internal sealed partial class SignedFields
{
    // A text of the longest message, each character of it escaped, and the rest.
    private const int MaxPayload = 3 * 1024 * 1024;

    private static readonly Field<string?> MessageId = InBody
        .Uuid("message_id", "Id that the sender has signed; means nothing without a signature");
    private static readonly Field<string?> SentAt = InBody.Optional("timestamp",
        "Time that the sender has signed: RFC 3339, whole seconds");
    private static readonly Field<string?> FromDid = InBody.Prose("from_did", "did:key of the sender", 256);
    private static readonly Field<string?> ToDid = InBody.Prose("to_did", "did:key of the recipient", 256);
    private static readonly Field<string?> Signed = InBody.Prose("signature", "The sender's signature, base64; for the recipient to verify",
        512);
    private static readonly Field<string?> SigningKey = InBody.Prose("signing_key_id", "Which key has signed", 256);
    private static readonly Field<string?> FromStableId = StableId("from_stable_id", "The sender's stable id");
    private static readonly Field<string?> ToStableId = StableId("to_stable_id", "The recipient's stable id");
    private static readonly Field<string?> Payload = InBody.Prose("signed_payload", "The very text that was signed", MaxPayload);

    /// <summary>The fields.</summary>
    public static readonly Field[] Fields = [MessageId, SentAt, FromDid, ToDid, Signed, SigningKey, FromStableId, ToStableId, Payload];

    private readonly string? _id;
    private readonly string? _timestamp;

    private SignedFields(string? id, string? timestamp, MessageSignature? signature) =>
        (_id, _timestamp, Signature) = (id, timestamp, signature);

    /// <summary>The identity fields as sent; null when there are none.</summary>
    public MessageSignature? Signature { get; }

    /// <summary>The id that the sender has signed; null for the server to make one.</summary>
    public string? Id => IsSigned ? _id : null;

    private bool IsSigned => Signature is { Signature: not null };

    /// <summary>Reads the fields.</summary>
    public static SignedFields Read(RequestFields fields)
    {
        var (id, timestamp) = (fields.Get(MessageId), fields.Get(SentAt));
        var signature = new MessageSignature(
            Text(FromDid), Text(ToDid), Text(Signed), Text(SigningKey), Text(FromStableId)?.Trim(), Text(ToStableId)?.Trim(),
            Text(Payload));
        // What was not signed proves nothing.
        if (signature.Signature is null) signature = signature with { SignedPayload = null };
        return new(id, timestamp, signature == new MessageSignature(null, null, null, null) ? null : signature);

        string? Text(Field<string?> field) => fields.Get(field) is { Length: > 0 } text ? text : null;
    }

    /// <summary>The signed time; null when nothing is signed.</summary>
    /// <exception cref="ApiException">422: what must go with a signature is missing or malformed (protocol 7.1, step 7).</exception>
    public DateTimeOffset? Time()
    {
        if (!IsSigned) return null;
        if (Signature!.FromDid is null) throw ApiException.Unprocessable("from_did is required when signature is provided");
        if (_id is null || _timestamp is null)
            throw ApiException.Unprocessable("message_id and timestamp are required when signature is provided");
        var text = _timestamp.Trim();
        if (text.Length == 0) throw ApiException.Unprocessable("timestamp must not be empty");
        if (Timestamp().Match(text) is not { Success: true } match || !TryParse(match, out var time))
            throw ApiException.Unprocessable("Invalid timestamp format");
        if (match.Groups["zone"].Length == 0) throw ApiException.Unprocessable("timestamp must be timezone-aware");
        if (match.Groups["fraction"].ValueSpan.ContainsAnyExcept(".0"))
            throw ApiException.Unprocessable("timestamp must be second precision");
        return time;
    }

    /// <summary>Refuses another stable id than the sender's.</summary>
    /// <exception cref="ApiException">403.</exception>
    public void MustBeFrom(AgentIdentity sender)
    {
        if (!Fits(Signature?.FromStableId, sender)) throw ApiException.Forbidden("from_stable_id does not match sender stable_id");
    }

    /// <summary>Refuses another stable id than the recipient's.</summary>
    /// <exception cref="ApiException">403.</exception>
    public void MustBeTo(AgentIdentity recipient)
    {
        if (!Fits(Signature?.ToStableId, recipient)) throw ApiException.Forbidden("to_stable_id does not match recipient stable_id");
    }

    // Older and newer clients write the same id with different prefixes (protocol 12.1).
    private static bool Fits(string? stableId, AgentIdentity agent) =>
        stableId is null
            || (agent.StableId is { } known
            && stableId.AsSpan(stableId.LastIndexOf(':')).SequenceEqual(known.AsSpan(known.LastIndexOf(':'))));

    private static bool TryParse(Match match, out DateTimeOffset time) =>
        DateTimeOffset.TryParse(
            $"{match.Groups["date"].ValueSpan}T{match.Groups["time"].ValueSpan}{match.Groups["zone"].ValueSpan}",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);

    private static Field<string?> StableId(string name, string description) => InBody.Optional(name, description, max: 256)
        .Must(static text => string.IsNullOrWhiteSpace(text) || IsStableId(text.Trim()), $"Invalid {name} format")
        .To<string?>(static (string? text, out string? id) => (id = string.IsNullOrWhiteSpace(text) ? null : text) is var _, "");

    /// <summary>Whether it is <c>did:claw:</c> or <c>did:aw:</c> and 20 bytes in base58btc (protocol 12.1).</summary>
    private static bool IsStableId(string text)
    {
        const string alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
        const int length = 20;
        var digits = text.AsSpan(text.StartsWith("did:claw:", StringComparison.Ordinal) ? 9
            : text.StartsWith("did:aw:", StringComparison.Ordinal) ? 7 : text.Length);
        if (digits.Length is 0 or > 2 * length) return false;
        var number = BigInteger.Zero;
        var zeros = digits.IndexOfAnyExcept('1') is >= 0 and var first ? first : digits.Length; // each leading 1 is a zero byte
        foreach (var c in digits)
        {
            if (alphabet.IndexOf(c) is not (>= 0 and var value)) return false;
            number = number * 58 + value;
        }

        return zeros + (number.IsZero ? 0 : number.GetByteCount(isUnsigned: true)) == length;
    }

    [GeneratedRegex(
        @"\A(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?<time>[0-9]{2}:[0-9]{2}:[0-9]{2})"
        + @"(?<fraction>\.[0-9]{1,9})?(?<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})?\z")]
    private static partial Regex Timestamp();
}
