using Beadhub.EventLog;
using Beadhub.Feed;

namespace Beadhub.Silo.LogReading;

/// <summary>Reads an event log and nothing else: takes no lock, applies no schema, and so may run beside a server, with rights to read
/// only.</summary>
internal interface ILogReader : IAsyncDisposable
{
    /// <summary>The project with this slug; null when there is none.</summary>
    Task<string?> FindProject(string slug, CancellationToken cancellation);

    /// <summary>Events of a project's feed after a position, in order.</summary>
    Task<IReadOnlyList<FeedEvent>> Feed(string project, long after, int max, CancellationToken cancellation);

    /// <summary>Events of a stream after a version, in order. Their project is not told.</summary>
    Task<IReadOnlyList<FeedEvent>> Stream(StreamKey stream, long after, int max, CancellationToken cancellation);
}
