using System.Diagnostics.CodeAnalysis;

namespace Orleans.Runtime;

/// <summary>A timer of a grain. <see cref="IDisposable.Dispose"/> stops it.</summary>
public interface IGrainTimer : IDisposable
{
    /// <summary>Sets a new due time, counted from now, and a new period; <see cref="Timeout.InfiniteTimeSpan"/> means never.</summary>
    void Change(TimeSpan dueTime, TimeSpan period);
}

/// <summary>When and how a timer of a grain ticks.</summary>
public readonly struct GrainTimerCreationOptions()
{
    /// <summary>Ticks after the due time and then every period.</summary>
    [SetsRequiredMembers]
    public GrainTimerCreationOptions(TimeSpan dueTime, TimeSpan period) : this()
    {
        DueTime = dueTime;
        Period = period;
    }

    /// <summary>Time until the first tick; <see cref="Timeout.InfiniteTimeSpan"/> for none until it is changed.</summary>
    public required TimeSpan DueTime { get; init; }

    /// <summary>Time from the completion of a tick to the next; <see cref="Timeout.InfiniteTimeSpan"/> for a single tick.</summary>
    public required TimeSpan Period { get; init; }

    /// <summary>Whether a tick may run while a request of the grain awaits.</summary>
    public bool Interleave { get; init; }

    /// <summary>Whether a tick counts as use of the grain, so that it is not collected as idle.</summary>
    public bool KeepAlive { get; init; }
}
