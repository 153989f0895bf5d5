using System.Text;
using Beadhub.Identities;
using Beadhub.Mail;
using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Identities;

/// <summary>Signatures, against the protocol's public vectors (protocol 12.1, 12.4, 12.7; checklist P165).</summary>
public class SigningTests
{
    private const string Did = "did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd";
    private const string OtherDid = "did:key:z6MkhFwXNFWosLeugvSf4wcL9t3uuRXueGSFTRgSvHhWj5G2";

    private static readonly byte[] Seed = SeedFrom(0);

    private static readonly SignedMessage MailBasic = new(
        "mail", "mycompany/researcher", Did, "acme/monitor", OtherDid, "status update", "task complete", "2026-02-22T10:00:00Z",
        "8b1c2c69-7c2a-4fbb-9f4a-3dfb7d7a26c0");

    [Fact]
    public void Mail_basic()
    {
        var payload = MailBasic.Payload();

        Encoding.UTF8.GetString(payload).ShouldBe(
            $$"""{"body":"task complete","from":"mycompany/researcher","from_did":"{{Did}}","message_id":"8b1c2c69-7c2a-4fbb-9f4a-3dfb7d7a26c0","subject":"status update","timestamp":"2026-02-22T10:00:00Z","to":"acme/monitor","to_did":"{{OtherDid}}","type":"mail"}""");
        Signing.Sign(Seed, payload).ShouldBe("OF5hbFcpZi5OsYtUrWgze2K64ZP47PHFFTbXCWhKD8yjRkNUB6SQZ226M9h2tIUvoTlzmNZtMRWVUPpfT/kfDg");
    }

    [Fact]
    public void Mail_with_stable_ids_unicode()
    {
        var payload = (MailBasic with
        {
            Subject = "café",
            FromStableId = "did:claw:2CiZ88hVF4JuQim8nnSuyeiV2HF2",
            ToStableId = "did:claw:WsPUbr9PzoJKNvBcQ5xRys6wJS7",
        }).Payload();

        Encoding.UTF8.GetString(payload).ShouldContain("\"subject\":\"café\",");
        Signing.Sign(Seed, payload).ShouldBe("iujxXo4BaEQUf8QcT05vOIXbxXGBwJd+2A99uPjnfGOIQoftx/7sFQSG5bQc34YVTDzbMSIaWOR8MTz3Oyk6CA");
    }

    [Fact]
    public void A_key_is_read_from_its_did()
    {
        DidKey.Of(Did).ShouldBe(DidKey.OfSeed(Seed));
        foreach (var wrong in new[] { null, "", "did:key:z", "did:key:z0", "did:key:z" + new string('1', 1000), "did:key:z"
            + new string('z', 100_000), Did[..^1], Did + "1", "did:web:x" }) DidKey.Of(wrong).ShouldBeNull();
    }

    [Fact]
    public void A_signed_text_says_what_its_message_says()
    {
        var text = Encoding.UTF8.GetString(MailBasic.Payload());
        var signature = new MessageSignature(Did, null, Signing.Sign(Seed, MailBasic.Payload()), Did, SignedPayload: text);
        var at = DateTimeOffset.Parse("2026-02-22T10:00:00Z");
        string? Refusal(MessageSignature? of, string type = "mail", string subject = "status update", string body = "task complete",
            string? id = null, int later = 0)
        {
            try
            {
                SignedPayload.MustFit(of, type, subject, body, id ?? MailBasic.MessageId, at.AddSeconds(later));
                return null;
            }
            catch (RefusedException refused)
            {
                refused.Kind.ShouldBe(RefusalKind.Invalid);
                return refused.Message;
            }
        }

        Refusal(signature).ShouldBeNull();
        Refusal(signature, type: "chat").ShouldBe("signed_payload type must be chat");
        Refusal(signature, subject: "x").ShouldBe("signed_payload subject must match the message");
        Refusal(signature, body: "x").ShouldBe("signed_payload body must match the message");
        Refusal(signature, id: "x").ShouldBe("signed_payload message_id must match the message");
        Refusal(signature, later: 1).ShouldBe("signed_payload timestamp must match the message");
        Refusal(signature with { FromDid = OtherDid }).ShouldBe("signed_payload from_did must match the message");
        Refusal(signature with { Signature = Signing.Sign(SeedFrom(1), MailBasic.Payload()) })
            .ShouldBe("signature does not match signed_payload");
        Refusal(signature with { Signature = "not base64" }).ShouldBe("signature does not match signed_payload");
        Refusal(signature with { SignedPayload = text.Replace("acme", "other", StringComparison.Ordinal) })
            .ShouldBe("signature does not match signed_payload");
        foreach (var broken in new[] { "", "[", "{\"type\":\"mail\",\"type\":\"mail\"}", "{\"type\":\"\\ud800\"}", new string('[', 100) })
            Refusal(signature with { SignedPayload = broken }).ShouldBe("signed_payload must be valid JSON");
        Refusal(signature with { SignedPayload = "[]" }).ShouldBe("signed_payload must be a JSON object");
        Refusal(signature with { Signature = null }).ShouldBeNull("nothing is signed");
        Refusal(signature with { SignedPayload = null }).ShouldBeNull("as older clients send it");
        Refusal(null).ShouldBeNull();
    }

