using Beadhub.EventLog;

namespace Beadhub.Hosting.EventLogs;

/// <summary>Writes batches of appends to a store. Called by one thread, which it may block.</summary>
internal interface IBatchWriter : IDisposable
{
    /// <summary>Makes sure that the store can be reached; cheap when it already is.</summary>
    /// <exception cref="EventLogUnavailableException">It cannot; nothing was written.</exception>
    void Connect();

    /// <summary>
    /// Writes the appends, each for a stream of its own, in one transaction and sets the <see cref="PendingAppend.FirstPosition"/> of
    /// those whose stream had the expected version. Within a project, positions ascend with the order of the batch.
    /// </summary>
    /// <exception cref="EventLogUnavailableException">The store failed. It is unknown whether the batch was written.</exception>
    /// <exception cref="BadAppendException">The store refuses what one of the appends contains. Nothing was written.</exception>
    void Write(IReadOnlyList<PendingAppend> batch);

    /// <summary>
    /// Finds out what became of appends whose outcome was unknown, over a connection that came after: sets the
    /// <see cref="PendingAppend.FirstPosition"/> of those that were written, and 0 of the others. What was not written by now never will
    /// be.
    /// </summary>
    /// <exception cref="EventLogUnavailableException">The store failed again; it is still unknown.</exception>
    void Find(IReadOnlyList<PendingAppend> appends);
}

/// <summary>Is told of batches, by the thread that writes them, before their callers are.</summary>
internal interface IBatchObserver
{
    /// <summary>From now on the appends may be in the store, though nobody here knows.</summary>
    void Begins(IReadOnlyList<PendingAppend> batch);

    /// <summary>What became of the appends is known, and was published.</summary>
    void Landed(IReadOnlyList<PendingAppend> batch);

    /// <summary>What became of them is not known, until they have landed all the same.</summary>
    void Doubted(IReadOnlyList<PendingAppend> batch);
}
