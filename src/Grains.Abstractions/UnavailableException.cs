using Orleans;

namespace Beadhub;

/// <summary>
/// Something that the answer needs cannot be reached right now. Whether the command was carried out is unknown; it may be repeated.
/// The gateway answers 503 with <c>Retry-After</c>.
/// </summary>
[GenerateSerializer, Alias("unavailable.v1")]
public class UnavailableException : Exception
{
    /// <inheritdoc cref="Exception(string, Exception)"/>
    public UnavailableException(string message, Exception? inner = null) : base(message, inner) { }
}

/// <summary>Why something stays out of reach until an operator acts. Callers are told the message: it names no place on the server.</summary>
[GenerateSerializer, Alias("lasting_trouble.v1")]
public sealed class LastingTroubleException : Exception
{
    /// <inheritdoc cref="Exception(string, Exception)"/>
    public LastingTroubleException(string message, Exception? inner = null) : base(message, inner) { }
}
