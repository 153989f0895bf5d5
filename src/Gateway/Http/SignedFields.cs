using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using Beadhub.Mail;
using Beadhub.Projects;

namespace Beadhub.Gateway.Http;

/// <summary>
/// What a sender may send along to prove who wrote a message (protocol 7.1, 12.4). Id and time count only when there is a signature: they are
/// part of what was signed. The signature itself is for the recipient to verify.
/// </summary>
internal sealed partial class SignedFields
{
    /// <summary>Names of the fields, for strict bodies.</summary>
    public static readonly string[] Names =
        ["message_id", "timestamp", "from_did", "to_did", "signature", "signing_key_id", "from_stable_id", "to_stable_id", "signed_payload"];

    // A text of the longest message, each character of it escaped, and the rest.
    private const int MaxPayload = 3 * 1024 * 1024;

    private readonly string? _id;
    private readonly string? _timestamp;

    private SignedFields(string? id, string? timestamp, MessageSignature? signature) => (_id, _timestamp, Signature) = (id, timestamp, signature);

    /// <summary>The identity fields as sent; null when there are none.</summary>
    public MessageSignature? Signature { get; }

    /// <summary>The id that the sender has signed; null for the server to make one.</summary>
    public string? Id => IsSigned ? _id : null;

    private bool IsSigned => Signature is { Signature: not null };

    /// <summary>Reads the fields.</summary>
    public static SignedFields Read(BodyFields body)
    {
        var id = body.Uuid("message_id", "Invalid message_id format");
        var timestamp = body.Optional("timestamp");
        var signature = new MessageSignature(
            Text(body, "from_did", 256), Text(body, "to_did", 256), Text(body, "signature", 512), Text(body, "signing_key_id", 256),
            StableId(body, "from_stable_id"), StableId(body, "to_stable_id"), Text(body, "signed_payload", MaxPayload));
        // What was not signed proves nothing.
        if (signature.Signature is null) signature = signature with { SignedPayload = null };
        return new(id, timestamp, signature == new MessageSignature(null, null, null, null) ? null : signature);
    }

    /// <summary>The signed time; null when nothing is signed.</summary>
    /// <exception cref="ApiException">422: what must go with a signature is missing or malformed (protocol 7.1, step 7).</exception>
    public DateTimeOffset? Time()
    {
        if (!IsSigned) return null;
        if (Signature!.FromDid is null) throw ApiException.Unprocessable("from_did is required when signature is provided");
        if (_id is null || _timestamp is null) throw ApiException.Unprocessable("message_id and timestamp are required when signature is provided");
        var text = _timestamp.Trim();
        if (text.Length == 0) throw ApiException.Unprocessable("timestamp must not be empty");
        if (Timestamp().Match(text) is not { Success: true } match || !TryParse(match, out var time)) throw ApiException.Unprocessable("Invalid timestamp format");
        if (match.Groups["zone"].Length == 0) throw ApiException.Unprocessable("timestamp must be timezone-aware");
        if (match.Groups["fraction"].ValueSpan.ContainsAnyExcept(".0")) throw ApiException.Unprocessable("timestamp must be second precision");
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
        stableId is null || (agent.StableId is { } known && stableId.AsSpan(stableId.LastIndexOf(':')).SequenceEqual(known.AsSpan(known.LastIndexOf(':'))));

    private static bool TryParse(Match match, out DateTimeOffset time) =>
        DateTimeOffset.TryParse(
            $"{match.Groups["date"].ValueSpan}T{match.Groups["time"].ValueSpan}{match.Groups["zone"].ValueSpan}", CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);

    private static string? Text(BodyFields body, string name, int max)
    {
        var text = body.Optional(name, max: max);
        body.MustBePlain(name, text);
        return string.IsNullOrEmpty(text) ? null : text;
    }

    private static string? StableId(BodyFields body, string name)
    {
        var text = body.Optional(name, max: 256)?.Trim();
        if (string.IsNullOrEmpty(text)) return null;
        if (!IsStableId(text)) body.Fail(name, $"Invalid {name} format");
        return text;
    }

    /// <summary>Whether it is <c>did:claw:</c> or <c>did:aw:</c> and 20 bytes in base58btc (protocol 12.1).</summary>
    private static bool IsStableId(string text)
    {
        const string alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
        const int length = 20;
        var digits = text.AsSpan(text.StartsWith("did:claw:", StringComparison.Ordinal) ? 9 : text.StartsWith("did:aw:", StringComparison.Ordinal) ? 7 : text.Length);
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

    [GeneratedRegex(@"\A(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?<fraction>\.[0-9]{1,9})?(?<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})?\z")]
    private static partial Regex Timestamp();
}
