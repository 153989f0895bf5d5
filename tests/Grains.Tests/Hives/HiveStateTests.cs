using System.Diagnostics;
using Beadhub.Hives;

namespace Beadhub.Grains.Tests.Hives;

public sealed class HiveStateTests
{
    private readonly Mesh _mesh = new();
    private readonly Site _site = new();
    private static readonly string A = Mesh.Id("bh_a", 1);
    private static readonly string C = Mesh.Id("bh_b", 10);

    private HiveState Hive => _site.Hive;

    [Fact]
    public void A_comment_waits_for_its_post_and_a_vote_for_its_comment()
    {
        _site.Receive(_mesh.Vote("bh_a", C, 1, 5, "comment"));
        _site.Receive(_mesh.Comment("bh_b", C, A, null, 3));
        (Hive.WaitingCount, Hive.CommentCount).ShouldBe((2, 0));

        _site.Receive(_mesh.Post("bh_a", A, 1));

        (Hive.WaitingCount, Hive.CommentCount).ShouldBe((0, 1));
        Hive.Comment(C)!.Score.ShouldBe(1);
        Hive.Post(A)!.CommentCount.ShouldBe(1);
    }

    [Fact]
    public void What_has_waited_for_a_day_is_set_aside_and_reported_and_still_finds_its_place()
    {
        _site.Receive(_mesh.Comment("bh_b", C, A, null, 3));
        _site.Pass(TimeSpan.FromHours(25));
        (Hive.WaitingCount, Hive.Aside).ShouldBe((0, 1));
        Hive.Reports.Last().Reason.ShouldBe($"set aside: it has waited for a day for post/{A}");

        _site.Receive(_mesh.Post("bh_a", A, 1));

        (Hive.WaitingCount, Hive.Aside, Hive.Post(A)!.CommentCount).ShouldBe((0, 0, 1));
    }

    [Fact]
    public void One_origin_that_fills_the_queue_does_not_push_out_another()
    {
        _site.Receive(_mesh.Comment("bh_b", C, A, null, 3));
        for (var i = 0; i < HiveState.MostWaiting + 50; i++) _site.Receive(_mesh.Comment("bh_c", Mesh.Id("bh_c", i), A, null, 4));
        (Hive.WaitingCount, Hive.Aside).ShouldBe((HiveState.MostWaiting + 1, 50));

        _site.Receive(_mesh.Post("bh_a", A, 1));

        Hive.Post(A)!.CommentCount.ShouldBe(HiveState.MostWaiting + 51);
    }

    [Fact]
    public void A_time_far_ahead_is_held_until_then_and_one_of_this_instance_is_not()
    {
        var ahead = (long)(TimeSpan.FromDays(100) + TimeSpan.FromMinutes(10)).TotalMilliseconds;
        var local = Mesh.Id("bh_a", 2);
        _site.Receive(_mesh.Post("bh_a", A, ahead));
        _site.Receive(_mesh.Post("bh_a", local, ahead) with { IsLocal = true });
        (Hive.Post(A), Hive.EarlyCount).ShouldBe((null, 1));
        Hive.Post(local).ShouldNotBeNull();

        _site.Pass(TimeSpan.FromMinutes(9));
        Hive.Post(A).ShouldBeNull();
        _site.Pass(TimeSpan.FromMinutes(2));
        Hive.Post(A).ShouldNotBeNull();
        Hive.EarlyCount.ShouldBe(0);
    }

    [Fact]
    public void A_deletion_leaves_a_tombstone_that_a_repeated_creation_does_not_lift()
    {
        _site.Receive(_mesh.Post("bh_a", A, 1));
        _site.Receive(_mesh.Deletion("bh_a", A, 2));
        _site.Receive(_mesh.Post("bh_a", A, 3));
        _site.Receive(_mesh.Edit("bh_a", A, "Again", 4));
        Hive.Newest.Count.ShouldBe(0);
        Hive.Post(A)!.Deleted.ShouldNotBeNull();
    }

    [Fact]
    public void The_last_vote_of_each_voter_counts_whatever_comes_last()
    {
        _site.Receive(_mesh.Post("bh_a", A, 1));
        _site.Receive(_mesh.Vote("bh_b", A, -1, 9));
        _site.Receive(_mesh.Vote("bh_b", A, 1, 5));
        _site.Receive(_mesh.Vote("bh_b", A, 1, 5, voter: "bob"));
        Hive.Post(A)!.Score.ShouldBe(0);
        _site.Receive(_mesh.Vote("bh_b", A, 0, 10));
        Hive.Post(A)!.Score.ShouldBe(1);
    }

