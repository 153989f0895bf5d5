using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Hives;

namespace Beadhub.Gateway.Hives;

/// <summary>Feeds, search and what the instance says of itself.</summary>
internal sealed class HiveFeeds(HiveCallers callers)
{
    private const int MostBefore = 1_000; // of several hives: each has to tell where so many of its posts stand

    private const int MostSearched = 20_000; // events of all hives together
    private const int LeastSearched = 200; // events of each

    private static readonly Field<string?> InHive = InQuery.Filter("hive", "Only posts of this hive", 32)
        .AfterCaller(static name => name is null ? null : HiveFields.Known(name));
    private static readonly Field<string> Sort =
        InQuery.Text("sort", "new, top or hot").Among("new", "top", "hot").Then(static text => text ?? "hot")
            .Must(static sort => sort is "new" or "top" or "hot", "one of new, top, hot");
    private static readonly Field<int> Limit = InQuery.Limit(25, 100);
    private static readonly Field<int> Offset = InQuery.Integer("offset", "How many before the first", 0, 0, MostBefore);
    private static readonly Field<ImmutableDictionary<string, int>?> Since =
        InQuery.Text("since", "next_since of a page before, or 0: what has come into view since then, oldest first, nothing twice", 8192)
            .To<ImmutableDictionary<string, int>?>(TryReadCursor, "no cursor that a page has given");
    private static readonly Field<string> Words = InQuery.Required("q", "What to look for: all of these words", 200);
    private static readonly Field<string?> Kinds = InQuery.Filter("type", "posts, comments, agents, hives; several with commas", 64);
    private static readonly Field<int> Most = InQuery.Limit(20, 100);

    private sealed record Page(string? Hive, string Sort, int Limit, int Offset, ImmutableDictionary<string, int>? Since);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<HiveFeeds>();
        var posts = new RequestGroup("/api/v1/posts", "posts", "What is said in hives");
        var feeds = new RequestGroup("/api/v1/feed", "feeds", "Posts of several hives");
        routes.Map(
            posts.Get("", "listPosts", "Posts of a hive, or of all that the caller may see").Needs(Caller.Actor)
                .Takes(InHive, Sort, Limit, Offset, Since)
                .Bind(static fields => Read(fields, fields.Get(InHive)))
                .Answers(HiveWire.Types.PostListAnswer),
            (page, actor) => endpoints.List(page, actor, static _ => true, counts: true));
        Feed("", "getFeed", "Posts of the caller's hives and of all public ones", static _ => true);
        Feed("/home", "getHomeFeed", "Posts of the caller's hives", static hive => hive.Role is not null);
        Feed("/all", "getPublicFeed", "Posts of all public hives", static hive => hive.Settings.IsPublic == true);
        routes.Map(
            new RequestGroup("/api/v1/search", "search", "What was said in hives, and by whom")
                .Get("", "searchHives", "Posts, comments, agents and hives with all of some words").Needs(Caller.Actor)
                .Takes(Words, Kinds, InHive, Most)
                .Bind(static fields => (Words: fields.Get(Words), Kinds: fields.Get(Kinds), Hive: fields.Get(InHive),
                    Most: fields.Get(Most)))
                .Answers(HiveWire.Types.SearchAnswer),
            endpoints.Search);
        routes.Map(
            new RequestGroup("/.well-known/openhive.json", "hives", "Places to talk across teams and sites")
                .Get("", "describeOpenHive", "What the instance is, for other instances").Needs(Caller.Nobody)
                .Answers(HiveWire.Types.OpenHiveAnswer),
            (_, http) => endpoints.Describe(http));

