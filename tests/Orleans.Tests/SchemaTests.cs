using Beadhub.Hosting.Engines;
using Beadhub.Hosting.EventLogs;
using Beadhub.Testing;
using Npgsql;

namespace Beadhub.Orleans.Tests;

/// <summary>The tables and queries that Orleans finds in PostgreSQL, without Orleans.</summary>
public sealed class SchemaTests(PostgresCluster postgres) : IClassFixture<PostgresCluster>
{
    [Fact]
    public async Task It_is_applied_by_many_at_once_and_again()
    {
        var url = await Database();
        await Task
            .WhenAll(Enumerable.Range(0, 8).Select(_ =>
            OrleansSchema.Apply(DatabaseUrl.Parse(url), TestContext.Current.CancellationToken)));
        await OrleansSchema.Apply(DatabaseUrl.Parse(url), TestContext.Current.CancellationToken);
        (await Sql(url, "SELECT count(*) FROM orleansquery WHERE querykey LIKE '%Key'")).ShouldBe(13L);
    }

    [Fact]
    public async Task An_old_wording_is_replaced_and_data_stays()
    {
        var url = await Applied();
        await Sql(url, "INSERT INTO orleans_clusters VALUES ('kept', 7); UPDATE orleansquery SET querytext = 'old'");
        await OrleansSchema.Apply(DatabaseUrl.Parse(url), TestContext.Current.CancellationToken);
        (await Sql(url, "SELECT count(*) FROM orleansquery WHERE querytext = 'old'")).ShouldBe(0L);
        (await Sql(url, "SELECT version FROM orleans_clusters WHERE cluster = 'kept'")).ShouldBe(7);
    }

    [Theory]
    [InlineData("orleansmembershiptable", "InsertMembershipKey", "WriteToStorageKey")]
    [InlineData("orleansstorage", "WriteToStorageKey", "InsertMembershipKey")]
    public async Task Where_Orleans_own_scripts_were_applied_their_queries_stay(string table, string theirs, string ours)
    {
        var url = await Database();
        await Sql(url, $"""
            CREATE TABLE OrleansQuery (QueryKey varchar(64) NOT NULL, QueryText varchar(8000) NOT NULL,
                CONSTRAINT OrleansQuery_Key PRIMARY KEY (QueryKey));
            CREATE TABLE {table} (x int);
            INSERT INTO OrleansQuery VALUES ('{theirs}', 'theirs')
            """);
        for (var start = 0; start < 2; start++)
        {
            await OrleansSchema.Apply(DatabaseUrl.Parse(url), TestContext.Current.CancellationToken);
            (await Sql(url, $"SELECT querytext FROM orleansquery WHERE querykey = '{theirs}'")).ShouldBe("theirs");
            ((string)(await Sql(url, $"SELECT querytext FROM orleansquery WHERE querykey = '{ours}'"))!).ShouldContain("orleans_");
        }

        // What their scripts lack is not made up: it would ask other tables.
        (await Sql(url, "SELECT count(*) FROM orleansquery WHERE querykey LIKE '%StorageKey'"))
            .ShouldBe(table == "orleansstorage" ? 1L : 4L);
    }