    [Fact]
    public void An_edit_counts_though_its_clock_is_behind_and_only_from_the_posts_own_instance()
    {
        _site.Receive(_mesh.Post("bh_a", A, 1000));
        _site.Receive(_mesh.Edit("bh_a", A, "Edited", 500)); // seq 2
        _site.Receive(_mesh.Edit("bh_b", A, "Not theirs", 9000));
        (Hive.Post(A)!.SeqOf(EditedFields.Title), Hive.Post(A)!.SeqOf(EditedFields.Content)).ShouldBe((2, 1));
        Hive.Post(A)!.UpdatedTs.ShouldBe(Hive.Post(A)!.Made.Ts);
    }

    [Fact]
    public void Nobody_takes_over_a_post_by_claiming_to_have_made_it_earlier()
    {
        _site.Receive(_mesh.Post("bh_a", A, 1000, "Mine"));
        _site.Receive(_mesh.Post("bh_b", A, 1, "Stolen"));
        Hive.Post(A)!.Author.Instance.ShouldBe("bh_a");
        Hive.Newest.Count.ShouldBe(1);
    }

    [Fact]
    public void The_owners_instance_has_the_last_word_on_settings_bans_and_moderators()
    {
        _site.Receive(_mesh.Owner("bh_a", 1, 1));
        _site.Receive(_mesh.Setting("bh_a", "description", "ours", 1000));
        _site.Receive(_mesh.Setting("bh_b", "description", "theirs", 1001));
        Hive.Setting("description").ShouldBe("\"ours\"");
        _site.Receive(_mesh.Setting("bh_b", "post_permissions", "mods", 5));
        _site.Receive(_mesh.Setting("bh_c", "post_permissions", "all", 4));
        Hive.Setting("post_permissions").ShouldBe("\"mods\"");

        _site.Receive(_mesh.Standing("bh_a", "bh_b", "bob", "ban", 10));
        _site.Receive(_mesh.Standing("bh_b", "bh_b", "bob", "unban", 20));
        _site.Receive(_mesh.Standing("bh_b", "bh_b", "bob", "join", 21));
        Hive.Role(Hive.Agent("bh_b/bob-id")).ShouldBe(HiveRole.Banned);
        _site.Receive(_mesh.Setting("bh_b", "deleted", true, 30));
        Hive.Setting("deleted").ShouldBeNull();
    }

    [Fact]
    public void Who_made_the_hive_first_owns_it_and_can_give_it_away()
    {
        _site.Receive(_mesh.Owner("bh_b", 1, 5));
        _site.Receive(_mesh.Owner("bh_a", 1, 3));
        Hive.OwnerInstance.ShouldBe("bh_a");
        _site.Receive(_mesh.Owner("bh_b", 2, 9)); // not its to give
        Hive.OwnerInstance.ShouldBe("bh_a");
        _site.Receive(_mesh.Owner("bh_a", 2, 8, ownerInstance: "bh_b"));
        Hive.OwnerInstance.ShouldBe("bh_b");
    }

    [Fact]
    public void A_lost_owner_is_succeeded_by_who_has_been_there_longest_and_takes_the_hive_back_when_it_returns()
    {
        const long Day = 86_400_000;
        _site.Receive(_mesh.Owner("bh_a", 1, 1));
        _site.Receive(_mesh.Post("bh_c", Mesh.Id("bh_c", 1), 2));
        _site.Receive(_mesh.Post("bh_b", Mesh.Id("bh_b", 1), 3));
        _site.Receive(_mesh.Owner("bh_b", 2, 40 * Day, succession: true));
        Hive.OwnerInstance.ShouldBe("bh_a");
        _site.Receive(_mesh.Owner("bh_c", 2, 20 * Day, succession: true));
        Hive.OwnerInstance.ShouldBe("bh_a");
        _site.Receive(_mesh.Owner("bh_c", 2, 41 * Day, succession: true));
        Hive.OwnerInstance.ShouldBe("bh_c");
        _site.Receive(_mesh.Owner("bh_a", 3, 50 * Day));
        Hive.OwnerInstance.ShouldBe("bh_a");

        // It was there all the time, as it turns out: what it has said comes late.
        _site.Receive(_mesh.Post("bh_a", A, 30 * Day));
        Hive.OwnerInstance.ShouldBe("bh_a");
    }

    [Theory]
    [InlineData("not json", "the payload is no JSON")]
    [InlineData("[1]", "the payload is no JSON object")]
    [InlineData("""{"post_id":"x","title":7}""", "title is no text")]
    [InlineData("""{"post_id":"x","title":"t","author":{"instance_id":"bh_b","agent_id":"a","name":"a"}}""",
        "author is an agent of another instance")]
    [InlineData("""{"post_id":"a b","title":"t","author":{"instance_id":"bh_a","agent_id":"a","name":"a"}}""", "post_id is no id")]
    public void A_payload_that_does_not_fit_is_parked_with_a_reason_and_the_rest_goes_on(string payload, string reason)
    {
        _site.Receive(new(0, "post_created", "bh_a", Mesh.Start.ToUnixTimeMilliseconds(), 1, payload, false, Mesh.Start));
        _site.Receive(_mesh.Post("bh_a", A, 1));
        (Hive.Parked, Hive.Newest.Count).ShouldBe((1, 1));
        Hive.Reports.Single().ShouldBe(new HiveReport(1, "post_created", "bh_a", reason));
    }