    [Theory]
    [InlineData(0x00, Did, OtherDid, "2026-02-22T10:00:00Z",
        "LI3oIFT8ve3stT5IGmHIMDmB4zZ70g8ApKMoRCfLR9VHdSU/4oNc210bB3MFjW0w7rV1ouvkwA23VgMezzp3AQ")]
    [InlineData(0x20, OtherDid, "did:key:z6Mkgxj2R3HLtQRpPnvfvpuKEceSqf3tZHBjdmZ3fFz3JHGG", "2026-02-22T11:00:00Z",
        "ZHIJnYUu0jsNlTuCB6zkR1aC4Ht3+8/ul63UKLHPjlMNclI+EzD1SxJRwoEG5Svd6NwLCrVpLOvQZ0VDA5GUBg")]
    public void Rotation_chain(byte first, string oldDid, string newDid, string timestamp, string signature)
    {
        var payload = CanonicalJson.Of(("timestamp", timestamp), ("old_did", oldDid), ("new_did", newDid));
        var key = DidKey.OfSeed(SeedFrom(first));

        key.Did.ShouldBe(oldDid);
        Signing.Sign(SeedFrom(first), payload).ShouldBe(signature);
        Signing.Verify(key, payload, Signing.Decode(signature)!).ShouldBeTrue();
        Signing.Verify(key, [.. payload, 0], Signing.Decode(signature)!).ShouldBeFalse();
    }

    [Fact]
    public void A_stable_id_comes_from_the_key()
    {
        StableId.Of(DidKey.OfSeed(Seed).PublicKey).ShouldBe("did:claw:2CiZ88hVF4JuQim8nnSuyeiV2HF2");
        StableId.Of("no key").ShouldBeNull();
        StableId.Of("").ShouldBeNull();
    }

    [Fact]
    public void Canonical_text_escapes_what_json_must_and_nothing_else()
    {
        var text = Encoding.UTF8.GetString(CanonicalJson.Of(("b", "</a>&\u2028é🎯"), ("a", "\"\\\b\f\n\r\t\u0001\u001f\u007f")));

        text.ShouldBe("{\"a\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\u007f\",\"b\":\"</a>&\u2028é🎯\"}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("====")]
    [InlineData("AAAA")]
    [InlineData("not base64 at all!")]
    [InlineData("OF5hbFcpZi5OsYtUrWgze2K64ZP47PHFFTbXCWhKD8yjRkNUB6SQZ226M9h2tIUvoTlzmNZtMRWVUPpfT/kfDgAAAA")]
    public void What_is_no_signature_is_not_read(string text) => Signing.Decode(text).ShouldBeNull();

    [Fact]
    public void A_signature_is_read_in_either_alphabet_padded_or_not()
    {
        var signature = Signing.Sign(Seed, MailBasic.Payload());
        var bytes = Signing.Decode(signature).ShouldNotBeNull();

        Signing.Decode(signature + "==").ShouldBe(bytes);
        Signing.Decode(signature.Replace('+', '-').Replace('/', '_')).ShouldBe(bytes);
    }

    [Fact]
    public void A_sent_key_is_read_in_either_alphabet_padded_or_not()
    {
        var key = DidKey.OfSeed(SeedFrom(0x20));
        var standard = key.PublicKey.Replace('-', '+').Replace('_', '/');

        DidKey.Parse(key.PublicKey).ShouldBe(key);
        DidKey.Parse(standard).ShouldBe(key);
        DidKey.Parse($" {standard}= ").ShouldBe(key);
        DidKey.Parse("").ShouldBeNull();
        DidKey.Parse("AAAA").ShouldBeNull();
        DidKey.Parse(new string('!', 43)).ShouldBeNull();
        DidKey.Parse(standard + "AAAA").ShouldBeNull();
    }

    [Fact]
    public void A_sealed_seed_opens_with_its_key_only()
    {
        var seal = new Seal([.. Enumerable.Repeat((byte)7, 32)]);
        var closed = seal.Close(Seed).ShouldNotBeNull();

        Convert.FromBase64String(closed).Length.ShouldBe(12 + 32 + 16);
        seal.Open(closed).ShouldBe(Seed);
        seal.Close(Seed).ShouldNotBe(closed, "each nonce is another");
        new Seal(new byte[32]).Open(closed).ShouldBeNull();
        Seal.None.Close(Seed).ShouldBeNull();
        Seal.None.Open(closed).ShouldBeNull();
        Signing.Sign(seal, closed, MailBasic.Payload()).ShouldBe(Signing.Sign(Seed, MailBasic.Payload()));
        Signing.Sign(Seal.None, closed, MailBasic.Payload()).ShouldBeNull();
    }

    private static byte[] SeedFrom(byte first) => [.. Enumerable.Range(first, 32).Select(i => (byte)i)];
}