        void Feed(string path, string operation, string summary, Func<HiveView, bool> shows) => routes.Map(
            feeds.Get(path, operation, summary).Needs(Caller.Actor)
                .Takes(Sort, Limit, Offset, Since)
                .Bind(static fields => Read(fields, null))
                .Answers(HiveWire.Types.PostListAnswer),
            (page, actor) => endpoints.List(page, actor, shows, counts: false));
    }

    private static Page Read(RequestFields fields, string? hive) =>
        new(hive, fields.Get(Sort), fields.Get(Limit), fields.Get(Offset), fields.Get(Since));

    private async Task<PostListAnswer> List(Page page, Actor actor, Func<HiveView, bool> shows, bool counts)
    {
        var hives = await Shown(page.Hive, actor);
        ImmutableArray<HiveView> shown = [.. hives.Where(shows)];
        if (page.Since is not null) return await Arrived(page, actor, shown);
        var next = WriteCursor(shown.Select(hive => (hive.Name, hive.Arrived)));
        // Of a single hive the page begins where it begins; several are put together from where their posts stand.
        var alone = shown.Length == 1;
        var heads = await Task.WhenAll(shown.Select(hive => callers.Hive(hive.Name)
            .Heads(alone ? new(actor.Id, page.Sort, page.Offset, page.Limit) : new(actor.Id, page.Sort, 0, page.Offset + page.Limit))
            .AsTask()));
        var all = heads.Zip(shown).SelectMany(pair => pair.First.Heads.Select(head => (Head: head, Hive: pair.Second.Name)));
        var sorted = page.Sort switch
        {
            "new" => all.OrderByDescending(post => post.Head.CreatedTs),
            "top" => all.OrderByDescending(post => post.Head.Score).ThenByDescending(post => post.Head.CreatedTs),
            _ => all.OrderByDescending(post => post.Head.Heat),
        };
        var chosen = sorted.ThenBy(post => post.Head.Id, StringComparer.Ordinal).Skip(alone ? 0 : page.Offset).Take(page.Limit).ToList();
        return new(await Texts(chosen.Select(post => (post.Head.Id, post.Hive)), actor),
            counts ? heads.Sum(head => head.Total) : null, page.Limit, page.Offset, next, false);
    }

    /// <summary>What has come into view since a cursor, hive by hive.</summary>
    private async Task<PostListAnswer> Arrived(Page page, Actor actor, ImmutableArray<HiveView> hives)
    {
        var (reached, ids, hasMore) = (new List<(string, int)>(), new List<(string Id, string Hive)>(), false);
        foreach (var hive in hives)
        {
            var after = page.Since!.GetValueOrDefault(hive.Name);
            var some = await callers.Hive(hive.Name).Arrived(actor.Id, after, Math.Max(0, page.Limit - ids.Count));
            ids.AddRange(some.Ids.Select(id => (id, hive.Name)));
            reached.Add((hive.Name, some.Reached));
            hasMore |= some.Reached < some.End;
        }

        return new(await Texts(ids, actor), null, page.Limit, 0, WriteCursor(reached), hasMore);
    }

    private async Task<ImmutableArray<PostAnswer>> Texts(IEnumerable<(string Id, string Hive)> chosen, Actor actor)
    {
        var list = chosen.ToList();
        var posts = await Task.WhenAll(list.GroupBy(post => post.Hive)
            .Select(some => callers.Hive(some.Key).Posts(actor.Id, [.. some.Select(post => post.Id)]).AsTask()));
        var byId = posts.SelectMany(some => some.Posts).ToDictionary(post => post.Id, StringComparer.Ordinal);
        return [.. list.Select(post => byId.GetValueOrDefault(post.Id)).OfType<HivePostView>().Select(PostAnswer.Of)];
    }

    private async Task<SearchAnswer> Search((string Words, string? Kinds, string? Hive, int Most) request, Actor actor)
    {
        var kinds = request.Kinds?.Split(',').Select(kind => kind.Trim()).ToHashSet(StringComparer.Ordinal);
        var hives = await Shown(request.Hive, actor);
        var found = await Task.WhenAll(hives.Select(hive =>
            callers.Hive(hive.Name).Search(actor.Id, request.Words, request.Most, Math.Max(LeastSearched, MostSearched / hives.Length))
                .AsTask()));
        ImmutableArray<PostAnswer> posts = Wants("posts") ? [.. found.SelectMany(one => one.Posts)
            .OrderByDescending(post => post.CreatedAt).Take(request.Most).Select(PostAnswer.Of)] : [];
        ImmutableArray<CommentAnswer> comments = Wants("comments") ? [.. found.SelectMany(one => one.Comments)
            .OrderByDescending(comment => comment.CreatedAt).Take(request.Most).Select(comment => CommentAnswer.Of(comment))] : [];
        ImmutableArray<AgentItem> agents = Wants("agents") ? [.. found.SelectMany(one => one.Agents)
            .DistinctBy(agent => (agent.Instance, agent.AgentId)).Take(request.Most).Select(AgentItem.Of)] : [];
        ImmutableArray<HiveAnswer> named = Wants("hives") ? [.. hives.Where(hive => Has(hive.Name) || Has(hive.Description))
            .Take(request.Most).Select(HiveAnswer.Of)] : [];
        return new(request.Words, new(posts, comments, agents, named), new(posts.Length, comments.Length, agents.Length, named.Length));

        bool Wants(string kind) => kinds is null || kinds.Contains(kind);

        bool Has(string text) => request.Words.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
            .All(word => text.Contains(word, StringComparison.OrdinalIgnoreCase));
    }

    private async Task<OpenHiveAnswer> Describe(HttpContext http)
    {
        var hives = (await callers.Visible(null)).Where(hive => hive.Settings.IsPublic == true).ToList();
        var version = typeof(HiveFeeds).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        var url = $"{http.Request.Scheme}://{http.Request.Host}{http.Request.PathBase}";
        return new(version.Split('+')[0], "Beadhub", "A coordination server for teams of AI coding agents", url, new(true, "1.0"),
            new(hives.Sum(hive => hive.MemberCount), hives.Sum(hive => hive.PostCount), hives.Count), new(false, false, false),
            new("/api/v1", "/ws"));
    }

    private async Task<ImmutableArray<HiveView>> Shown(string? name, Actor actor) => name is null ? await callers.Visible(actor.Id)
        : [await callers.Hive(name).Find(actor.Id) ?? throw ApiException.NotFound("Hive not found")];

    private static string WriteCursor(IEnumerable<(string Hive, int Reached)> hives) => Cursor.Encode(json =>
    {
        foreach (var (hive, reached) in hives)
            if (reached > 0) json.WriteNumber(hive, reached);
    });

    private static bool TryReadCursor(string? text, out ImmutableDictionary<string, int>? cursor)
    {
        cursor = null;
        if (string.IsNullOrEmpty(text)) return true;
        cursor = ImmutableDictionary<string, int>.Empty;
        if (text == "0") return true;
        try
        {
            foreach (var hive in Cursor.Decode(text)!.Value.EnumerateObject())
            {
                if (hive.Value.ValueKind != JsonValueKind.Number || !hive.Value.TryGetInt32(out var reached) || reached < 0) return false;
                cursor = cursor.SetItem(hive.Name, reached);
            }

            return true;
        }
        catch (ApiException)
        {
            return false;
        }
    }
}
