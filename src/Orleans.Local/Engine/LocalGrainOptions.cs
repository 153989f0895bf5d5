namespace Orleans.Local;

/// <summary>Settings of the engine.</summary>
public sealed class LocalGrainOptions
{
    /// <summary>An activation that nobody has called for so long is ended, up to two scan periods later. 15 minutes unless set.</summary>
    public TimeSpan CollectionAge { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How often idle activations are looked for. One minute unless set.</summary>
    public TimeSpan ScanPeriod { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>After this time the token given to <see cref="Grain.OnDeactivateAsync"/> is cancelled. 30 seconds unless set.</summary>
    public TimeSpan DeactivationTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a stop waits for running requests and deactivations. 15 seconds unless set.</summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Items that wait for one subscriber of a memory stream at most; further ones are dropped for it, but for the newest. 100,000
    /// unless set.</summary>
    public int StreamBacklog { get; set; } = 100_000;

    /// <summary>Bytes that wait for one subscriber of a memory stream at most, as <see cref="StreamItemSize"/> counts them; further items
    /// are dropped for it. 64 MiB unless set.</summary>
    public long StreamBacklogBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>About how many bytes an item of a memory stream takes. Items count, but not their size, unless set.</summary>
    public Func<object, long>? StreamItemSize { get; set; }
}
