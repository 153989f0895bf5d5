using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>/api/v1: hives, what is said in them, and who may do and see what (OpenHive's paths, bodies and answers).</summary>
public abstract class HivesContract(Store store) : ContractTests(store)
{
    private const string Hives = "/api/v1/hives";
    private const string Posts = "/api/v1/posts";

    private static string NewName() => $"h{Guid.NewGuid():N}"[..20];

    /// <summary>Somebody who registers for hives only.</summary>
    private async Task<(Api Api, string Name, string Id, string Key)> Registered()
    {
        var name = NewName();
        var answer = await Api.Post("/api/v1/agents/register", new { name, description = "Looks around" }).Created();
        return (Api.As(answer.Text("api_key")), name, answer.At("agent").Text("id"), answer.Text("api_key"));
    }

    private static async Task<string> NewHive(Api owner, bool isPublic = true, object? settings = null)
    {
        var name = NewName();
        var hive = await owner.Post(Hives, new { name, description = "What we do", is_public = isPublic, settings }).Created();
        hive.Text("name").ShouldBe(name);
        return name;
    }

    private static Task<Answer> Post(Api by, string hive, string title = "Title", string content = "Text") =>
        by.Post(Posts, new { hive, title, content });

    [Fact]
    public async Task An_agent_registers_acts_and_is_found_by_its_name()
    {
        var (scout, name, id, _) = await Registered();
        await Api.Post("/api/v1/agents/register", new { name }).RefusedAs(409, "Agent name already taken");
        var me = await scout.Get("/api/v1/agents/me").Ok();
        (me.Text("id"), me.Text("name"), me.Text("description"), me.Text("account_type")).ShouldBe((id, name, "Looks around", "agent"));
        (me.Number("follower_count"), me.Flag("is_admin")).ShouldBe((0, false));

        // An agent of a project acts with its own key, under its project's name.
        var alice = await NewProject().Agent("alice");
        var own = $"alice.{alice.Project.Slug}";
        await scout.Get($"/api/v1/agents/{own}").RefusedAs(404, "Agent not found");
        (await alice.Get("/api/v1/agents/me").Ok()).Text("name").ShouldBe(own);
        await alice.Post($"/api/v1/agents/{name}/follow").Created();
        var found = await alice.Get($"/api/v1/agents/{name}").Ok();
        (found.Number("follower_count"), found.Flag("is_following")).ShouldBe((1, true));
        (await scout.Get($"/api/v1/agents/{name}/followers").Ok()).Pluck("data", "name").ShouldBe([own]);
        (await scout.Get($"/api/v1/agents/{own}/following").Ok()).Pluck("data", "name").ShouldBe([name]);
        await alice.Delete($"/api/v1/agents/{name}/follow").Ok();
        (await alice.Get($"/api/v1/agents/{name}").Ok()).Number("follower_count").ShouldBe(0);
        (await scout.Patch("/api/v1/agents/me", new { description = "Else", metadata = new { x = 1 } }).Ok())
            .At("metadata").Number("x").ShouldBe(1);
    }

    [Fact]
    public async Task Nobody_gets_the_key_of_an_agent_that_registered_for_hives()
    {
        var (_, name, _, _) = await Registered();
        (await Api.Post("/v1/init", new { project_slug = "commons", alias = name })).Status.ShouldBe(403);
        var project = (await (await Registered()).Api.Get("/v1/projects/current")).Text;
        var commons = project.Contains("project_id", StringComparison.Ordinal)
            ? JsonDocument.Parse(project).RootElement.Text("project_id") : null;
        if (commons is not null) (await Api.Post("/v1/init", new { project_id = commons, alias = name })).Status.ShouldBe(403);
        var both = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => NewName()).SelectMany(twice => new[] { twice, twice })
            .Select(twice => Api.Post("/api/v1/agents/register", new { name = twice })));
        both.Count(answer => answer.Status == 201).ShouldBe(4);
        both.Count(answer => answer.Status == 409).ShouldBe(4);
    }

    [Fact]
    public async Task Teams_talk_in_a_hive()
    {
        var (alice, bob) = (await NewProject().Agent("alice"), await NewProject().Agent("bob"));
        var hive = await NewHive(alice);
        var post = await Post(bob, hive, "How do you test?", "I wonder").Created();
        (post.Text("hive_name"), post.Text("title"), post.Text("content"), post.Number("score"), post.Number("comment_count"))
            .ShouldBe((hive, "How do you test?", "I wonder", 0, 0));
        post.At("author").Text("name").ShouldBe($"bob.{bob.Project.Slug}");
        foreach (var absent in new[] { "url", "sync_event_id", "origin_instance_id", "origin_post_id", "remote_author_id", "user_vote" })
            post.IsNull(absent).ShouldBeTrue(absent);
        var id = post.Text("id");

        var first = await alice.Post($"{Posts}/{id}/comments", new { content = "With a server" }).Created();
        var second = await bob.Post($"{Posts}/{id}/comments", new { content = "Which?", parent_id = first.Text("id") }).Created();
        (second.Number("depth"), second.Text("path")).ShouldBe((1, $"{first.Text("id")}.{second.Text("id")}"));
        await bob.Post($"{Posts}/{id}/comments", new { content = "x", parent_id = "none" }).RefusedAs(404, "Comment not found");
        var tree = await alice.Get($"{Posts}/{id}/comments").Ok();
        tree.Number("total").ShouldBe(2);
        var root = tree.Items("data").ShouldHaveSingleItem();
        root.Items("replies").ShouldHaveSingleItem().Text("content").ShouldBe("Which?");
        (await alice.Get($"{Posts}/{id}/comments?flat=true&sort=old").Ok()).Pluck("data", "content").ShouldBe(["With a server", "Which?"]);

        var vote = await alice.Post($"{Posts}/{id}/vote", new { value = 1 }).Ok();
        (vote.Number("score"), vote.Number("user_vote")).ShouldBe((1, 1));
        (await alice.Get($"{Posts}/{id}").Ok()).Number("user_vote").ShouldBe(1);
        (await bob.Get($"{Posts}/{id}").Ok()).IsNull("user_vote").ShouldBeTrue();
        (await bob.Post($"{Posts}/{id}/vote", new { value = -1 }).Ok()).Number("score").ShouldBe(0);
        var again = await alice.Post($"{Posts}/{id}/vote", new { value = 1 }).Ok();
        (again.Number("score"), again.IsNull("user_vote")).ShouldBe((-1, true));
        (await alice.Post($"/api/v1/comments/{second.Text("id")}/vote", new { value = 1 }).Ok()).Number("score").ShouldBe(1);
        (await bob.Get("/api/v1/agents/me").Ok()).Number("karma").ShouldBe(0); // -1 and 1

        await alice.Patch($"{Posts}/{id}", new { title = "Mine" }).RefusedAs(403, "You can only edit your own posts");
        (await bob.Patch($"{Posts}/{id}", new { title = "Edited ✓" }).Ok()).Text("title").ShouldBe("Edited ✓");
        (await bob.Get($"{Posts}/{id}").Ok()).Text("content").ShouldBe("I wonder");
        (await bob.Patch($"/api/v1/comments/{second.Text("id")}", new { content = "Which one?" }).Ok()).Text("content")
            .ShouldBe("Which one?");
        (await alice.Post($"{Posts}/{id}/pin").Ok()).Flag("is_pinned").ShouldBeTrue();
        await bob.Post($"{Posts}/{id}/pin").RefusedAs(403, "Only owner and moderators can do this");

        // What is answered stays as a place.
        (await alice.Delete($"/api/v1/comments/{first.Text("id")}")).Status.ShouldBe(204);
        var left = await bob.Get($"{Posts}/{id}/comments").Ok();
        (left.Number("total"), left.Items("data").Single().Text("content")).ShouldBe((1, "[deleted]"));
        left.Items("data").Single().Items("replies").Single().Text("content").ShouldBe("Which one?");
        (await bob.Get($"{Posts}/{id}").Ok()).Number("comment_count").ShouldBe(1);

        (await alice.Delete($"{Posts}/{id}")).Status.ShouldBe(204);
        await bob.Get($"{Posts}/{id}").RefusedAs(404, "Post not found");
        await bob.Post($"{Posts}/{id}/comments", new { content = "x" }).RefusedAs(404, "Post not found");
        await bob.Post($"/api/v1/comments/{second.Text("id")}/vote", new { value = 1 }).RefusedAs(404, "Comment not found");
    }

    [Fact]
    public async Task A_write_with_a_key_is_carried_out_once()
    {
        var alice = await NewProject().Agent("alice");
        var hive = await NewHive(alice);
        var keyed = alice.With(("Authorization", $"Bearer {alice.Key}"), ("Idempotency-Key", $"k-{hive}"));
        var first = await Post(keyed, hive);
        var again = await Post(keyed, hive);
        (again.Status, again.Text, again.Header("Idempotent-Replayed")).ShouldBe((201, first.Text, "true"));
        (await Post(keyed, hive, "another")).Status.ShouldBe(400);
        var id = first.Json.Text("id");
        var vote = alice.With(("Authorization", $"Bearer {alice.Key}"), ("Idempotency-Key", $"v-{hive}"));
        for (var i = 0; i < 2; i++) (await vote.Post($"{Posts}/{id}/vote", new { value = 1 }).Ok()).Number("score").ShouldBe(1);
        (await alice.Get($"{Posts}?hive={hive}").Ok()).Number("total").ShouldBe(1);
        // What turns over is turned over once, also by repeats that come while the first is under way.
        var pin = alice.With(("Authorization", $"Bearer {alice.Key}"), ("Idempotency-Key", $"p-{hive}"));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => pin.Post($"{Posts}/{id}/pin")));
        (await pin.Post($"{Posts}/{id}/pin").Ok()).Flag("is_pinned").ShouldBeTrue();
        (await alice.Get($"{Posts}/{id}").Ok()).Flag("is_pinned").ShouldBeTrue();
        // An answer that shows a key is not kept.
        var register = Api.With(("Authorization", $"Bearer {alice.Key}"), ("Idempotency-Key", $"r-{hive}"));
        var name = NewName();
        (await register.Post("/api/v1/agents/register", new { name })).Status.ShouldBe(201);
        (await register.Post("/api/v1/agents/register", new { name })).Status.ShouldBe(409);
    }

    [Fact]
    public async Task Feeds_are_sorted_and_a_cursor_skips_nothing()
    {
        var alice = await NewProject().Agent("alice");
        var (one, two) = (await NewHive(alice), await NewHive(alice));
        var ids = new List<string>();
        for (var i = 0; i < 5; i++) ids.Add((await Post(alice, i % 2 == 0 ? one : two, $"Post {i}").Created()).Text("id"));
        await alice.Post($"{Posts}/{ids[2]}/vote", new { value = 1 }).Ok();

        (await alice.Get($"{Posts}?hive={one}&sort=new").Ok()).Pluck("data", "title").ShouldBe(["Post 4", "Post 2", "Post 0"]);
        (await alice.Get($"{Posts}?hive={one}&sort=top").Ok()).Pluck("data", "title").First().ShouldBe("Post 2");
        (await alice.Get($"{Posts}?hive={one}&limit=1&offset=1&sort=new").Ok()).Pluck("data", "title").ShouldBe(["Post 2"]);
        (await alice.Get($"{Posts}?hive={one}").Ok()).Number("total").ShouldBe(3);
        foreach (var sort in new[] { "hot", "new", "top" })
        {
            var home = await alice.Get($"/api/v1/feed/home?sort={sort}&limit=100").Ok();
            home.Pluck("data", "title").Order().ShouldBe(["Post 0", "Post 1", "Post 2", "Post 3", "Post 4"]);
        }

        (await alice.Get("/api/v1/feed/home?sort=new&limit=2&offset=1").Ok()).Pluck("data", "title").ShouldBe(["Post 3", "Post 2"]);

        // All that came, page by page, each once; and then what comes later.
        var (since, read) = ("0", new List<string>());
        for (var more = true; more;)
        {
            var page = await alice.Get($"/api/v1/feed/home?since={since}&limit=2").Ok();
            read.AddRange(page.Pluck("data", "id"));
            (since, more) = (page.Text("next_since"), page.Flag("has_more"));
        }

        read.ShouldBe(ids, ignoreOrder: true);
        await alice.Delete($"{Posts}/{ids[0]}");
        var late = (await Post(alice, two, "Late").Created()).Text("id");
        (await alice.Get($"/api/v1/feed/home?since={since}").Ok()).Pluck("data", "id").ShouldBe([late]);
        var start = (await alice.Get($"{Posts}?hive={two}").Ok()).Text("next_since");
        (await alice.Get($"{Posts}?hive={two}&since={start}").Ok()).Items("data").ShouldBeEmpty();
        var invalid = await alice.Get($"{Posts}?since=nonsense");
        (invalid.Status, invalid.Json.Text("error")).ShouldBe((400, "Validation Error"));
    }

    [Fact]
    public async Task A_private_hive_is_none_to_who_is_no_member()
    {
        var (owner, stranger) = (await NewProject().Agent("owner"), await Registered());
        var hive = await NewHive(owner, isPublic: false);
        var secret = $"secret{Guid.NewGuid():N}";
        var post = (await Post(owner, hive, secret, secret).Created()).Text("id");
        var comment = (await owner.Post($"{Posts}/{post}/comments", new { content = secret }).Created()).Text("id");

        string[] reads =
        [
            $"{Hives}/{hive}", $"{Hives}/{hive}/members", $"{Hives}/{hive}/status", $"{Hives}/{hive}/stream", $"{Posts}?hive={hive}",
            $"{Posts}?hive={hive}&since=0", $"{Posts}/{post}", $"{Posts}/{post}/comments", $"/api/v1/search?q={secret}&hive={hive}",
        ];
        foreach (var read in reads) (await stranger.Api.Get(read)).Status.ShouldBe(404, read);
        foreach (var feed in new[] { Hives + "?limit=100", Posts, Posts + "?since=0&limit=100", "/api/v1/feed", "/api/v1/feed?since=0",
            "/api/v1/feed/home", "/api/v1/feed/all", $"/api/v1/search?q={secret}", "/.well-known/openhive.json" })
        {
            var answer = await stranger.Api.Get(feed);
            answer.Ok();
            (answer.Text.Contains(hive, StringComparison.Ordinal)
                || answer.Text.Replace($"\"query\":\"{secret}\"", "", StringComparison.Ordinal).Contains(secret, StringComparison.Ordinal))
                .ShouldBeFalse(feed);
        }

        var writes = new (HttpMethod Method, string Path, object? Body)[]
        {
            (HttpMethod.Post, Posts, new { hive, title = "x", content = "x" }),
            (HttpMethod.Post, $"{Posts}/{post}/comments", new { content = "x" }),
            (HttpMethod.Post, $"{Posts}/{post}/vote", new { value = 1 }),
            (HttpMethod.Post, $"{Posts}/{post}/pin", null),
            (HttpMethod.Patch, $"{Posts}/{post}", new { title = "x" }),
            (HttpMethod.Delete, $"{Posts}/{post}", null),
            (HttpMethod.Post, $"/api/v1/comments/{comment}/vote", new { value = 1 }),
            (HttpMethod.Patch, $"/api/v1/comments/{comment}", new { content = "x" }),
            (HttpMethod.Delete, $"/api/v1/comments/{comment}", null),
            (HttpMethod.Patch, $"{Hives}/{hive}", new { description = "x" }),
            (HttpMethod.Delete, $"{Hives}/{hive}", null),
            (HttpMethod.Delete, $"{Hives}/{hive}/leave", null),
            (HttpMethod.Post, $"{Hives}/{hive}/members", new { agent = stranger.Name }),
            (HttpMethod.Post, $"{Hives}/{hive}/moderators", new { agent = stranger.Name }),
            (HttpMethod.Post, $"{Hives}/{hive}/bans", new { agent = stranger.Name }),
            (HttpMethod.Post, $"{Hives}/{hive}/owner", new { agent = stranger.Name }),
        };
        foreach (var (method, path, body) in writes)
            (await stranger.Api.Send(method, path, Api.Content(body))).Status.ShouldBe(404, $"{method} {path}");
        await stranger.Api.Post($"{Hives}/{hive}/join").RefusedAs(403, "This hive is private");
        (await owner.Get($"{Posts}/{post}").Ok()).Number("score").ShouldBe(0);

        // Let in, it sees all; put out, nothing.
        await owner.Post($"{Hives}/{hive}/members", new { agent = stranger.Name }).Created();
        (await stranger.Api.Get($"{Posts}/{post}").Ok()).Text("title").ShouldBe(secret);
        (await stranger.Api.Get("/api/v1/feed/home").Ok()).Pluck("data", "id").ShouldBe([post]);
        await owner.Delete($"{Hives}/{hive}/members/{stranger.Name}").Ok();
        (await stranger.Api.Get($"{Posts}/{post}")).Status.ShouldBe(404);
        (await stranger.Api.Get("/api/v1/feed/home").Ok()).Items("data").ShouldBeEmpty();
    }

    [Fact]
    public async Task Members_moderators_bans_and_owners()
    {
        var (owner, mod, other) = (await NewProject().Agent("owner"), await Registered(), await Registered());
        var hive = await NewHive(owner);
        await mod.Api.Post($"{Hives}/{hive}/join").Created();
        await mod.Api.Post($"{Hives}/{hive}/join").RefusedAs(400, "Already a member of this hive");
        var shown = await mod.Api.Get($"{Hives}/{hive}").Ok();
        (shown.Number("member_count"), shown.At("user_membership").Text("role")).ShouldBe((2, "member"));
        await mod.Api.Post($"{Hives}/{hive}/moderators", new { agent = mod.Name }).RefusedAs(403, "Only the owner can do this");
        await owner.Post($"{Hives}/{hive}/moderators", new { agent = mod.Name }).Created();
        (await owner.Get($"{Hives}/{hive}/members").Ok()).Items("data").Select(member => member.Text("role")).Order()
            .ShouldBe(["moderator", "owner"]);

        var post = (await Post(other.Api, hive).Created()).Text("id");
        await other.Api.Patch($"{Hives}/{hive}", new { description = "x" }).RefusedAs(403, "Only owner and moderators can do this");
        await mod.Api.Patch($"{Hives}/{hive}", new { settings = new { post_permissions = "members" } }).Ok();
        await Post(other.Api, hive).RefusedAs(403, "Only members can post in this hive");
        await mod.Api.Post($"{Hives}/{hive}/bans", new { agent = other.Name }).Created();
        foreach (var (path, body) in new (string, object?)[] { ($"{Posts}/{post}/vote", new { value = 1 }), ($"{Hives}/{hive}/join", null),
            ($"{Posts}/{post}/comments", new { content = "x" }) })
            await other.Api.Post(path, body).RefusedAs(403, "Banned from this hive");
        await other.Api.Patch($"{Posts}/{post}", new { title = "x" }).RefusedAs(403, "Banned from this hive");
        (await mod.Api.Delete($"{Posts}/{post}")).Status.ShouldBe(204);
        await mod.Api.Delete($"{Hives}/{hive}/bans/{other.Name}").Ok();
        await other.Api.Post($"{Hives}/{hive}/join").Created();

        await owner.Delete($"{Hives}/{hive}/leave").RefusedAs(400, "The owner cannot leave the hive");
        await other.Api.Post($"{Hives}/{hive}/owner", new { agent = other.Name }).RefusedAs(403, "Only owner and moderators can do this");
        await mod.Api.Post($"{Hives}/{hive}/owner", new { agent = mod.Name }).RefusedAs(403, "Only the owner can do this");
        (await owner.Post($"{Hives}/{hive}/owner", new { agent = mod.Name }).Ok()).At("owner").Text("name").ShouldBe(mod.Name);
        await owner.Delete($"{Hives}/{hive}").RefusedAs(403, "Only the owner can do this");
        (await mod.Api.Delete($"{Hives}/{hive}")).Status.ShouldBe(204);
        await owner.Get($"{Hives}/{hive}").RefusedAs(404, "Hive not found");
        await owner.Post(Hives, new { name = hive }).RefusedAs(409, "Hive name already taken");
    }

    [Fact]
    public async Task Words_are_found_as_they_are_now()
    {
        var alice = await NewProject().Agent("alice");
        var hive = await NewHive(alice);
        var word = $"w{Guid.NewGuid():N}";
        var post = (await Post(alice, hive, $"About {word}", "a quick fox").Created()).Text("id");
        await alice.Post($"{Posts}/{post}/comments", new { content = $"{word.ToUpperInvariant()} indeed" }).Created();

        var found = await alice.Get($"/api/v1/search?q={word}%20FOX&hive={hive}").Ok();
        found.At("results").Pluck("posts", "id").ShouldBe([post]);
        found.At("total").Number("comments").ShouldBe(0);
        (await alice.Get($"/api/v1/search?q={word}&type=comments").Ok()).At("total").Number("comments").ShouldBe(1);
        await alice.Patch($"{Posts}/{post}", new { title = "About nothing" }).Ok();
        (await alice.Get($"/api/v1/search?q={word}&type=posts").Ok()).At("total").Number("posts").ShouldBe(0);
        (await alice.Get($"/api/v1/search?q={hive}&type=hives").Ok()).At("results").Pluck("hives", "name").ShouldBe([hive]);
    }

    [Fact]
    public async Task Votes_need_not_leave_the_instance_under_their_voters_names()
    {
        var alice = await NewProject().Agent("alice");
        var hive = await NewHive(alice, settings: new { votes = "aggregate" });
        var post = (await Post(alice, hive).Created()).Text("id");
        await using var stream = await alice.Hive(hive, "0");
        (await alice.Post($"{Posts}/{post}/vote", new { value = 1 }).Ok()).Number("user_vote").ShouldBe(1);
        (await alice.Post($"{Posts}/{post}/vote", new { value = -1 }).Ok()).Number("score").ShouldBe(-1);
        await alice.Patch($"{Hives}/{hive}", new { settings = new { votes = "per_voter" } }).Ok();
        (await alice.Get($"{Posts}/{post}").Ok()).Number("user_vote").ShouldBe(-1);
        // The vote goes over to the other name: it counts once.
        (await alice.Post($"{Posts}/{post}/vote", new { value = 1 }).Ok()).Number("score").ShouldBe(1);
        var events = await stream.Until(e => e.Data.Text("type") == "vote_cast" && e.Data.Number("score") == 1);
        events[0].Id.ShouldNotBe("0");
    }

    [Fact]
    [OnAnyStore]
    public async Task What_is_wrong_is_told_as_OpenHive_tells_it()
    {
        var alice = await NewProject().Agent("alice");
        var hive = await NewHive(alice);
        foreach (var (path, body) in new (string, object)[]
        {
            (Posts, new { hive, title = "" }), (Posts, new { hive, title = "x" }),
            (Posts, new { hive, title = new string('x', 301), content = "x" }),
            (Posts, new { hive, title = "x", url = "javascript:alert(1)" }), (Hives, new { name = "No" }), (Hives, new { name = "x y" }),
            (Hives, new { name = "good", settings = new { post_permissions = "none" } }), ("/api/v1/agents/register", new { name = "a b" }),
            ("/api/v1/agents/register", new { name = "x" }),
        })
        {
            var answer = await alice.Post(path, body);
            (answer.Status, answer.Json.Text("error")).ShouldBe((400, "Validation Error"), answer.ToString());
            answer.Json.Items("details").ShouldNotBeEmpty();
        }

        var post = (await Post(alice, hive).Created()).Text("id");
        (await alice.Post($"{Posts}/{post}/vote", new { value = 0 })).Status.ShouldBe(400);
        (await alice.Post($"{Posts}/{post}/vote", new { value = 2 })).Status.ShouldBe(400);
        (await alice.Get($"{Posts}?limit=101")).Status.ShouldBe(400);
        await Post(alice, "no-such-hive").RefusedAs(404, "Hive not found");
        await Post(alice, "NO HIVE").RefusedAs(404, "Hive not found");
        await Api.Get($"{Posts}/{post}").RefusedAs(401, "Authentication required");
        await alice.Get("/api/v1/posts/rp_x").RefusedAs(404, "Post not found");
        (await Api.Get("/.well-known/openhive.json").Ok()).At("endpoints").Text("api").ShouldBe("/api/v1");
    }

    [Fact]
    public async Task The_stream_of_a_hive_goes_on_where_it_was_left()
    {
        var alice = await NewProject().Agent("alice");
        var hive = await NewHive(alice);
        await using var stream = await alice.Hive(hive);
        var first = (await Post(alice, hive, "One").Created()).Text("id");
        var seen = await stream.Next();
        (seen.Name, seen.Data.Text("post_id"), seen.Data.At("payload").Text("title")).ShouldBe(("post_created", first, "One"));
        seen.Data.At("payload").Has("_s").ShouldBeFalse();
        await stream.DisposeAsync();
        await Post(alice, hive, "Two\nlines").Created();
        await alice.Post($"{Posts}/{first}/comments", new { content = "Three" }).Created();

        await using var again = await alice.Hive(hive, seen.Id);
        (await again.Next()).Data.At("payload").Text("title").ShouldBe("Two\nlines");
        (await again.Next()).Data.Text("type").ShouldBe("comment_created");
    }

    [Fact]
    public async Task A_socket_shows_what_happens_in_hives_and_under_posts()
    {
        var (alice, stranger) = (await NewProject().Agent("alice"), await Registered());
        var (hive, hidden) = (await NewHive(alice), await NewHive(alice, isPublic: false));
        await using var socket = await HiveSocket.Open(alice, alice.Key);
        (await socket.Next("agent_online")).Flag("authenticated").ShouldBeTrue();
        (await socket.Ask(new { type = "subscribe", channels = new[] { $"hive:{hive}", $"hive:{hidden}", "hive:none", "else" } }))
            .Texts("denied").ShouldBe(["hive:none", "else"]);
        var post = (await Post(alice, hive, "New").Created()).Text("id");
        (await socket.Next("new_post")).Text("title").ShouldBe("New");
        (await socket.Ask(new { type = "subscribe", channels = new[] { $"post:{post}" } })).Texts("subscribed").ShouldBe([$"post:{post}"]);
        var comment = (await stranger.Api.Post($"{Posts}/{post}/comments", new { content = "Said" }).Created()).Text("id");
        (await socket.Next("new_comment")).Text("content").ShouldBe("Said");
        await stranger.Api.Post($"{Posts}/{post}/vote", new { value = 1 }).Ok();
        var vote = await socket.Next("vote_update");
        (vote.Text("target_id"), vote.Number("score"), vote.Number("delta")).ShouldBe((post, 1, 1));
        await stranger.Api.Delete($"/api/v1/comments/{comment}");
        (await socket.Next("comment_deleted")).Text("id").ShouldBe(comment);
        (await socket.Ask(new { type = "ping" })).Flag("pong").ShouldBeTrue();
        await socket.Say("nonsense");
        (await socket.Next("agent_offline")).Text("error").ShouldBe("Invalid message format");

        // Who is no member watches no private hive, neither it nor its posts; and is cut off when put out.
        var secret = (await Post(alice, hidden, "Secret").Created()).Text("id");
        await using var outside = await HiveSocket.Open(stranger.Api, null);
        (await outside.Next("agent_online")).Flag("authenticated").ShouldBeFalse();
        (await outside.Ask(new { type = "subscribe", channels = new[] { $"hive:{hidden}", $"post:{secret}", $"hive:{hive}" } }))
            .Texts("denied").ShouldBe([$"hive:{hidden}", $"post:{secret}"]);
        await alice.Post($"{Hives}/{hidden}/members", new { agent = stranger.Name }).Created();
        await using var member = await HiveSocket.Open(stranger.Api, stranger.Key);
        await member.Next("agent_online");
        (await member.Ask(new { type = "subscribe", channels = new[] { $"hive:{hidden}", $"hive:{hive}" } })).Has("denied").ShouldBeFalse();
        await alice.Delete($"{Hives}/{hidden}/members/{stranger.Name}").Ok();
        await Post(alice, hidden, "After").Created();
        await Post(alice, hive, "Public").Created();
        (await member.Next("new_post")).Text("title").ShouldBe("Public");
        await Should.ThrowAsync<System.Net.WebSockets.WebSocketException>(() => HiveSocket.Open(Api, "aw_sk_none"));
    }

    [Fact]
    public async Task Who_moderates_says_what_an_OpenHives_copy_is()
    {
        var (alice, other) = (await NewProject().Agent("alice"), await Registered());
        var hive = await NewHive(alice);
        var post = (await Post(alice, hive).Created()).Text("id");
        var copy = new { instance_id = "inst_x", copy_id = "rp_abc", id = post };
        await other.Api.Post($"{Hives}/{hive}/copies", copy).RefusedAs(403, "Only owner and moderators can do this");
        await alice.Post($"{Hives}/{hive}/copies", copy).Created();
        (await alice.Post($"{Hives}/{hive}/copies", new { instance_id = "inst_x", copy_id = "abc", id = post })).Status.ShouldBe(400);
        (await alice.Get($"{Hives}/{hive}/status").Ok()).Items("unresolved_copies").ShouldBeEmpty();
    }

    [Fact]
    public async Task Models_take_part_by_tools()
    {
        var alice = await NewProject().Agent("alice");
        var hive = await NewHive(alice);
        var post = await alice.Tool("hive_post", new { hive, title = "By a model", content = "Hello" });
        await alice.Tool("hive_comment", new { post_id = post.Text("id"), content = "And answered" });
        (await alice.Tool("hive_vote", new { post_id = post.Text("id"), value = 1 })).Number("score").ShouldBe(1);
        var feed = await alice.Tool("hive_feed", new { hive });
        (feed.Items("data").Single().Text("title"), feed.Items("data").Single().Number("comment_count")).ShouldBe(("By a model", 1));
        (await alice.Tool("hive_search", new { q = "Hello", hive })).At("total").Number("posts").ShouldBe(1);
    }
}

/// <summary>Answers of <c>/api/v1</c>.</summary>
internal static class HiveAnswers
{
    public static async Task<JsonElement> Created(this Task<Answer> answer) =>
        (await answer) is { Status: 201 } created ? created.Json : throw new InvalidOperationException($"Expected 201: {await answer}");

    public static async Task RefusedAs(this Task<Answer> answer, int status, string message)
    {
        var refused = await answer;
        (refused.Status, refused.Json.Text("message")).ShouldBe((status, message), refused.ToString());
        refused.Json.Has("error").ShouldBeTrue();
    }

    public static async Task<JsonElement> Tool(this Api agent, string name, object arguments)
    {
        var call = new { jsonrpc = "2.0", id = 1, method = "tools/call", @params = new { name, arguments } };
        var answer = await agent.Post("/mcp", call).Ok();
        if (!answer.TryGetProperty("result", out var result)) throw new InvalidOperationException(answer.GetRawText());
        return JsonDocument.Parse(result.Items("content")[0].Text("text")).RootElement;
    }
}
