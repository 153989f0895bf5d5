using System.Runtime.CompilerServices;

namespace Beadhub.EventLog;

/// <summary>Reads streams to be folded: with the snapshot where the state's fold has made it, and otherwise with all events.</summary>
public static class StoredStates
{
    private const int AtOnce = 16;

    /// <summary>As <see cref="IEventLog.Load"/>.</summary>
    public static async ValueTask<StoredStream> Load<TState>(this IEventLog log, string key, CancellationToken cancellation = default)
        where TState : class, IEventSourced<TState>
    {
        var stored = await log.Load(new(TState.Kind.Name, key), cancellation);
        return IsGood<TState>(stored) ? stored : await WithAllEvents<TState>(log, stored, cancellation);
    }

    /// <summary>As <see cref="IEventLog.LoadAll"/>.</summary>
    public static async IAsyncEnumerable<StoredStream> LoadAll<TState>(this IEventLog log, string project,
        [EnumeratorCancellation] CancellationToken cancellation = default)
        where TState : class, IEventSourced<TState>
    {
        // After an upgrade that may be all there are: they are read again side by side, and not while the others stream.
        List<StoredStream>? again = null;
        await foreach (var stored in log.LoadAll(project, TState.Kind.Name, cancellation))
        {
            if (IsGood<TState>(stored)) yield return stored;
            else (again ??= []).Add(stored with { Snapshot = null });
        }

        foreach (var some in again?.Chunk(AtOnce) ?? [])
            foreach (var stored in await Task.WhenAll(some.Select(one => WithAllEvents<TState>(log, one, cancellation))))
                yield return stored;
    }

    private static bool IsGood<TState>(StoredStream stored) where TState : class, IEventSourced<TState> =>
        stored.Snapshot is null || TState.Kind.IsCurrent(stored.Snapshot);

    private static async Task<StoredStream> WithAllEvents<TState>(IEventLog log, StoredStream stored, CancellationToken cancellation)
        where TState : class, IEventSourced<TState>
    {
        var before = await log.ReadStream(new(TState.Kind.Name, stored.Key), 0, (int)stored.SnapshotVersion, cancellation);
        if (before.Count < stored.SnapshotVersion || before.Any(static e => e.Type == ArchivedEvents.Type))
            throw new EventLogUnavailableException(
                $"{TState.Kind.Name}/{stored.Key}: this version makes its state anew from events that were archived. Put them back with "
                + "'beadhub archive restore', start this version once, and archive them again.");
        return stored with { SnapshotVersion = 0, Snapshot = null, Tail = [.. before, .. stored.Tail] };
    }
}

/// <summary>What is left of events that an operator has archived.</summary>
public static class ArchivedEvents
{
    /// <summary>Type of the row that stays of a stream's first event, by which the stream is found; there is no event of it.</summary>
    public const string Type = "event.archived.v1";
}
