using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Beadhub.Hosting.EventLogs;
using Beadhub.Hosting.EventLogs.Postgres;
using Npgsql;

namespace Beadhub.Silo.Doctor;

/// <summary>A log in PostgreSQL: the way to it, its settings, its schema and the rights on it, who runs on it, and its clock.</summary>
internal static class PostgresChecks
{
    private const int OldestTested = 13;
    private const int WantedConnections = 40; // reads, the committer, the lock, the lease, and room for an upgrade's second node
    private const int RoundTrips = 20;

    // What the server does with each table; nothing is ever deleted but leases.
    private static readonly (string Table, string Rights)[] Needed =
    [
        ("events", "SELECT, INSERT"), ("snapshots", "SELECT, INSERT, UPDATE"),
        ("leases", "SELECT, INSERT, UPDATE, DELETE"), ("sessions", "SELECT, INSERT, UPDATE, DELETE"),
        ("owners", "SELECT, INSERT, UPDATE, DELETE"), ("schema_version", "SELECT"),
    ];

    public static async IAsyncEnumerable<Finding> Run(DatabaseUrl url, bool cluster,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var settings = new NpgsqlConnectionStringBuilder(url.ConnectionString) { Pooling = false, CommandTimeout = 10, Enlist = false,
            ApplicationName = "beadhub doctor" };
        settings.Timeout = Math.Min(settings.Timeout, 5);
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        if (await Connect(connection, url, cancellation) is { } unreachable)
        {
            yield return unreachable;
            yield break;
        }

        await foreach (var finding in Ask(new Questions(connection, cancellation), url, cluster)) yield return finding;
    }

    private static async Task<Finding?> Connect(NpgsqlConnection connection, DatabaseUrl url, CancellationToken cancellation)
    {
        try
        {
            await connection.OpenAsync(cancellation);
            return null;
        }
        catch (PostgresException e)
        {
            return Finding.Fail("database", $"{url.Description} refuses: {e.MessageText}", e.SqlState switch
            {
                PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
                    "Check user and password in BEADHUB_DATABASE_URL, and pg_hba.conf.",
                PostgresErrorCodes.InvalidCatalogName =>
                    "Make the database (deploy/README.md), or correct its name in BEADHUB_DATABASE_URL.",
                PostgresErrorCodes.TooManyConnections => "Raise max_connections, or end what holds the connections.",
                PostgresErrorCodes.CannotConnectNow => "It starts or stops: try again in a moment.",
                _ => "See what PostgreSQL's own log says.",
            });
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or IOException or TimeoutException or InvalidOperationException
            or ArgumentException)
        {
            return Finding.Fail("database", $"{url.Description} cannot be reached: {(e.InnerException ?? e).Message}",
                "Start PostgreSQL; check host and port in BEADHUB_DATABASE_URL, and the firewall.");
        }
    }

    private static async IAsyncEnumerable<Finding> Ask(Questions ask, DatabaseUrl url, bool cluster)
    {
        var major = await ask.Number("SELECT current_setting('server_version_num')::bigint") / 10_000;
        var user = await ask.Text("SELECT current_user");
        var says = $"{url.Description}, PostgreSQL {await ask.Text("SHOW server_version")}, as {user}";
        if (await ask.Is("SELECT pg_is_in_recovery()"))
        {
            yield return Finding.Fail("database", $"{says}: a standby, which only reads",
                "Name the primary in BEADHUB_DATABASE_URL, or all with target_session_attrs=read-write.");
            yield break;
        }

        yield return major < OldestTested
            ? Finding.Warn("database", says, $"Beadhub is tried with PostgreSQL {OldestTested} and newer: upgrade.")
            : Finding.Ok("database", says);
        await foreach (var finding in Schema(ask, user)) yield return finding;
        await foreach (var finding in Durability(ask)) yield return finding;
        yield return await Lock(ask, cluster);
        if (await Nodes(ask) is { } nodes) yield return nodes;
        if (await Owners(ask) is { } owners) yield return owners;
        yield return await Connections(ask);
        yield return await RoundTrip(ask);
        yield return await Clock(ask);
    }

