using Orleans;

namespace Beadhub;

/// <summary>Why a grain refused a command. The gateway turns it into a status code.</summary>
public enum RefusalKind
{
    /// <summary>A rule on the command's content is violated (422).</summary>
    Invalid,

    /// <summary>The command makes no sense for what is stored (400).</summary>
    Mismatch,

    /// <summary>The caller may not do this (403).</summary>
    Forbidden,

    /// <summary>What the command names does not exist in the caller's project (404).</summary>
    NotFound,

    /// <summary>The command contradicts what is stored (409).</summary>
    Conflict,

    /// <summary>What the command names was deleted (410).</summary>
    Gone,

    /// <summary>The server was not set up for it (501).</summary>
    NotConfigured,
}

/// <summary>The one exception by which a grain says no. Nothing was changed.</summary>
[GenerateSerializer, Alias("refused.v1")]
public sealed class RefusedException : Exception
{
    /// <param name="kind">Why.</param>
    /// <param name="detail">The contract's text, shown to the client.</param>
    public RefusedException(RefusalKind kind, string detail) : base(detail) => Kind = kind;

    /// <summary>Why.</summary>
    [Id(0)]
    public RefusalKind Kind { get; }
}

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

/// <summary>Why something stays out of reach until an operator acts. Callers are told the message: it names no place on the
/// server.</summary>
[GenerateSerializer, Alias("lasting_trouble.v1")]
public sealed class LastingTroubleException : Exception
{
    /// <inheritdoc cref="Exception(string, Exception)"/>
    public LastingTroubleException(string message, Exception? inner = null) : base(message, inner) { }
}
