namespace Beadhub.Search;

/// <summary>
/// The words of a project's beads and mail, in a store beside the log. It can be thrown away: it is made anew from the feed. A write to the
/// log does not touch it.
/// </summary>
public interface ISearchIndex
{
    /// <summary>How far a project's feed has been taken in.</summary>
    ValueTask<SearchCursor> Cursor(string project, CancellationToken cancellation = default);

    /// <summary>Takes documents in, and moves the cursor, all or nothing.</summary>
    /// <returns>False when the cursor is elsewhere: another node was faster.</returns>
    ValueTask<bool> Put(string project, SearchCursor from, SearchCursor to, IReadOnlyList<SearchDocument> documents,
        CancellationToken cancellation = default);

    /// <summary>Forgets a project: its cursor is at the beginning again.</summary>
    ValueTask Forget(string project, CancellationToken cancellation = default);

    /// <summary>The documents that hold a word beginning with each of the words: those with all of them in their title first, then the
    /// newest.</summary>
    /// <param name="project">The project.</param>
    /// <param name="words">At least one, as <see cref="SearchWords"/> makes them.</param>
    /// <param name="kind"><c>bead</c> or <c>mail</c>; null for both.</param>
    /// <param name="agent">Whose mail is searched; null for nobody's.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellation">Gives up.</param>
    ValueTask<IReadOnlyList<SearchDocument>> Find(string project, IReadOnlyList<string> words, string? kind, string? agent, int limit,
        CancellationToken cancellation = default);
}

/// <summary>A place in a project's feed.</summary>
/// <param name="Position">Position of the last event that was taken in; 0 for none.</param>
/// <param name="Stamp">What that event was: a log that was replaced by another shows by it.</param>
public readonly record struct SearchCursor(long Position, string Stamp);

/// <summary>What can be found.</summary>
/// <param name="Id">Unique within the project.</param>
/// <param name="Kind"><c>bead</c> or <c>mail</c>.</param>
/// <param name="Name">Bead id, or message id.</param>
/// <param name="Repo">Canonical origin; empty for mail.</param>
/// <param name="Branch">Branch; empty for mail.</param>
/// <param name="Title">Title, or subject.</param>
/// <param name="Body">Text.</param>
/// <param name="FromAlias">Sender of a mail.</param>
/// <param name="FromAgentId">Id of the sender of a mail.</param>
/// <param name="ToAgentId">Id of the recipient of a mail.</param>
/// <param name="At">When.</param>
/// <param name="IsGone">Whether it is to be forgotten.</param>
public sealed record SearchDocument(
    string Id, string Kind, string Name, string Repo, string Branch, string Title, string Body, string? FromAlias, string? FromAgentId,
    string? ToAgentId, DateTimeOffset At, bool IsGone = false);