    private static async IAsyncEnumerable<Finding> Schema(Questions ask, string user)
    {
        const string Apply = "Apply deploy/postgres/schema.sql as the schema's owner.";
        var present = await ask.Is("SELECT to_regclass('schema_version') IS NOT NULL")
            ? await ask.Number("SELECT max(version) FROM schema_version") : 0;
        var may = await ask.Is("SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)");
        var owns = present == 0
            || await ask.Is("SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('events')");
        yield return (present, may && owns) switch
        {
            ( > PostgresSchema.Version, _) =>
                Finding.Fail("schema", $"version {present}, which is newer than this Beadhub's {PostgresSchema.Version}",
                "Run the newer Beadhub that wrote it."),
            (PostgresSchema.Version, _) => Finding.Ok("schema", $"version {present}"),
            (0, true) => Finding.Ok("schema", "not there yet; the server makes it at its first start"),
            (0, false) => Finding.Fail("schema", $"not there, and {user} may not make it", Apply),
            (_, true) => Finding.Ok("schema", $"version {present}; the server brings it to {PostgresSchema.Version} when it starts"),
            _ => Finding.Fail("schema",
                $"version {present} is older than this Beadhub's {PostgresSchema.Version}, and {user} may not change it", Apply),
        };
        if (present == 0) yield break;
        var missing = new List<string>();
        foreach (var (table, rights) in Needed)
        {
            foreach (var right in rights.Split(", "))
            {
                if (await ask
                    .Is($"SELECT to_regclass('{table}') IS NOT NULL "
                        + $"AND NOT has_table_privilege(to_regclass('{table}'), '{right}')"))
                    missing.Add($"{right} on {table}");
            }
        }

        yield return missing.Count == 0
            ? Finding.Ok("rights", $"{user} may do what the server does")
            : Finding.Fail("rights", $"{user} lacks {string.Join(", ", missing)}", "Run deploy/postgres/roles.sql as the schema's owner.");
    }

    private static async IAsyncEnumerable<Finding> Durability(Questions ask)
    {
        if (await ask.Text("SHOW fsync") != "on")
            yield return Finding.Fail("durability", "fsync is off: a power cut can destroy the database",
                "Set fsync = on in postgresql.conf and restart PostgreSQL.");
        else if (await ask.Text("SHOW full_page_writes") != "on")
            yield return Finding.Warn("durability", "full_page_writes is off", "Set it on, unless the file system never tears a page.");
        else if (await ask.Text("SHOW synchronous_commit") == "off")
            yield return Finding.Ok("durability",
                "fsync is on; synchronous_commit is off here, and Beadhub turns it on for its own connections");
        else
            yield return Finding.Ok("durability", $"fsync is on, synchronous_commit is {await ask.Text("SHOW synchronous_commit")}");
    }

    private static async Task<Finding> Lock(Questions ask, bool cluster)
    {
        // As PostgresLock takes it: the two halves of the number.
        const string Holders = """
            FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
            WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND l.classid::bigint = $1 AND l.objid::bigint = $2 AND l.objsubid = 1
            """;
        long[] halves = [PostgresLock.LogLock >> 32, PostgresLock.LogLock & 0xFFFF_FFFF];
        var alone = await ask.Number($"SELECT count(*) {Holders} AND l.mode = 'ExclusiveLock'", halves);
        var together = await ask.Number($"SELECT count(*) {Holders} AND l.mode = 'ShareLock'", halves);
        var where = await ask
            .Text($"SELECT coalesce(string_agg(DISTINCT coalesce(host(a.client_addr), 'a local socket'), ', '), '?') {Holders}", halves);
        return (alone, together, cluster) switch
        {
            (0, 0, _) => Finding.Ok("lock", "free: no server runs on this database"),
            ( > 0, _, false) =>
                Finding.Ok("lock", $"held: a server runs alone on this database, from {where}; a second one would be refused"),
            ( > 0, _, true) =>
                Finding.Fail("lock", $"held by a server that was not started for a cluster, from {where}",
                "Start all nodes with BEADHUB_CLUSTER=true."),
            (_, _, true) => Finding.Ok("lock", $"shared by the {together} nodes of a cluster, from {where}"),
            _ => Finding.Fail("lock", $"shared by the {together} nodes of a cluster, from {where}",
                "Start this one with BEADHUB_CLUSTER=true too."),
        };
    }

