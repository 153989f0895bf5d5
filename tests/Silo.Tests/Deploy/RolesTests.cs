using Beadhub.Testing;
using Npgsql;

namespace Beadhub.Silo.Tests.Deploy;

/// <summary><c>deploy/postgres/roles.sql</c>: the server runs with the least rights that it needs, and has no more.</summary>
public sealed class RolesTests(PostgresCluster cluster) : IDisposable
{
    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-roles-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_server_runs_as_the_app_role_on_the_owners_schema_and_may_do_nothing_else()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        var url = await cluster.CreateDatabase(Cancellation);
        await Apply(url);
        await Apply(url); // again, as after an upgrade
        var app = url.Replace("postgres@", "beadhub_app@");
        await using (var server = await Start(app))
        {
            var project = new Project(server.Api);
            var alice = await project.Agent("alice");
            var bob = await project.Agent("bob");
            await alice.MailId(bob, "By the least of rights");
            (await alice
                .Sync(Jsonl
                .Of(Enumerable.Range(0, 600).Select(object (i) => new { id = $"bd-{i}", title = "t", status = "open" }).ToArray()))).Ok();
            (await alice.Claim("bd-1")).Ok();
            (await server.Api.Get("/health/ready")).Status.ShouldBe(200);
        }

        foreach (var forbidden in (string[])[
            "UPDATE events SET data = '{}'", "DELETE FROM events", "DELETE FROM snapshots", "TRUNCATE events", "DROP TABLE events",
            "CREATE TABLE beadhub.x (y int)", "CREATE TABLE public.x (y int)", "CREATE TEMP TABLE x (y int)",
            "UPDATE schema_version SET version = 1", "SET ROLE beadhub_owner"])
            (await Refused(app, forbidden)).ShouldBeTrue(forbidden);
        foreach (var forbidden in (string[])["INSERT INTO snapshots VALUES ('a', 'b', 'c', 1, 'd')", "DELETE FROM leases",
            "UPDATE snapshots SET version = 1"])
            (await Refused(url.Replace("postgres@", "beadhub_reader@"), forbidden)).ShouldBeTrue(forbidden);

        (await Refused(app, "DELETE FROM shared_state")).ShouldBeFalse();
        // A node of a cluster needs the leases.
        await using (var node = await Start(app, ("BEADHUB_CLUSTER", "true"))) (await node.Api.Get("/health/ready")).Status.ShouldBe(200);
        (string, string)[] settings = [("BEADHUB_DATABASE_URL", app), ("BEADHUB_HOST", "127.0.0.1"),
            ("BEADHUB_PORT", ServerProcess.FreePort().ToString())];
        var doctor = await CommandRun.Of(_folder.FullName, settings, "doctor");
        doctor.ExitCode.ShouldBe(0, doctor.Output);
        doctor.Output.ShouldContain("beadhub_app may do what the server does");

        var log = await CommandRun.Of(_folder.FullName, [("BEADHUB_DATABASE_URL", url.Replace("postgres@", "beadhub_reader@"))], "log",
            "--project", "-", "--max", "1");
        log.ExitCode.ShouldBe(0, log.Error);
    }

    [Fact]
    public async Task A_log_that_a_server_made_for_itself_comes_under_the_owner_also_after_a_restore_by_the_readers_backup()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        var (first, second) = (await cluster.CreateDatabase(Cancellation), await cluster.CreateDatabase(Cancellation));
        Agent alice;
        await using (var server = await Start(first)) alice = await new Project(server.Api).Agent("alice");
        await Apply(first);
        await using (var server = await Start(first.Replace("postgres@", "beadhub_app@")))
            (await alice.At(server.Api).Get("/v1/status")).Status.ShouldBe(200);

        var file = Path.Combine(_folder.FullName, "backup");
        await Script.Run(Script.PathOf("postgres/backup.sh"), first.Replace("postgres@", "beadhub_reader@"), file);
        await Script.Run(Script.PathOf("postgres/restore.sh"), file, second);
        await Apply(second);
        await using (var server = await Start(second.Replace("postgres@", "beadhub_app@")))
        {
            (await alice.At(server.Api).Get("/v1/status")).Status.ShouldBe(200);
            await alice.At(server.Api).MailId(alice.At(server.Api));
        }
    }

    [Fact]
    public async Task What_Orleans_keeps_is_there_when_asked_for_and_its_queries_are_not_the_apps_to_change()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        var url = await cluster.CreateDatabase(Cancellation);
        await Apply(url);
        await Apply(url, "-v", "orleans=1");
        await Apply(url, "-v", "orleans=1");
        var app = url.Replace("postgres@", "beadhub_app@");
        foreach (var allowed in (string[])["INSERT INTO orleans_clusters VALUES ('c', 1)", "SELECT querytext FROM orleansquery",
            "DELETE FROM orleans_silos", "DELETE FROM orleans_states"])
            (await Refused(app, allowed)).ShouldBeFalse(allowed);
        foreach (var forbidden in (string[])["UPDATE orleansquery SET querytext = ''", "DROP TABLE orleans_silos"])
            (await Refused(app, forbidden)).ShouldBeTrue(forbidden);
    }

    private static Task<string> Apply(string url, params string[] more) =>
        Script.Run("psql", ["-v", "ON_ERROR_STOP=1", "-v", "app_password=it's-any", .. more, "--no-psqlrc", "-q", "-d", url, "-f",
            Script.PathOf("postgres/roles.sql")]);

    private static async Task<bool> Refused(string url, string sql)
    {
        var settings = Hosting.EventLogs.DatabaseUrl.Parse(url).ConnectionString;
        await using var connection = new NpgsqlConnection(settings + ";Pooling=false");
        await connection.OpenAsync(Cancellation);
        try
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(Cancellation);
            return false;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InsufficientPrivilege
            or PostgresErrorCodes.InvalidParameterValue)
        {
            return true;
        }
    }

    private Task<ServerProcess> Start(string database, params (string Name, string Value)[] settings) => ServerProcess.Start(
        _folder.FullName, settings.Append(("BEADHUB_DATABASE_URL", database)).ToDictionary(setting => setting.Item1, setting =>
            setting.Item2));
}
