using System.Collections.Immutable;
using Orleans;

namespace Beadhub.Search;

/// <summary>
/// Full-text search in a project's beads and mail. Key: project id. It owns no events: what it searches is a projection of the feed, kept
/// in the store, that is brought up to date before each answer.
/// </summary>
[Alias("beadhub.search")]
public interface ISearchGrain : IGrainWithStringKey
{
    /// <summary>What holds all the words of a text, or words that begin so: what has them in its title first, the newest first.</summary>
    [Repeatable]
    Task<ImmutableArray<SearchResult>> Find(SearchQuery query);
}

/// <summary>What to search for.</summary>
/// <param name="Text">Words.</param>
/// <param name="Kind"><c>bead</c> or <c>mail</c>; null for both.</param>
/// <param name="AgentId">The agent whose mail is searched: what it has sent and received; null for nobody's.</param>
/// <param name="Limit">How many at most.</param>
[GenerateSerializer, Immutable, Alias("search.query.v1")]
public sealed record SearchQuery(
    [property: Id(0)] string Text, [property: Id(1)] string? Kind, [property: Id(2)] string? AgentId, [property: Id(3)] int Limit);

/// <summary>A bead or a mail that was found.</summary>
/// <param name="Kind"><c>bead</c> or <c>mail</c>.</param>
/// <param name="Name">Bead id, or message id.</param>
/// <param name="Repo">Canonical origin of a bead; empty for mail.</param>
/// <param name="Branch">Branch of a bead; empty for mail.</param>
/// <param name="Title">Title, or subject.</param>
/// <param name="Snippet">A part of the text, around the first word that was found where it is there.</param>
/// <param name="FromAlias">Sender of a mail, as it was called; null for a bead.</param>
/// <param name="FromAgentId">Sender of a mail.</param>
/// <param name="ToAgentId">Recipient of a mail.</param>
/// <param name="At">When it was stored or delivered.</param>
[GenerateSerializer, Immutable, Alias("search.result.v1")]
public sealed record SearchResult(
    [property: Id(0)] string Kind,
    [property: Id(1)] string Name,
    [property: Id(2)] string Repo,
    [property: Id(3)] string Branch,
    [property: Id(4)] string Title,
    [property: Id(5)] string Snippet,
    [property: Id(6)] string? FromAlias,
    [property: Id(7)] string? FromAgentId,
    [property: Id(8)] string? ToAgentId,
    [property: Id(9)] DateTimeOffset At);
