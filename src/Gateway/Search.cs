using System.Collections.Immutable;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Search;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>GET /v1/search</c>: full-text search in the project's beads and the caller's own mail.</summary>
internal sealed class Search(IGrainFactory grains)
{
    private static readonly Field<string> Text = InQuery.Required("query", "Words; each may be the beginning of one", 500)
        .Example("lock metadata");
    private static readonly Field<string?> Kind = InQuery.Filter("kind", "bead or mail; both unless given", 20).Among("bead", "mail")
        .Must(static kind => kind is null or "bead" or "mail", "must be bead or mail");

    private static readonly Field<int> Limit = InQuery.Limit(20, 100);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoint = routes.Make<Search>();
        routes.Map(
            new RequestGroup("/v1/search", "search", "Full-text search in beads and mail")
                .Get("", "search", "Beads and mail that hold all the words, those with them in the title first, then the newest")
                .Needs(Caller.Member("search"))
                .Takes(Text, Kind, Limit)
                .Bind(static fields => (Text: fields.Get(Text), Kind: fields.Get(Kind), Limit: fields.Get(Limit)))
                .Answers(Wire.Types.SearchAnswer),
            endpoint.Find);
    }

    private async Task<SearchAnswer> Find((string Text, string? Kind, int Limit) request, ProjectIdentity who)
    {
        var reader = ConversationReader.Of(who);
        var found = await grains.GetGrain<ISearchGrain>(who.ProjectId).Find(new(request.Text, request.Kind, reader.AgentId, request.Limit));
        var shown = found.Where(one => one.Kind == "bead" || reader.Sees([one.FromAgentId ?? "", one.ToAgentId ?? ""])).Select(FoundItem.Of)
            .ToImmutableArray();
        return new(shown, shown.Length);
    }
}

/// <summary>What was found.</summary>
internal sealed record SearchAnswer(ImmutableArray<FoundItem> Results, int Count);

/// <summary>A bead or a mail that was found.</summary>
internal sealed record FoundItem(
    string Kind, string? BeadId, string? Repo, string? Branch, string? MessageId, string? FromAlias, string Title, string Snippet,
    DateTimeOffset At)
{
    public static FoundItem Of(SearchResult found) => found.Kind == "bead"
        ? new(found.Kind, found.Name, found.Repo, found.Branch, null, null, found.Title, found.Snippet, found.At)
        : new(found.Kind, null, null, null, found.Name, found.FromAlias, found.Title, found.Snippet, found.At);
}
