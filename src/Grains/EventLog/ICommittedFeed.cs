using Beadhub.Feed;

namespace Beadhub.EventLog;

/// <summary>
/// What this process commits, told before the writers are answered. While the process is the only writer, whoever follows a project here
/// knows of every acknowledged event without a look at the log.
/// </summary>
public interface ICommittedFeed
{
    /// <summary>
    /// Follows a project until the result is disposed. The callback gets events with rising positions; it comes on the log's own thread, must return at once
    /// and must not throw. Should the positions have a hole, the log has what is missing.
    /// </summary>
    IDisposable Follow(string project, Action<IReadOnlyList<FeedEvent>> committed);
}
