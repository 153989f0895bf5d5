using System.Security.Cryptography;

namespace Beadhub.ApiKeys;

/// <summary>A key that was just made: <c>aw_sk_</c> and 64 hex digits of 32 random bytes (protocol 1.4.1).</summary>
/// <param name="Text">The whole key, shown once and kept nowhere.</param>
internal readonly record struct NewApiKey(string Text)
{
    private const string Scheme = "aw_sk_";
    private const int PrefixLength = 12;

    /// <summary>Makes a key.</summary>
    public static NewApiKey Make() => new(Scheme + RandomNumberGenerator.GetHexString(64, lowercase: true));

    /// <summary>By which people recognise the key.</summary>
    public string Prefix => Text[..PrefixLength];

    /// <summary>Key of the grain that knows it.</summary>
    public string GrainKey => IApiKeyGrain.Key(Text);

    // A key must not slip into a log by way of a record's default text.
    /// <inheritdoc/>
    public override string ToString() => Prefix + "…";
}
