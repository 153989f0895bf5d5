using System.Diagnostics;

namespace Beadhub.Hosting.EventLogs;

/// <summary>Spans of what is read from the log and written to it. Without a listener there are none.</summary>
internal static class EventLogTraces
{
    /// <summary>Name of the source.</summary>
    public const string Name = "Beadhub.EventLog";

    private const int MostLinks = 100;

    private static readonly ActivitySource Source = new(Name);

    /// <summary>Whether what is done here and now belongs to a trace that somebody keeps, or would begin one.</summary>
    public static bool AreWanted => Source.HasListeners() && (Activity.Current is null or { Recorded: true });

    /// <summary>The trace that an append belongs to; null when nobody keeps it.</summary>
    public static Activity? Cause => Source.HasListeners() && Activity.Current is { Recorded: true } cause ? cause : null;

    /// <summary>A span around one operation.</summary>
    /// <param name="operation">What is done.</param>
    /// <param name="kind">Kind of the streams.</param>
    public static Activity? Start(string operation, string? kind)
    {
        var span = Source.StartActivity("log." + operation);
        if (kind is not null) span?.SetTag("beadhub.stream.kind", kind);
        return span;
    }

    /// <summary>A span around the transaction that carries a batch: part of the trace of its first append, and linked with those of the
    /// others.</summary>
    public static Activity? StartCommit(IReadOnlyList<PendingAppend> batch)
    {
        if (!Source.HasListeners()) return null;
        Activity? first = null;
        List<ActivityLink>? others = null;
        foreach (var pending in batch)
        {
            if (pending.Cause is not { } cause) continue;
            if (first is null) first = cause;
            else if ((others ??= []).Count < MostLinks) others.Add(new(cause.Context));
        }

        return first is null
            ? null
            : Source.StartActivity("log.commit", ActivityKind.Internal, first.Context, links: others)?.SetTag("beadhub.batch.size",
                batch.Count);
    }

    /// <summary>Notes a failure. Its message may name what nobody else should read.</summary>
    public static void Failed(this Activity? span, Exception exception) =>
        span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", exception.GetType().FullName);
}
