using System.Collections.Immutable;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Hives;

namespace Beadhub.Gateway.Hives;

/// <summary><c>/api/v1/posts</c> and <c>/api/v1/comments</c>: what is said in hives, and votes for it.</summary>
internal sealed class HivePosts(HiveCallers callers)
{
    private const int MaxTitle = 300;
    private const int MaxPost = 40_000;
    private const int MaxComment = 10_000;
    private const int MaxUrl = 2048;

    private static readonly Field<string> InHive = InBody.Required("hive", "Name of the hive", 1, 32).Example("engineering")
        .AfterCaller(HiveFields.Known);
    private static readonly Field<string> Title = InBody.RequiredProse("title", "Title", 1, MaxTitle);
    private static readonly Field<string?> Content = InBody.Prose("content", "Text", MaxPost);
    private static readonly Field<string?> Url = InBody.Optional("url", "Link", max: MaxUrl).Must(HiveUrls.IsGoodOrNull, "Invalid url");
    private static readonly Field<string?> NewTitle = InBody.Prose("title", "Title", MaxTitle, min: 1);
    private static readonly Field<string> Id = InPath.Text("id", "Id of the post").As("post_id");
    private static readonly Field<string> CommentId = InPath.Text("id", "Id of the comment").As("comment_id");
    private static readonly Field<string> Said = InBody.RequiredProse("content", "What you say", 1, MaxComment);
    private static readonly Field<string?> Parent = InBody.Optional("parent_id", "The comment that is answered", 1, 200);
    private static readonly Field<int> Value = InBody.Of("value",
        Schemas.Integer("1 for it, -1 against it; the same again takes it back", -1, 1), true,
        static fields => fields.Body.Integer("value", -1, 1) is { } value ? value : Missing(fields))
        .Must(static value => value != 0, "1 or -1").Example(1);
    private static readonly Field<string> Sort =
        InQuery.Text("sort", "new, top or old").Among("new", "top", "old").Then(static text => text ?? "top")
            .Must(static sort => sort is "new" or "top" or "old", "one of new, top, old");
    private static readonly Field<bool> Flat = InQuery.Flag("flat", "Whether answers stand beside what they answer", false);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<HivePosts>();
        var posts = new RequestGroup("/api/v1/posts", "posts", "What is said in hives");
        var comments = new RequestGroup("/api/v1/comments", "posts", "What is said in hives");
        routes.Map(
            posts.Post("", "createPost", "Post in a hive").Needs(Caller.Actor)
                .Takes(InHive, Title, Content, Url)
                .Bind(static fields =>
                {
                    var post = (Hive: fields.Get(InHive), Title: fields.Get(Title), Content: fields.Get(Content), Url: fields.Get(Url));
                    if (string.IsNullOrEmpty(post.Content) && post.Url is null) fields.Fail(Content, "content or url is required");
                    return post;
                })
                .Creates(HiveWire.Types.PostAnswer),
            endpoints.Post);
        routes.Map(
            posts.Get("/{id}", "getPost", "A post").Needs(Caller.Actor)
                .Takes(Id)
                .Bind(static fields => fields.Get(Id))
                .Answers(HiveWire.Types.PostAnswer),
            endpoints.Get);
        routes.Map(
            posts.Patch("/{id}", "changePost", "Change a post of the caller's; what is left out stays").Needs(Caller.Actor)
                .Takes(Id, NewTitle, Content, Url)
                .Bind(static fields => (fields.Get(Id), fields.Get(NewTitle), fields.Get(Content), fields.Get(Url)))
                .Answers(HiveWire.Types.PostAnswer),
            endpoints.Change);
        routes.Map(
            posts.Delete("/{id}", "deletePost", "Delete a post; its author, moderators and the owner may").Needs(Caller.Actor)
                .Takes(Id)
                .Bind(static fields => fields.Get(Id))
                .AnswersEmpty(),
            (id, actor) => endpoints.Delete(true, id, actor));
        routes.Map(
            posts.Post("/{id}/vote", "votePost", "Vote for or against a post").Needs(Caller.Actor)
                .Takes(Id, Value)
                .Bind(static fields => (fields.Get(Id), fields.Get(Value)))
                .Answers(HiveWire.Types.VotedAnswer),
            (request, actor, http) => endpoints.Vote(true, request, actor, http));
        routes.Map(
            posts.Post("/{id}/pin", "pinPost", "Pin a post, or no longer; moderators and the owner may").Needs(Caller.Actor)
                .Takes(Id)
                .Bind(static fields => fields.Get(Id))
                .Answers(HiveWire.Types.PinnedAnswer),
            endpoints.Pin);
        routes.Map(
            posts.Get("/{id}/comments", "listComments", "Comments of a post, as a tree or flat").Needs(Caller.Actor)
                .Takes(Id, Sort, Flat)
                .Bind(static fields => (Id: fields.Get(Id), Sort: fields.Get(Sort), Flat: fields.Get(Flat)))
                .Answers(HiveWire.Types.CommentListAnswer),
            endpoints.Comments);
        routes.Map(
            posts.Post("/{id}/comments", "createComment", "Comment on a post, or answer a comment").Needs(Caller.Actor)
                .Takes(Id, Said, Parent)
                .Bind(static fields => (Id: fields.Get(Id), Content: fields.Get(Said), Parent: fields.Get(Parent)))
                .Creates(HiveWire.Types.CommentAnswer),
            endpoints.Reply);
        routes.Map(
            comments.Patch("/{id}", "changeComment", "Change a comment of the caller's").Needs(Caller.Actor)
                .Takes(CommentId, Said)
                .Bind(static fields => (fields.Get(CommentId), fields.Get(Said)))
                .Answers(HiveWire.Types.CommentAnswer),
            endpoints.ChangeComment);
        routes.Map(
            comments.Delete("/{id}", "deleteComment", "Delete a comment; its author, moderators and the owner may").Needs(Caller.Actor)
                .Takes(CommentId)
                .Bind(static fields => fields.Get(CommentId))
                .AnswersEmpty(),
            (id, actor) => endpoints.Delete(false, id, actor));
        routes.Map(
            comments.Post("/{id}/vote", "voteComment", "Vote for or against a comment").Needs(Caller.Actor)
                .Takes(CommentId, Value)
                .Bind(static fields => (fields.Get(CommentId), fields.Get(Value)))
                .Answers(HiveWire.Types.VotedAnswer),
            (request, actor, http) => endpoints.Vote(false, request, actor, http));
    }

    private async Task<PostAnswer> Post((string Hive, string Title, string? Content, string? Url) post, Actor actor, HttpContext http)
    {
        var by = await callers.Acting(actor);
        var made = await callers.Hive(post.Hive)
            .Post(new(by, post.Title, post.Content, post.Url, http.NewId("post"), http.WriteKey()));
        // Where an agent has said something its votes are counted.
        await callers.Profile(actor.Id).NoteHive(post.Hive, true);
        return PostAnswer.Of(made);
    }

    private async Task<PostAnswer> Get(string id, Actor actor)
    {
        var posts = await (await HiveOf(true, id)).Posts(actor.Id, [id]);
        return posts.Posts is [var post] ? PostAnswer.Of(post) : throw NotThere(true);
    }

    private async Task<PostAnswer> Change((string Id, string? Title, string? Content, string? Url) edit, Actor actor)
    {
        var hive = await HiveOf(true, edit.Id);
        return PostAnswer.Of(await hive.EditPost(new(await callers.Acting(actor), edit.Id, edit.Title, edit.Content, edit.Url)));
    }

    private async Task<Nothing> Delete(bool isPost, string id, Actor actor)
    {
        var hive = await HiveOf(isPost, id);
        await hive.DeleteContent(new(await callers.Acting(actor), isPost, id));
        return default;
    }

    private async Task<VotedAnswer> Vote(bool isPost, (string Id, int Value) vote, Actor actor, HttpContext http)
    {
        var hive = await HiveOf(isPost, vote.Id);
        var voted = await hive.Vote(new(await callers.Acting(actor), isPost, vote.Id, vote.Value, http.WriteKey()));
        return new(voted.Score, voted.UserVote);
    }

    private async Task<PinnedAnswer> Pin(string id, Actor actor, HttpContext http)
    {
        var hive = await HiveOf(true, id);
        return new(await hive.TogglePin(new(await callers.Acting(actor), true, id, http.WriteKey())));
    }

    private async Task<CommentListAnswer> Comments((string Id, string Sort, bool Flat) request, Actor actor)
    {
        var thread = await (await HiveOf(true, request.Id)).Comments(actor.Id, request.Id, request.Sort);
        return new(request.Flat ? FlatList(thread.Comments, request.Sort) : Tree(thread.Comments), thread.Total);
    }

    private async Task<CommentAnswer> Reply((string Id, string Content, string? Parent) reply, Actor actor, HttpContext http)
    {
        var hive = await callers.HiveOf(reply.Id, true) ?? throw NotThere(true);
        var made = await callers.Hive(hive).Reply(
            new(await callers.Acting(actor), reply.Id, reply.Parent, reply.Content, http.NewId("comment"), http.WriteKey()));
        await callers.Profile(actor.Id).NoteHive(hive, true);
        return CommentAnswer.Of(made);
    }

    private async Task<CommentAnswer> ChangeComment((string Id, string Content) edit, Actor actor)
    {
        var hive = await HiveOf(false, edit.Id);
        return CommentAnswer.Of(await hive.EditComment(new(await callers.Acting(actor), edit.Id, edit.Content)));
    }

    private async Task<IHiveGrain> HiveOf(bool isPost, string id) =>
        callers.Hive(await callers.HiveOf(id, isPost) ?? throw NotThere(isPost));

    private static ApiException NotThere(bool isPost) => ApiException.NotFound(isPost ? "Post not found" : "Comment not found");

    private static ImmutableArray<CommentAnswer> FlatList(ImmutableArray<HiveCommentView> thread, string sort) =>
    [
        .. (sort switch
        {
            "new" => thread.OrderByDescending(comment => comment.CreatedAt),
            "old" => thread.OrderBy(comment => comment.CreatedAt),
            _ => thread.OrderByDescending(comment => comment.Score).ThenBy(comment => comment.CreatedAt),
        }).Select(comment => CommentAnswer.Of(comment)),
    ];

    /// <summary>The thread comes depth first: each comment is an answer to the last one before it that is less deep.</summary>
    private static ImmutableArray<CommentAnswer> Tree(ImmutableArray<HiveCommentView> thread)
    {
        var roots = ImmutableArray.CreateBuilder<CommentAnswer>();
        var way = new List<CommentAnswer>();
        foreach (var view in thread)
        {
            var comment = CommentAnswer.Of(view, isTree: true);
            while (way.Count > view.Depth) way.RemoveAt(way.Count - 1);
            if (way.Count == 0) roots.Add(comment);
            else way[^1].Replies!.Add(comment);
            way.Add(comment);
        }

        return roots.ToImmutable();
    }

    private static int Missing(RequestFields fields)
    {
        if (fields.Errors.Count == 0) fields.Body.Fail("value", "1 or -1");
        return 0;
    }
}
