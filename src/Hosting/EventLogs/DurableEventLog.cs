using Beadhub.EventLog;
using Beadhub.Feed;

namespace Beadhub.Hosting.EventLogs;

/// <summary>
/// What both stores share: appends meet in a <see cref="GroupCommit"/>, which the store's own <see cref="IBatchWriter"/> feeds to its
/// tables.
/// </summary>
public abstract class DurableEventLog : IEventLog
{
    private readonly GroupCommit _commits;
    private Task? _ending;

    private protected DurableEventLog(GroupCommit commits, string description, TimeProvider time)
    {
        Time = time;
        _commits = commits;
        Description = description;
    }

    /// <summary>Where the log lives, fit for display: without user and password.</summary>
    public string Description { get; }

    /// <inheritdoc/>
    public long ExclusiveEpoch => _commits.EpochFrom(Exclusive);

    /// <inheritdoc/>
    public TimeProvider Time { get; }

    /// <summary>Above zero while this process is the only one that may write; another number each time that it became so.</summary>
    private protected abstract long Exclusive { get; }

    /// <summary>Above zero while this node of a cluster owns a project and answers from memory; another number after it was
    /// another's.</summary>
    public virtual long Grant(string project) => 0;

    /// <inheritdoc/>
    public virtual bool IsElsewhere(string project) => false;

    /// <summary>The address of the node that owns a project (<see cref="Ownership.ProjectOwnership.Address"/>); null when none does, or
    /// there is only one.</summary>
    public virtual ValueTask<string?> OwnerOf(string project, CancellationToken cancellation = default) => default;

    /// <inheritdoc/>
    public virtual Task<AppendResult> Append(StreamAppend append, CancellationToken cancellation = default) =>
        _commits.Append(append, cancellation);

    /// <inheritdoc/>
    public abstract ValueTask<StoredStream> Load(StreamKey stream, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract IAsyncEnumerable<StoredStream> LoadAll(string project, string kind, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<IReadOnlyList<string>> Keys(string kind, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<long> Version(string project, StreamKey stream, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<long> Head(string project, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<IReadOnlyList<FeedEvent>> ReadFeed(
        string project, long after, int max, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<IReadOnlyList<StoredEvent>> ReadStream(
        StreamKey stream, long after, int max, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<IReadOnlyList<StoredEvent?>> ReadEvents(IReadOnlyList<EventPlace> places,
        CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<MarkedEvent?> FindMark(string project, string mark, CancellationToken cancellation = default);

    /// <summary>What the log takes on disk, and how many events each project has; for administrators. It takes a look-up for each
    /// project.</summary>
    public abstract ValueTask<LogSize> Size(CancellationToken cancellation = default);

    /// <summary>What a project's events take, those up to a position left out.</summary>
    /// <param name="project">The project.</param>
    /// <param name="after">The position.</param>
    /// <param name="types">Types of events that are counted.</param>
    /// <param name="cancellation">Gives up.</param>
    public abstract ValueTask<ProjectSize> SizeOf(string project, long after, IReadOnlyCollection<string> types,
        CancellationToken cancellation = default);

    /// <summary>For health checks: null when the store answers and the last write to it did not just fail, else what is wrong.</summary>
    public async ValueTask<string?> Check(CancellationToken cancellation = default)
    {
        if (_commits.Trouble is { } trouble) return trouble;
        try
        {
            await Ping(cancellation);
            return null;
        }
        catch (EventLogUnavailableException unreachable)
        {
            return unreachable.Message;
        }
    }

    /// <summary>Commits what waits, then lets go of the store and of its lock.</summary>
    public async ValueTask DisposeAsync()
    {
        // Whoever asks second waits for the same end.
        lock (_commits) _ending ??= End();
        await _ending;
        GC.SuppressFinalize(this);

        async Task End()
        {
            await _commits.DisposeAsync();
            await Close();
        }
    }

    private protected abstract ValueTask Ping(CancellationToken cancellation);

    private protected abstract ValueTask Close();
}

/// <summary>What events of a project take.</summary>
/// <param name="Position">The newest that was looked at.</param>
/// <param name="Bytes">Bytes of their data.</param>
/// <param name="Counted">How many are of the types that were asked for.</param>
public sealed record ProjectSize(long Position, long Bytes, long Counted);

/// <summary>How large a log is.</summary>
/// <param name="Bytes">What it takes on disk.</param>
/// <param name="Heads">Newest position of each project: the number of its events. The instance's own are among them.</param>
public sealed record LogSize(long Bytes, IReadOnlyDictionary<string, long> Heads);
