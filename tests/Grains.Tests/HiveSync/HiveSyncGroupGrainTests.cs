using System.Text;
using Beadhub.HiveSync;

namespace Beadhub.Grains.Tests.HiveSync;

/// <summary>The log of a hive: what is written here, and what is taken of peers.</summary>
public sealed class HiveSyncGroupGrainTests
{
    [Fact]
    public async Task A_change_is_stamped_signed_and_gets_the_next_number()
    {
        await using var site = await MeshSite.Start();
        var (first, second) = (await site.Post("p1"), await site.Post("p2"));

        (first.Seq, second.Seq).ShouldBe((2, 3));
        var e = second.Event;
        (e.Origin, e.OriginSeq, e.IsLocal, e.Via).ShouldBe((site.InstanceId, 3, true, null));
        e.Payload.ShouldBe(
            $$$"""{"post_id":"p2","title":"é ✓","_s":{"o":"{{{site.InstanceId}}}","q":3,"t":"post_created","ts":{{{e.OriginTs}}}}}""");
        Ed25519.Best.Verify(Ed25519.DecodeKey(site.Settings.PublicKey)!, Encoding.UTF8.GetBytes(e.Payload),
            Ed25519.DecodeSignature(e.Signature)!).ShouldBeTrue();
        (await site.All()).Select(static entry => entry.Event.Type).ShouldBe(["beadhub_key", "post_created", "post_created"]);
        (await site.Group.Head()).ShouldBe(3);
        site.InstanceId.ShouldMatch("^bh_[a-z2-7]{26}$");
    }

