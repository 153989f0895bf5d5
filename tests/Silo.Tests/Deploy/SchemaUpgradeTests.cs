using System.Data.Common;
using System.Globalization;
using Beadhub.EventLog;
using Beadhub.Hosting.EventLogs;
using Beadhub.Idempotency;
using Beadhub.Silo.Tests.EventLogs;
using Beadhub.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Beadhub.Silo.Tests.Deploy;

/// <summary>
/// A log that the version before has written is brought to this schema, taken back by the script that deploy/README.md names, and brought
/// again, and nothing is lost on the way. The
/// logs are those of tests/Gateway.Tests/OldLogs, where it is tried what a server makes of them.
/// </summary>
public sealed class SchemaUpgradeTests(PostgresCluster cluster) : IDisposable
{
    private const string Streams =
        "SELECT kind, key, project, version, snapshot_version, coalesce(snapshot, '') FROM streams ORDER BY kind, key";
    private const string Marks = "SELECT project, mark, kind, key, version FROM marks ORDER BY project, mark";
    private const string Heads = "SELECT project, position FROM heads ORDER BY project";
    private const string Events = "SELECT project, position, kind, key, version, type, data, at FROM events ORDER BY project, position";

    private readonly string _folder = Directory.CreateTempSubdirectory("beadhub-upgrade-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_log_in_PostgreSQL_goes_to_this_schema_and_back(bool prepared)
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        var url = await cluster.CreateDatabase(Cancellation);
        Task Psql(string file) => Script.Run("psql", "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", file);
        await Psql(OldLog("67f1d54.sql"));
        if (prepared)
        {
            await Psql(Script.PathOf("postgres/upgrade-4.sql"));
            await Psql(Script.PathOf("postgres/upgrade-4.sql")); // again, by mistake
        }

        await ThereAndBack(url, async () => await PostgresCluster.Connect(url, Cancellation),
            () => Psql(Script.PathOf("postgres/rollback-to-3.sql")));
    }

    /// <summary>What this version adds is beside the log: it comes while servers of the version before write on.</summary>
    [Fact]
    public async Task A_log_of_version_4_gets_the_tables_of_owners_under_its_servers_and_loses_them_again()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        var url = await cluster.CreateDatabase(Cancellation);
        Task Psql(string file) => Script.Run("psql", "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", file);
        await using (var log = await Open(url)) await log.Append(Appending("p", 0, "new", "a mark"), Cancellation);
        await Psql(Script.PathOf("postgres/rollback-to-4.sql"));
        (await PostgresCluster.Execute(url, "SELECT max(version) FROM schema_version", Cancellation)).ShouldBe(4);
        (await PostgresCluster.Execute(url, "SELECT to_regclass('owners') IS NULL AND to_regclass('sessions') IS NULL", Cancellation))
            .ShouldBe(true);

        // A server of that version: it holds its lock and has an append under way.
        await using (var old = await PostgresCluster.Connect(url, Cancellation))
        {
            await using var holds = old.CreateCommand();
            holds.CommandText = "SELECT pg_advisory_lock_shared(x'4265616468756200'::bigint)";
            await holds.ExecuteNonQueryAsync(Cancellation);
            await using var transaction = await old.BeginTransactionAsync(Cancellation);
            await using var append = old.CreateCommand();
            append.CommandText = "INSERT INTO events VALUES ('p', 2, 'bead', 'p/upgraded', 2, 'bead.changed.v1', 'old', now())";
            await append.ExecuteNonQueryAsync(Cancellation);
            await using var beside = await EventLogStore.Open(url, cluster: true, new RecordingPublisher(), NullLoggerFactory.Instance,
                TimeProvider.System, Cancellation);
            (await beside.Head("p", Cancellation)).ShouldBe(1);
            await transaction.CommitAsync(Cancellation);
            (await beside.Head("p", Cancellation)).ShouldBe(2);
            beside.Grant("p").ShouldBe(0);
        }