    private static async Task<Finding?> Nodes(Questions ask)
    {
        if (!await ask.Is("SELECT coalesce(has_table_privilege(to_regclass('leases'), 'SELECT'), false)")) return null;
        var alive = await ask.Number("SELECT count(*) FROM leases WHERE name LIKE 'node/%' AND until > clock_timestamp()");
        if (alive == 0) return null;
        var holder = await ask
            .Text("SELECT coalesce((SELECT holder FROM leases WHERE name = 'background' AND until > clock_timestamp()), '')");
        return holder.Length > 0
            ? Finding.Ok("nodes", $"{alive} alive; the background work is done by {holder}")
            : Finding.Warn("nodes", $"{alive} alive, but none does the background work",
                "It is taken up within seconds of a node's death. Look again; if it stays so, read the nodes' logs.");
    }

    private static async Task<Finding?> Owners(Questions ask)
    {
        if (!await ask.Is("SELECT coalesce(has_table_privilege(to_regclass('sessions'), 'SELECT'), false)")) return null;
        var leases = await ask.Number("SELECT count(*) FROM sessions");
        if (leases == 0) return null;
        const string Living = "FROM owners o JOIN sessions s ON s.id = o.owner WHERE";
        var owned = await ask.Number($"SELECT count(*) {Living} NOT o.shared");
        var shared = await ask.Number($"SELECT count(*) {Living} o.shared");
        var unaware = await ask.Number(PostgresLock.Unaware);
        var says = $"{leases} nodes hold leases; {owned} projects are owned, {shared} are written by several nodes";
        return unaware == 0 ? Finding.Ok("owners", says)
            : Finding.Warn("owners", $"{says}; {unaware} servers of an older version run",
                "Replace them: until then every read looks at the log.");
    }

    private static async Task<Finding> Connections(Questions ask)
    {
        var most = await ask.Number("SELECT current_setting('max_connections')::bigint");
        var used = await ask.Number("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'");
        var says = $"{used} of {most} used";
        return most - used >= WantedConnections
            ? Finding.Ok("connections", says)
            : Finding.Warn("connections", says, $"Each node may use {WantedConnections}: raise max_connections.");
    }

    private static async Task<Finding> RoundTrip(Questions ask)
    {
        var times = new List<double>();
        for (var i = 0; i < RoundTrips; i++)
        {
            var begun = Stopwatch.GetTimestamp();
            await ask.Number("SELECT 1");
            times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }

        times.Sort();
        var median = times[RoundTrips / 2];
        var says = FormattableString.Invariant($"{median:0.00} ms to PostgreSQL and back");
        return median > 5 ? Finding.Warn("round trip", says, "Every write waits for at least one: run the server near its database.")
            : Finding.Ok("round trip", says);
    }

    private static async Task<Finding> Clock(Questions ask)
    {
        var before = DateTimeOffset.UtcNow;
        var begun = Stopwatch.GetTimestamp();
        var there = DateTimeOffset.UnixEpoch
            .AddMicroseconds(await ask.Number("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"));
        return ClockFinding.Of("PostgreSQL", there - (before + (Stopwatch.GetElapsedTime(begun) / 2)));
    }

    private sealed class Questions(NpgsqlConnection connection, CancellationToken cancellation)
    {
        public async Task<long> Number(string sql, params long[] parameters) => Convert.ToInt64(await Scalar(sql, parameters));

        public async Task<bool> Is(string sql) => await Scalar(sql, []) is true;

        public async Task<string> Text(string sql, params long[] parameters) => await Scalar(sql, parameters) as string ?? "";

        private async Task<object?> Scalar(string sql, long[] parameters)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            foreach (var parameter in parameters) command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = parameter });
            return await command.ExecuteScalarAsync(cancellation);
        }
    }
}