    [Fact]
    public void Unknown_types_change_nothing()
    {
        var before = Hive.Hash;
        _site.Receive(_mesh.Event("poll_opened", "bh_a", 1, new { what = "ever" }));
        (Hive.Unapplied, Hive.Hash).ShouldBe((1, before));
    }

    [Fact]
    public void What_an_OpenHive_calls_its_copy_is_resolved_by_whose_content_it_is()
    {
        _site.Receive(_mesh.Post("bh_a", A, 1));
        _site.Receive(_mesh.Comment("inst_open", "c1", "rp_copy", null, 3));
        Hive.CommentCount.ShouldBe(0);
        Hive.Unresolved.ShouldBe([("inst_open", "rp_copy", null)]);
        object resolved = new { instance_id = "inst_open", copy_id = "rp_copy", id = A };
        _site.Receive(_mesh.Event("copy_resolved", "bh_b", 4, resolved));
        Hive.CommentCount.ShouldBe(0);
        _site.Receive(_mesh.Event("copy_resolved", "bh_a", 5, resolved));
        Hive.Post(A)!.CommentCount.ShouldBe(1);
    }

    [Theory]
    [InlineData("abcdefghijklmnopqrstu")]
    [InlineData("abcdefgh_ijklmnopqrst")] // with the prefix and the hive's tag it looks as one of ours does
    public void An_id_that_is_shown_leads_back(string id)
    {
        var tag = HiveIds.TagOf(Mesh.Hive);
        HiveIds.Read(HiveIds.Shown(id, tag, true), true).ShouldBe((tag, id));
        HiveIds.Read(HiveIds.Shown(id, tag, false), false).ShouldBe((tag, id));
        HiveIds.Read(HiveIds.Shown(A, tag, true), true).ShouldBe((tag, A));
    }

    [Fact]
    public void A_contested_comment_leads_to_no_circle()
    {
        _site.Receive(_mesh.Post("bh_a", A, 1));
        _site.Receive(_mesh.Comment("bh_b", "x", A, null, 9));
        _site.Receive(_mesh.Comment("bh_b", "y", A, "x", 9));
        _site.Receive(_mesh.Comment("bh_c", "x", A, "y", 1));
        Hive.Post(A)!.CommentCount.ShouldBe(2);
    }

    /// <summary>What a page costs does not depend on how many posts there are: counted in comparisons, not in time.</summary>
    [Fact]
    public void The_first_page_of_a_large_hive_costs_no_more_than_that_of_a_small_one()
    {
        long compared = 0;
        Comparison<int> counting = (a, b) =>
        {
            compared++;
            return a.CompareTo(b);
        };
        var costs = new List<(long Page, long Change)>();
        foreach (var count in new[] { 100, 200_000 })
        {
            var order = new HiveOrder<int>(counting);
            for (var i = 0; i < count; i++) order.Add(i * 2);
            compared = 0;
            order.From(0).Take(25).ShouldBe(Enumerable.Range(0, 25).Select(i => i * 2));
            var page = compared;
            order.Remove(count);
            order.Add(count);
            costs.Add((page, compared - page));
            order.From(count / 2).First().ShouldBe(count / 2 * 2);
            order.Count.ShouldBe(count);
        }

        costs[1].Page.ShouldBe(0);
        costs[1].Change.ShouldBeLessThan(80);
    }

    /// <summary>The same in time: both are measured in turns in the same run.</summary>
    [Fact]
    public void Pages_of_a_large_hive_take_as_long_as_those_of_a_small_one()
    {
        var (small, large) = (Filled(100), Filled(100_000));
        var ratios = Enumerable.Range(0, 15).Select(_ => Time(large) / Time(small)).Order().ToArray();
        ratios[ratios.Length / 2].ShouldBeLessThan(3);

        static HiveState Filled(int count)
        {
            var (mesh, site) = (new Mesh(), new Site());
            for (var i = 0; i < count; i++) site.Receive(mesh.Post("bh_a", Mesh.Id("bh_a", i), i));
            return site.Hive;
        }

        static double Time(HiveState hive)
        {
            var since = Stopwatch.GetTimestamp();
            for (var i = 0; i < 200; i++)
            {
                hive.Newest.From(0).Take(25).Count().ShouldBe(25);
                hive.Top.From(0).Take(25).Count().ShouldBe(25);
                hive.Hot.From(0).Take(25).Count().ShouldBe(25);
            }

            return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
        }
    }
}