    [Fact]
    public async Task Whoever_may_not_make_tables_runs_on_those_that_are_there()
    {
        var url = await Applied();
        await Sql(url, """
            CREATE ROLE guest LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest
            """);
        await OrleansSchema.Apply(DatabaseUrl.Parse(url.Replace("postgres://postgres@", "postgres://guest@", StringComparison.Ordinal)),
            TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Of_those_who_change_the_members_at_the_same_time_one_wins()
    {
        var url = await Applied();
        (await Ask(url, "InsertMembershipVersionKey")).ShouldBe(1);
        (await Ask(url, "InsertMembershipVersionKey")).ShouldBe(0);
        var made = await Task
            .WhenAll(Enumerable.Range(0, 8).Select(i => Ask(url, "InsertMembershipKey", ("Port", 1000 + i), ("Version", 0))));
        made.Count(static one => one is 1).ShouldBe(1);
        (await Sql(url, "SELECT version FROM orleans_clusters")).ShouldBe(1);
        (await Sql(url, "SELECT count(*) FROM orleans_silos")).ShouldBe(1L);
        await Sql(url, "UPDATE orleans_silos SET port = 1000");

        // Neither a silo that is there already, nor one that is not, nor an old version changes anything.
        (await Ask(url, "InsertMembershipKey", ("Port", 1000), ("Version", 1))).ShouldBe(0);
        (await Ask(url, "UpdateMembershipKey", ("Port", 999), ("Version", 1))).ShouldBe(0);
        (await Ask(url, "UpdateMembershipKey", ("Port", 1000), ("Version", 0))).ShouldBe(0);
        (await Sql(url, "SELECT version FROM orleans_clusters")).ShouldBe(1);
        var changed = await Task
            .WhenAll(Enumerable.Range(0, 8).Select(_ => Ask(url, "UpdateMembershipKey", ("Port", 1000), ("Version", 1), ("Status", 6))));
        changed.Count(static one => one is 1).ShouldBe(1);
        (await Sql(url, "SELECT c.version * 10 + s.status FROM orleans_clusters c JOIN orleans_silos s USING (cluster)")).ShouldBe(26);
    }

    [Fact]
    public async Task A_cluster_without_the_silo_has_a_version_all_the_same()
    {
        var url = await Applied();
        await Ask(url, "InsertMembershipVersionKey");
        foreach (var key in (string[])["MembershipReadRowKey", "MembershipReadAllKey"])
        {
            await using var rows = await Rows(url, key, ("Port", 1000));
            (await rows.ReadAsync(TestContext.Current.CancellationToken)).ShouldBeTrue();
            rows.GetInt32(rows.GetOrdinal("Version")).ShouldBe(0);
            rows.IsDBNull(rows.GetOrdinal("StartTime")).ShouldBeTrue();
            (await rows.ReadAsync(TestContext.Current.CancellationToken)).ShouldBeFalse();
        }
    }

    [Fact]
    public async Task Of_the_dead_only_the_long_dead_are_forgotten()
    {
        var url = await Applied();
        await Ask(url, "InsertMembershipVersionKey");
        await Ask(url, "InsertMembershipKey", ("Port", 1), ("Version", 0), ("Status", 6));
        await Ask(url, "InsertMembershipKey", ("Port", 2), ("Version", 1), ("Status", 3));
        await Ask(url, "InsertMembershipKey", ("Port", 3), ("Version", 2), ("Status", 6), ("IAmAliveTime", DateTime.UtcNow.AddDays(1)));
        await Ask(url, "CleanupDefunctSiloEntriesKey", ("IAmAliveTime", DateTime.UtcNow.AddHours(1)));
        (await Sql(url, "SELECT array_agg(port ORDER BY port) FROM orleans_silos")).ShouldBe(new[] { 2, 3 });
    }

    [Theory]
    [InlineData("a name")]
    [InlineData("")]
    [InlineData(null)]
    public async Task State_is_written_by_whoever_knows_its_version(string? name)
    {
        var url = await Applied();
        (await Write(null, 1)).ShouldBe(1);
        (await Write(null, 2)).ShouldBe(DBNull.Value); // another has made it
        (await Write(1, 3)).ShouldBe(2);
        (await Write(1, 4)).ShouldBe(1); // another was faster
        await using (var rows = await Rows(url, "ReadFromStorageKey", ("GrainIdExtensionString", name)))
        {
            (await rows.ReadAsync(TestContext.Current.CancellationToken)).ShouldBeTrue();
            ((byte[])rows["PayloadBinary"]).ShouldBe([3]);
            rows["Version"].ShouldBe(2);
            (await rows.ReadAsync(TestContext.Current.CancellationToken)).ShouldBeFalse();
        }

        // Another name is another grain; no name, and an empty one, are names too.
        foreach (var other in (string?[])["a name", "", null])
            if (other != name)
                (await Ask(url, "WriteToStorageKey", ("GrainIdExtensionString", other), ("GrainStateVersion", null))).ShouldBe(1);

        (await Ask(url, "ClearStorageKey", ("GrainIdExtensionString", name), ("GrainStateVersion", 1))).ShouldBe(1);
        (await Ask(url, "ClearStorageKey", ("GrainIdExtensionString", name), ("GrainStateVersion", 2))).ShouldBe(3);
        (await Ask(url, "DeleteStorageKey", ("GrainIdExtensionString", name), ("GrainStateVersion", 2))).ShouldBe(2);
        (await Ask(url, "DeleteStorageKey", ("GrainIdExtensionString", name), ("GrainStateVersion", 3))).ShouldBe(4);
        (await Sql(url, "SELECT count(*) FROM orleans_states")).ShouldBe(2L);

        Task<object?> Write(int? version, byte payload) =>
            Ask(url, "WriteToStorageKey", ("GrainIdExtensionString", name), ("GrainStateVersion", version),
                ("PayloadBinary", new[] { payload }));
    }

    private async Task<string> Database()
    {
        if (PostgresCluster.Missing is { } missing) Assert.Skip(missing);
        return await postgres.CreateDatabase(TestContext.Current.CancellationToken);
    }

    private async Task<string> Applied()
    {
        var url = await Database();
        await OrleansSchema.Apply(DatabaseUrl.Parse(url), TestContext.Current.CancellationToken);
        return url;
    }

    private static Task<object?> Sql(string url, string sql) => PostgresCluster.Execute(url, sql, TestContext.Current.CancellationToken);

    private static async Task<object?> Ask(string url, string key, params (string Name, object? Value)[] values)
    {
        await using var rows = await Rows(url, key, values);
        return await rows.ReadAsync(TestContext.Current.CancellationToken) ? rows.GetValue(0) : null;
    }

    /// <summary>Runs a query as Orleans does: with parameters by name, all that the query may name, without types beyond those of the
    /// values.</summary>
    private static async Task<NpgsqlDataReader> Rows(string url, string key, params (string Name, object? Value)[] values)
    {
        var connection = await PostgresCluster.Connect(url, TestContext.Current.CancellationToken);
        await using var find = new NpgsqlCommand("SELECT querytext FROM orleansquery WHERE querykey = $1", connection);
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        await using var command = new NpgsqlCommand((string)(await find.ExecuteScalarAsync(TestContext.Current.CancellationToken))!,
            connection);
        var all = new Dictionary<string, object?>
        {
            ["DeploymentId"] = "test", ["Address"] = "127.0.0.1", ["Port"] = 1000, ["Generation"] = 1, ["SiloName"] = "silo",
                ["HostName"] = "host", ["Status"] = 3,
            ["ProxyPort"] = 0, ["StartTime"] = DateTime.UtcNow, ["IAmAliveTime"] = DateTime.UtcNow, ["Version"] = 0,
            ["SuspectTimes"] = null,
            ["ServiceId"] = "test", ["GrainIdHash"] = 5, ["GrainIdN0"] = 1L, ["GrainIdN1"] = 2L, ["GrainTypeHash"] = 6,
            ["GrainTypeString"] = "grain",
            ["GrainIdExtensionString"] = null, ["GrainStateVersion"] = null, ["PayloadBinary"] = new byte[] { 9 },
        };
        foreach (var (name, value) in values) all[name] = value;
        foreach (var (name, value) in all) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return await command.ExecuteReaderAsync(System.Data.CommandBehavior.CloseConnection, TestContext.Current.CancellationToken);
    }
}