    [Fact]
    public async Task A_write_with_a_key_is_made_once_also_after_a_restart()
    {
        await using var site = await MeshSite.Start();
        var first = await site.Post("p1", "k1");
        (await site.Post("p1", "k1")).ShouldBe(first);
        await site.Post("p2", "k2");
        await site.Restart();

        (await site.Post("p1", "k1")).ShouldBe(first);
        (await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => site.Post("p3", "k3")))).Distinct().ShouldHaveSingleItem();
        (await site.Group.Head()).ShouldBe(4);
    }

    [Fact]
    public async Task The_time_of_a_change_is_at_least_that_of_what_it_changes()
    {
        await using var site = await MeshSite.Start();
        var later = site.Time.GetUtcNow().AddMinutes(3).ToUnixTimeMilliseconds();
        var written = await site.Group.Write(new([new("post_updated", "{}", later)]));
        written.Entries.Single().Event.OriginTs.ShouldBe(later);
        written.Entries.Single().Event.Payload.ShouldStartWith("""{"_s":{"o":""");
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"a\":1")]
    [InlineData("{\"_s\":1}")]
    [InlineData("{\"\\u005fs\":1}")]
    [InlineData("{} {}")]
    public async Task A_payload_that_cannot_be_stamped_is_refused(string payload)
    {
        await using var site = await MeshSite.Start();
        (await Should.ThrowAsync<RefusedException>(() => site.Group.Write(new([new("post_created", payload)]))))
            .Kind.ShouldBe(RefusalKind.Invalid);
        (await site.Group.Head()).ShouldBe(0);
    }

    [Fact]
    public async Task Events_reach_a_site_that_never_met_their_origin_and_are_the_same_there()
    {
        await using var a = await MeshSite.Start();
        await using var b = await MeshSite.Start();
        await using var c = await MeshSite.Start();
        for (var i = 0; i < 20; i++) await a.Post($"a{i}");
        await b.Take(await a.Outgoing(), a.InstanceId);
        await b.Post("b1");

        var taken = await c.Take(await b.Outgoing(), b.InstanceId);

        (taken.Stored, taken.Duplicates, taken.Refused, taken.Head).ShouldBe((23, 0, 0, 23));
        (await c.All()).Select(static entry => entry.Seq).ShouldBe(Enumerable.Range(1, 23).Select(static i => (long)i));
        var ids = (await c.All()).Select(static entry => entry.Event.EventId).ToList();
        ids.ShouldBe((await b.All()).Select(static entry => entry.Event.EventId));
        ids.Take(21).ShouldBe((await a.All()).Select(static entry => entry.Event.EventId));
        (await c.All()).ShouldAllBe(entry => entry.Event.Via == b.InstanceId && !entry.Event.IsLocal);
    }

    [Fact]
    public async Task A_batch_with_duplicates_stores_the_rest()
    {
        await using var a = await MeshSite.Start();
        await using var b = await MeshSite.Start();
        await a.Post("a1");
        await b.Take(await a.Outgoing());
        await a.Post("a2");
        var batch = await a.Outgoing();

        var taken = await b.Take([.. batch, .. batch]);
        (taken.Stored, taken.Duplicates).ShouldBe((1, 5));
        await b.Restart();
        (await b.Take(batch)).Stored.ShouldBe(0);
        (await b.Group.Head()).ShouldBe(3);
        // The origin's own, too, when they come back.
        (await a.Take(await b.Outgoing())).Stored.ShouldBe(0);
    }

    [Fact]
    public async Task What_was_lost_with_a_backup_comes_back_from_a_peer_and_is_gone_on_from()
    {
        await using var a = await MeshSite.Start();
        await using var b = await MeshSite.Start();
        await a.Post("a1");
        var before = await a.Outgoing();
        await a.Post("a2");
        await b.Take(await a.Outgoing());

        // A site with the same keys and an older log.
        a.Log.Truncate(new(IHiveSyncGroupGrain.LogKind, MeshSite.GroupId), before.Length);
        await a.Restart();
        (await a.Group.Head()).ShouldBe(2);
        await a.Take(await b.Outgoing());
        (await a.Post("a3")).Event.OriginSeq.ShouldBe(4);
        (await b.Take(await a.Outgoing())).Stored.ShouldBe(1);
    }

    [Fact]
    public async Task A_forged_event_is_refused_and_the_rest_is_stored()
    {
        await using var a = await MeshSite.Start();
        await using var other = await MeshSite.Start("other-group");
        await using var b = await MeshSite.Start();
        foreach (var id in (string[])["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"]) await a.Post(id);
        var batch = (await a.Outgoing()).ToArray();
        var foreign = await other.Post("x");
        var refused = new (ReceivedMeshEvent Event, string Reason)[]
        {
            (batch[1] with { Payload = batch[1].Payload.Replace("a1", "aX") }, "the signature is not of its origin's key"),
            (batch[1] with { Payload = batch[1].Payload + " " }, "the signature is not of its origin's key"),
            (batch[2] with { Type = "post_deleted" }, "its _s disagrees with its envelope"),
            (batch[3] with { OriginTs = batch[3].OriginTs + 1 }, "its _s disagrees with its envelope"),
            (batch[4] with { Origin = b.InstanceId }, "its _s disagrees with its envelope"),
            (batch[5] with { Signature = batch[6].Signature }, "the signature is not of its origin's key"),
            (batch[5] with { Signature = "" }, "the signature is no 64 bytes in base64"),
            (batch[5] with { Payload = """{"post_id":"a5"}""" }, "an event of a Beadhub must have one _s in its payload"),
            (batch[5] with { Payload = batch[5].Payload[..^1] + ",\"_s\":{}}" }, "an event of a Beadhub must have one _s in its payload"),
            (batch[5] with { Origin = "inst_x" }, "the key of its origin is not known"),
            (MeshSite.Sent(foreign.Event), "the key of its origin is not known"),
            ((await other.Outgoing())[0], "the certificate is not of its origin for this group"),
            (batch[1] with { OriginTs = -1 }, "origin_ts is no time"),
            (batch[1] with { Type = new('x', 65) }, "event_type must have 1 to 64 characters"),
        };

        var taken = await b.Take([batch[0], .. refused.Select(static one => one.Event), batch[8]]);

        (taken.Stored, taken.Refused).ShouldBe((2, refused.Length));
        (await b.Group.Refused()).Reverse().Select(static one => one.Reason).OrderBy(static r => r)
            .ShouldBe(refused.Select(static one => one.Reason).OrderBy(static r => r));
        (await b.Group.Refused()).ShouldAllBe(one => one.Via == "peer");
        (await b.Take(batch)).Stored.ShouldBe(7);
    }

    [Fact]
    public async Task A_new_key_signs_from_then_on_and_the_old_one_cannot_come_back()
    {
        await using var a = await MeshSite.Start();
        await using var b = await MeshSite.Start();
        await a.Post("a1");
        (await a.Group.RotateKey()).KeyVersion.ShouldBe(2);
        (await a.All())[2].Event.Type.ShouldBe("beadhub_key");
        await a.Post("a2");

        (await b.Take(await a.Outgoing())).Stored.ShouldBe(4);
        var signed = (await a.All())[3].Event;
        var key = (await a.Grains.GetGrain<IHiveSyncSettingsGrain>(MeshSite.GroupId).Find())!.PublicKey;
        KeptKey.Verify(key, signed.Payload, signed.Signature).ShouldBeTrue();
        (await b.All())[3].Event.Type.ShouldBe("post_created");
        var old = (await a.All())[0].Event;
        // Who has the old key cannot tell it again under a later number: this one is not even signed anew, and refused for its age first.
        var again = new MeshStamp(a.InstanceId, 9, KeyCertificate.EventType, old.OriginTs).AddTo(
            old.Payload[..old.Payload.IndexOf(",\"_s\"", StringComparison.Ordinal)] + "}");
        await b.Take([MeshSite.Sent(old) with { Payload = again }]);
        (await b.Group.Refused())[0].Reason.ShouldBe("the certificate is an older one than its origin has told");
    }

    [Fact]
    public async Task Events_of_an_OpenHive_are_told_by_their_content()
    {
        await using var a = await MeshSite.Start();
        await using var b = await MeshSite.Start();
        var seed = Enumerable.Range(0, 32).Select(static i => (byte)i).ToArray();
        var key = Ed25519.Encode(Ed25519.Best.PublicKey(seed));
        var events = Enumerable.Range(0, 5).Select(i => Signed($$$"""{"post_id":"p{{{i}}}","_s":{}}""")).ToArray();
        (await a.Take(events)).Refused.ShouldBe(5);

        await a.Group.Write(new([new(HiveLog.PeerKeyType, $$"""{"instance_id":"inst_a","key":"{{key}}"}""")]));
        var taken = await a.Take([.. events, .. events, events[0] with { OriginTs = 2 }]);
        (taken.Stored, taken.Duplicates, taken.Refused).ShouldBe((6, 5, 0));
        await a.Restart();
        (await a.Take(events)).Stored.ShouldBe(0);
        (await a.All()).ShouldAllBe(entry => entry.Event.OriginSeq != null || entry.Event.Origin == "inst_a");
        // Another Beadhub verifies them by what this one has told.
        (await b.Take(await a.Outgoing())).Stored.ShouldBe(8);

        ReceivedMeshEvent Signed(string payload) =>
            new("post_created", "inst_a", 1, payload, Convert.ToBase64String(Ed25519.Best.Sign(seed, Encoding.UTF8.GetBytes(payload))));
    }

    [Fact]
    public async Task A_private_key_is_in_no_event_and_no_answer()
    {
        await using var site = await MeshSite.Start();
        await site.Post("p1");
        var key = await site.Grains.GetGrain<IHiveSyncSettingsGrain>(MeshSite.GroupId).SigningKey();
        key!.PlainKey.ShouldBeNull();
        var seed = site.Seal.OpenText(key.SealedKey!).ShouldNotBeNull();
        var feed = await site.Log.ReadFeed(MeshSite.GroupId, 0, 100, TestContext.Current.CancellationToken);
        feed.Count.ShouldBe(6);
        feed.ShouldAllBe(e => !e.Data.Contains(seed));
    }

    [Fact]
    public void A_log_remembers_as_much_of_many_events_as_of_few()
    {
        var log = HiveLog.Empty;
        var sizes = new List<int>();
        for (var seq = 1; seq <= 30_000; seq++)
        {
            for (var origin = 0; origin < 3; origin++)
                log = log.Apply(new MeshEvent("e", "post_created", $"bh_{origin}", 1, seq, "{}", "", false, default));
            if (seq is 10 or 30_000) sizes.Add(HiveLog.Kind.Save(log).Length);
        }

        log.Count.ShouldBe(90_000);
        sizes[1].ShouldBeLessThan(sizes[0] + 50);
    }

    [Fact]
    public void Holes_and_origins_are_bounded()
    {
        var log = HiveLog.Empty;
        for (var seq = 1; seq < 2 * HiveLog.MaxHolesTogether; seq += 2) log = log.Apply(Of("bh_a", seq));
        log.Refusal("bh_a", 2 * HiveLog.MaxHolesTogether + 1).ShouldNotBeNull();
        log.Refusal("bh_a", 2).ShouldBeNull();
        // Of the others each has so many all the same.
        for (var seq = 1; seq < 2 * HiveLog.MaxHoles; seq += 2) log = log.Apply(Of("bh_1", seq));
        log.Refusal("bh_1", 2 * HiveLog.MaxHoles - 1).ShouldBeNull();
        log.Refusal("bh_1", 2 * HiveLog.MaxHoles + 1).ShouldNotBeNull();
        for (var i = 1; i < HiveLog.MaxOrigins; i++) log = log.Apply(Of($"bh_{i}", 1));
        log.Refusal("bh_new", 1).ShouldNotBeNull();
        log.Refusal("bh_5", 2).ShouldBeNull();

        static MeshEvent Of(string origin, long seq) => new("e", "post_created", origin, 1, seq, "{}", "", false, default);
    }
}
