using Beadhub.Testing;

namespace Beadhub.Interop.Tests;

/// <summary>A site whose disk fills up while it takes what another has: it says so, loses nothing and goes on when there is room.</summary>
public sealed class FullDiskTests
{
    [Fact]
    public async Task A_backfill_that_fills_the_disk_goes_on_where_it_was()
    {
        const int Posts = 3_000;
        const int Room = 1_200; // events
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        await using var postgres = new PostgresCluster();
        var database = await postgres.CreateDatabase(TestContext.Current.CancellationToken);
        var sites = await Task.WhenAll(Site.Start("old"), Site.Start("new", ("BEADHUB_DATABASE_URL", database)));
        await using var old = sites[0];
        await using var fresh = sites[1];
        (await old.Admin.Post("/api/v1/sync/groups", new { hive_name = "eng" })).Status.ShouldBe(201);
        using var peer = new FakePeer(old, "inst_posts");
        (await peer.Handshake()).Status.ShouldBe(200);
        foreach (var batch in Enumerable.Range(0, Posts).Select(i => peer.Post($"p{i}")).Chunk(500))
            (await peer.Push(batch)).Status.ShouldBe(200);
        await PostgresCluster.Execute(database, $$"""
            CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
            CREATE TRIGGER full_disk BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.kind = 'hive_log' AND NEW.version > {{Room}})
                EXECUTE FUNCTION full_disk();
            """, TestContext.Current.CancellationToken);

        var id = await fresh.Add(old);
        await Site.Until(async () =>
        {
            var group = (await fresh.Group())!.Value;
            var stored = group.Number("seq");
            stored.ShouldBeLessThanOrEqualTo(Room);
            var failed = (await fresh.Admin.Get("/api/v1/sync/peers")).Ok().Find("data", "id", id);
            return stored > 0 && failed.Maybe("last_error")?.Contains("No space left on device", StringComparison.Ordinal) == true
                ? null : $"{group} {failed}";
        });
        // What has room is written: whoever reads and whoever asks for an account notices nothing.
        await fresh.Agent("alice");
        (await old.Admin.Post("/api/v1/sync/groups", new { hive_name = "other" })).Status.ShouldBe(201);

        await PostgresCluster.Execute(database, "DROP TRIGGER full_disk ON events", TestContext.Current.CancellationToken);
        await Site.Alike(Posts, 60, old, fresh);
        (await fresh.Group())!.Value.Items("refused").ShouldBeEmpty();
    }
}
