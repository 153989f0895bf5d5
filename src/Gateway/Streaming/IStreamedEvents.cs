namespace Beadhub.Gateway.Streaming;

/// <summary>
/// What an event stream shows, from a position on. Whoever makes one has taken that position: <see cref="EventStreams"/> tells the client
/// only then that its stream is open, so that a client misses nothing that is committed after it has heard so.
/// </summary>
internal interface IStreamedEvents : IAsyncDisposable
{
    /// <summary>Position of the newest event that it could show.</summary>
    long Newest { get; }

    /// <summary>Position of the last event that it has shown, or passed over.</summary>
    long Position { get; }

    /// <summary>Completes when there is something newer than at the time of asking. Ask before writing.</summary>
    Task News { get; }

    /// <summary>Writes what comes before the news: what waits, what was said before.</summary>
    Task Begin(Stream to, CancellationToken ended);

    /// <summary>Writes what came after <see cref="Position"/>, some of it at least, and moves on; whether anything was written.</summary>
    Task<bool> Write(Stream to, CancellationToken ended);

    /// <summary>Looks whether the log has more than was announced: should a wake-up ever be lost, a quiet stream still finds what is
    /// new.</summary>
    ValueTask Look();
}
