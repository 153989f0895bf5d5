namespace Beadhub.Hosting.EventLogs;

/// <summary>Bounds of an event log. The defaults serve; tests and unusual installations change them.</summary>
public sealed record EventLogOptions
{
    /// <summary>Most appends that one transaction carries.</summary>
    public int MaxBatchAppends { get; init; } = 5_000;

    /// <summary>Bytes of payload after which a transaction takes no further append.</summary>
    public int MaxBatchBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Most projects that one transaction writes to: the nodes of a cluster lock each, and PostgreSQL has room for some thousands
    /// of locks.</summary>
    public int MaxBatchProjects { get; init; } = 1_000;

    /// <summary>Most appends that wait for the committer; a further one waits outside, without a place in the order.</summary>
    public int MaxWaiting { get; init; } = 20_000;

    /// <summary>
    /// Whether the thread that calls may be blocked for a commit, asked at each append: that saves a lone writer two thread switches, but
    /// holds up
    /// whatever else waits for the thread. Null where appends must never block.
    /// </summary>
    public Func<bool>? MayCommitInline { get; init; }

    /// <summary>How long appends wait for a store that cannot be reached before they and all following ones fail at once.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the store may take over one statement or one attempt to connect.</summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long opening waits for another process to let go of the log: the time in which a predecessor that was told to stop goes away.
    /// </summary>
    public TimeSpan LockPatience { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Queries of one sort that may be under way at once; calls that come meanwhile share the next one.</summary>
    public int ParallelQueries { get; init; } = 3;

    /// <summary>Most connections to PostgreSQL that reads may hold, streaming ones included.</summary>
    public int MaxReadConnections { get; init; } = 24;

    /// <summary>How a node of a cluster owns projects.</summary>
    public Ownership.ProjectOwnership Ownership { get; init; } = new();

    /// <summary>Largest size of a SQLite database in pages, so that a test can fill a disk that has room.</summary>
    internal int? MaxSqlitePages { get; init; }
}
