using System.Text;
using Beadhub.HiveSync;

namespace Beadhub.Grains.Tests.HiveSync;

/// <summary>Signatures, against RFC 8032's vectors and what an OpenHive has sent; each implementation passes these.</summary>
public abstract class Ed25519Tests
{
    private protected abstract Ed25519 Signatures { get; }

    // RFC 8032, 7.1: tests 1, 2, 3 and SHA(abc).
    [Theory]
    [InlineData("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    [InlineData("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        + "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704")]
    public void Vectors_of_the_standard(string seed, string publicKey, string message, string signature)
    {
        Convert.ToHexStringLower(Signatures.PublicKey(Convert.FromHexString(seed))).ShouldBe(publicKey);
        Convert.ToHexStringLower(Signatures.Sign(Convert.FromHexString(seed), Convert.FromHexString(message))).ShouldBe(signature);
        Signatures.Verify(Convert.FromHexString(publicKey), Convert.FromHexString(message), Convert.FromHexString(signature))
            .ShouldBeTrue();
    }

    [Fact]
    public void What_an_OpenHive_has_signed()
    {
        var key = Ed25519.DecodeKey("MCowBQYDK2VwAyEARa1808Nwa6afmOOTQxwveXtD99WXXy56y4cSVABeXw8=").ShouldNotBeNull();
        var payload = Encoding.UTF8.GetBytes(
            """{"post_id":"tSLnCb1-BhzyTfX4nxon4","title":"Edited before pairing","updated_by":"""
            + """{"instance_id":"inst_a","agent_id":"BApH0n-6VzAOZ8Ijt261Q","name":"alice","avatar_url":null}}""");
        var signature = Ed25519.DecodeSignature(
            "gZZoP+/exgqdFN7ki8YSGMjREuJeI7KYZU6mDzuj+T6H7uACE8VsPcV9P6h4+nfTUv1wTeM0wsIEamGAh/CjDQ==").ShouldNotBeNull();

        Signatures.Verify(key, payload, signature).ShouldBeTrue();
        Signatures.Verify(key, [.. payload, (byte)' '], signature).ShouldBeFalse();
    }

    [Fact]
    public void Every_changed_bit_is_found()
    {
        var seed = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();
        var (key, message) = (Signatures.PublicKey(seed), Encoding.UTF8.GetBytes("a message"));
        var signature = Signatures.Sign(seed, message);

        for (var bit = 0; bit < 512; bit += 5) Signatures.Verify(key, message, Changed(signature, bit)).ShouldBeFalse();
        for (var bit = 0; bit < 72; bit += 5) Signatures.Verify(key, Changed(message, bit), signature).ShouldBeFalse();
        Signatures.Verify(key, message, signature[..63]).ShouldBeFalse();
        Signatures.Verify(key[..31], message, signature).ShouldBeFalse();

        static byte[] Changed(byte[] bytes, int bit)
        {
            var changed = bytes.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            return changed;
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("MCowBQYDK2VwAyEA")]
    [InlineData("MCowBQYDK2VwAyEARa1808Nwa6afmOOTQxwveXtD99WXXy56y4cSVABeXw8")]
    [InlineData("MCowBQYDK2VuAyEARa1808Nwa6afmOOTQxwveXtD99WXXy56y4cSVABeXw8=")] // X25519
    [InlineData("RTESTa1808Nwa6afmOOTQxwveXtD99WXXy56y4cSVABeXw8!!!!!!!!!!!!!")]
    public void What_is_no_key_is_none(string text) => Ed25519.DecodeKey(text).ShouldBeNull();

    [Fact]
    public void A_key_is_written_as_it_is_read()
    {
        const string text = "MCowBQYDK2VwAyEARa1808Nwa6afmOOTQxwveXtD99WXXy56y4cSVABeXw8=";
        Ed25519.Encode(Ed25519.DecodeKey(text)!).ShouldBe(text);
    }
}

public sealed class PortableEd25519Tests : Ed25519Tests
{
    private protected override Ed25519 Signatures { get; } = new PortableEd25519();
}

public sealed class OpenSslEd25519Tests : Ed25519Tests
{
    // Where the library is missing the tests see what serves there in its place.
    private protected override Ed25519 Signatures { get; } = Ed25519.Best;

    [Fact]
    public void It_is_used_where_it_is_there() =>
        Ed25519.Best.GetType().ShouldBe(OpenSslEd25519.IsAvailable ? typeof(OpenSslEd25519) : typeof(PortableEd25519));
}
