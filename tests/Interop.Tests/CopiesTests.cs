using Beadhub.Testing;

namespace Beadhub.Interop.Tests;

/// <summary>What is said at an OpenHive of our content names its copies of it, which are looked up in its public API.</summary>
public sealed class CopiesTests
{
    [Fact]
    public async Task What_names_an_OpenHives_copy_finds_its_place_by_itself()
    {
        using var open = new FakeOpenHive();
        await using var site = await Site.Start("berlin");
        var alice = site.Api.As(await site.Agent("alice"));
        (await alice.Post("/api/v1/hives", new { name = "eng" })).Status.ShouldBe(201);
        var post = await Made("/api/v1/posts", new { hive = "eng", title = "ours", content = "x" });
        var comment = await Made($"/api/v1/posts/{post}/comments", new { content = "ours too" });
        var voted = await Made($"/api/v1/posts/{post}/comments", new { content = "to be voted for" });
        (await site.Admin.Post("/api/v1/sync/groups", new { hive_name = "eng" })).Status.ShouldBe(201);
        var self = (await site.Group())!.Value.Text("created_by_instance_id");

        open.Add("comment_created", new { comment_id = "c1", post_id = "rp_1", parent_comment_id = (string?)null, content = "theirs",
            author = open.Author });
        open.Add("comment_created", new { comment_id = "c2", post_id = "rp_1", parent_comment_id = "rc_1", content = "a reply",
            author = open.Author });
        open.Add("vote_cast", new { target_type = "post", target_id = "rp_1", voter = new { instance_id = open.Instance, agent_id = "a1" },
            value = 1 });
        open.Add("vote_cast", new { target_type = "comment", target_id = "rc_2", value = 1,
            voter = new { instance_id = open.Instance, agent_id = "a1" } });
        // A copy of what is not ours, and one of which it lies.
        open.Add("comment_created", new { comment_id = "c3", post_id = "rp_else", parent_comment_id = (string?)null, content = "x",
            author = open.Author });
        open.Pages["/api/v1/posts/rp_1"] = new { id = "rp_1", origin_instance_id = self, origin_post_id = post };
        open.Pages["/api/v1/posts/rp_else"] = new { id = "rp_else", origin_instance_id = self, origin_post_id = "made-up" };
        open.Pages["/api/v1/posts/rp_1/comments?flat=true"] = new { data = new[]
        {
            new { id = "rc_1", origin_instance_id = self, origin_comment_id = comment },
            new { id = "rc_2", origin_instance_id = self, origin_comment_id = voted },
        } };
        open.Pages["/api/v1/posts?hive=eng&sort=new&limit=100"] = new { data = new[] { new { id = "rp_1", comment_count = 3 } } };
        (await site.Admin.Post("/api/v1/sync/peers",
            new { name = "open", sync_endpoint = open.Endpoint, shared_hives = new[] { "eng" } })).Ok();

        await Site.Until(async () =>
        {
            var shown = (await alice.Get($"/api/v1/posts/{post}")).Ok();
            var list = (await alice.Get($"/api/v1/posts/{post}/comments?flat=true")).Ok();
            return shown.Number("comment_count") == 4 && shown.Number("score") == 1
                && list.Find("data", "id", voted).Number("score") == 1
                && list.Items("data").Any(one => one.Text("content") == "a reply" && one.Maybe("parent_id") == comment)
                ? null : list.ToString();
        }, 40);
        (await alice.Get("/api/v1/hives/eng/status")).Ok().Items("unresolved_copies").Single().Text("copy_id").ShouldBe("rp_else");

        async Task<string> Made(string path, object body)
        {
            var answer = await alice.Post(path, body);
            answer.Status.ShouldBe(201, answer.ToString());
            return answer.Json.Text("id");
        }
    }
}