        await using (var again = await Open(url)) (await again.Head("p", Cancellation)).ShouldBe(2);
    }

    [Fact]
    public async Task A_log_in_PostgreSQL_is_not_taken_back_under_a_server()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        var url = await cluster.CreateDatabase(Cancellation);
        await using var log = await Open(url);
        var (code, output) = await Script.Try("psql", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-d", url, "-f",
            Script.PathOf("postgres/rollback-to-3.sql"));
        code.ShouldNotBe(0);
        output.ShouldContain("stop it first");
    }

    [Fact]
    public async Task A_log_in_SQLite_goes_to_this_schema_and_back()
    {
        var file = Path.Combine(_folder, "beadhub.db");
        File.Copy(OldLog("67f1d54.db"), file);
        await ThereAndBack($"sqlite:{file}", async () =>
        {
            var connection = new SqliteConnection($"Data Source={file};Pooling=False");
            await connection.OpenAsync(Cancellation);
            return connection;
        }, () => Script.Run("sqlite3", "-bail", file, $".read {Script.PathOf("sqlite/rollback-to-2.sql")}"));
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Answers_that_the_version_before_has_kept_are_found_by_the_marks_of_their_requests(string store)
    {
        const string Request = "INSERT INTO streams SELECT 'request', project || '/abc', project, 1, {0} FROM heads WHERE project <> '-';"
            + " INSERT INTO events SELECT project, position + 1, 'request', project || '/abc', 1, 'request.answered.v1', '{{}}', {1} "
                + "FROM heads WHERE project <> '-';"
            + " UPDATE heads SET position = position + 1 WHERE project <> '-'";
        string url;
        DbConnection connection;
        if (store == "sqlite")
        {
            var file = Path.Combine(_folder, "beadhub.db");
            File.Copy(OldLog("67f1d54.db"), file);
            (url, connection) = ($"sqlite:{file}", new SqliteConnection($"Data Source={file};Pooling=False"));
            await connection.OpenAsync(Cancellation);
        }
        else
        {
            Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
            url = await cluster.CreateDatabase(Cancellation);
            await Script.Run("psql", "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", OldLog("67f1d54.sql"));
            connection = await PostgresCluster.Connect(url, Cancellation);
        }

        string project;
        await using (connection)
        await using (var command = connection.CreateCommand())
        {
            command.CommandText = store == "sqlite"
                ? string.Format(CultureInfo.InvariantCulture, Request, "0, NULL", "0")
                : string.Format(CultureInfo.InvariantCulture, Request, "0, 0, NULL", "now()");
            await command.ExecuteNonQueryAsync(Cancellation);
            command.CommandText = "SELECT max(project) FROM heads WHERE project <> '-'";
            project = (string)(await command.ExecuteScalarAsync(Cancellation))!;
        }

        await using var log = await Open(url);
        (await log.FindMark(project, IIdempotentRequestGrain.MarkOf($"{project}/abc"), Cancellation))
            .ShouldBe(new MarkedEvent(new("request", $"{project}/abc"), 1));
    }

    private static async Task ThereAndBack(string url, Func<Task<DbConnection>> connect, Func<Task> goBack)
    {
        async Task<List<object[]>> Rows(string sql)
        {
            await using var connection = await connect();
            await using var command = connection.CreateCommand();
            command.CommandText = sql;
            await using var reader = await command.ExecuteReaderAsync(Cancellation);
            var rows = new List<object[]>();
            while (await reader.ReadAsync(Cancellation))
            {
                var row = new object[reader.FieldCount];
                reader.GetValues(row);
                rows.Add(row);
            }
            return rows;
        }

        var (streams, marks, heads, events) = (await Rows(Streams), await Rows(Marks), await Rows(Heads), await Rows(Events));
        (streams.Count, marks.Count, heads.Count).ShouldSatisfyAllConditions(
            counts =>
                counts.Item1.ShouldBeGreaterThan(5), counts =>
                counts.Item2.ShouldBeGreaterThan(0), counts => counts.Item3.ShouldBeGreaterThan(1));
        var project = (string)marks[0][0];
        long newest;

        await using (var log = await Open(url))
        {
            await AllIsThere(log, streams, marks, heads);
            (await log.Append(Appending(project, 0, "again", (string)marks[0][1]), Cancellation)).Written.ShouldBeFalse();
            newest = (await log.Append(Appending(project, 0, "new", "a new mark"), Cancellation)).FirstPosition;
            newest.ShouldBe((long)heads.Single(head => (string)head[0] == project)[1] + 1);
            (await log.Append(Appending(project, 1, "newer", null) with { Snapshot = "S" }, Cancellation)).FirstPosition
                .ShouldBe(newest + 1);
        }

        await goBack();
        (await Rows(Streams)).ShouldBe(Sorted([.. streams, ["bead", $"{project}/upgraded", project, 2L, 2L, "S"]], 2), new Same());
        (await Rows(Marks)).ShouldBe(Sorted([.. marks, [project, "a new mark", "bead", $"{project}/upgraded", 1L]], 2), new Same());
        (await Rows(Heads)).ShouldBe(heads.Select(head => (string)head[0] == project ? [project, newest + 1] : head).ToList(), new Same());
        (await Rows(Events)).Where(row => (string)row[3] != $"{project}/upgraded").ToList().ShouldBe(events, new Same());

        (streams, marks, heads) = (await Rows(Streams), await Rows(Marks), await Rows(Heads));
        await using (var log = await Open(url)) await AllIsThere(log, streams, marks, heads);
    }

    private static async Task AllIsThere(DurableEventLog log, List<object[]> streams, List<object[]> marks, List<object[]> heads)
    {
        foreach (var kind in streams.GroupBy(row => ((string)row[2], (string)row[0])))
        {
            var loaded = new Dictionary<string, StoredStream>();
            await foreach (var stream in log.LoadAll(kind.Key.Item1, kind.Key.Item2, Cancellation)) loaded.Add(stream.Key, stream);
            loaded.Count.ShouldBe(kind.Count());
            foreach (var row in kind)
            {
                var stream = loaded[(string)row[1]];
                (stream.Version, stream.SnapshotVersion, stream.Snapshot ?? "", (long)stream.Tail.Count)
                    .ShouldBe(((long)row[3], (long)row[4], (string)row[5], (long)row[3] - (long)row[4]));
                (await log.Load(new(kind.Key.Item2, stream.Key), Cancellation)).ShouldBeEquivalentTo(stream);
            }
        }
        foreach (var row in marks)
            (await log.FindMark((string)row[0], (string)row[1], Cancellation))
                .ShouldBe(new MarkedEvent(new((string)row[2], (string)row[3]), (long)row[4]));
        foreach (var row in heads) (await log.Head((string)row[0], Cancellation)).ShouldBe((long)row[1]);
    }

    private static StreamAppend Appending(string project, long version, string data, string? mark) =>
        new(project, new("bead", $"{project}/upgraded"), version, [new("bead.changed.v1", data, DateTimeOffset.UnixEpoch, mark)], null);

    private static Task<DurableEventLog> Open(string url) =>
        EventLogStore.Open(url, cluster: false, new RecordingPublisher(), NullLoggerFactory.Instance, TimeProvider.System, Cancellation);

    private static string OldLog(string name) => Path.Combine(ServerProcess.Root(), "tests/Gateway.Tests/OldLogs", name);

    private static List<object[]> Sorted(List<object[]> rows, int columns) =>
        [.. rows.OrderBy(row => string.Join('\0', row.Take(columns)), StringComparer.Ordinal)];

    private sealed class Same : IEqualityComparer<object[]>
    {
        public bool Equals(object[]? x, object[]? y) => x!.SequenceEqual(y!);

        public int GetHashCode(object[] obj) => obj.Length;
    }
}
