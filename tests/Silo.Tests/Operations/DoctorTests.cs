using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Operations;

/// <summary><c>beadhub doctor</c>, as an operator runs it.</summary>
public sealed class DoctorTests(PostgresCluster cluster) : IDisposable
{
    private const string Password = "hunter2-sesame42";

    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-doctor-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_fresh_place_for_sqlite_is_well()
    {
        var (code, findings, text) = await Examine();
        code.ShouldBe(0, text);
        findings["data folder"].Verdict.ShouldBe("ok");
        findings["database"].Says.ShouldContain("not there yet");
        System.IO.Directory.GetFileSystemEntries(_folder.FullName).ShouldBeEmpty("it changes nothing");
    }

    [Fact]
    public async Task Beside_a_running_server_it_says_so_and_lets_it_be()
    {
        await using var server = await ServerProcess.Start(_folder.FullName, new Dictionary<string, string>());
        await new Project(server.Api).Agent("alice");
        var (code, findings, text) = await Examine(("BEADHUB_PORT", server.Api.Address.Port.ToString()), ("BEADHUB_HOST", "127.0.0.1"));
        code.ShouldBe(0, text);
        findings["lock"].Says.ShouldStartWith("held");
        findings["port"].Says.ShouldContain("healthy");
        findings["database"].Says.ShouldEndWith("whole");
        await new Project(server.Api).Agent("bob");
    }

    [Fact]
    public async Task A_damaged_or_newer_sqlite_fails()
    {
        var path = Path.Combine(_folder.FullName, "x.db");
        await File.WriteAllTextAsync(path, new string('x', 5000), Cancellation);
        var (code, findings, text) = await Examine(("BEADHUB_DATABASE_URL", $"sqlite:{path}"));
        code.ShouldBe(1, text);
        findings["database"].Verdict.ShouldBe("fail");

        File.Delete(path);
        Hosting.EventLogs.Sqlite.SqliteDatabase.Execute(Own(path), "PRAGMA user_version = 99");
        (code, findings, text) = await Examine(("BEADHUB_DATABASE_URL", $"sqlite:{path}"));
        code.ShouldBe(1, text);
        findings["schema"].Says.ShouldContain("newer");

        static Microsoft.Data.Sqlite.SqliteConnection Own(string path) => Hosting.EventLogs.Sqlite.SqliteDatabase.Open(path, write: true);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_fails()
    {
        // A file stands where the folder should be: no user may write below it, root included.
        var file = Path.Combine(_folder.FullName, "file");
        await File.WriteAllTextAsync(file, "", Cancellation);
        var (code, findings, text) = await Examine(("BEADHUB_DATABASE_URL", $"sqlite:{file}/data/x.db"));
        code.ShouldBe(1, text);
        findings["data folder"].Verdict.ShouldBe("fail");
        findings["data folder"].Remedy.ShouldContain("right to write");
    }

    [Theory]
    [InlineData("sqlite:./.beadhub/beadhub.db", "warn")]
    [InlineData("sqlite:data.db", "warn")]
    [InlineData("sqlite://data.db", "warn")]
    [InlineData(null, "warn")]
    [InlineData("sqlite:ROOT/data.db", null)]
    [InlineData("sqlite://ROOT/data.db", null)]
    public async Task A_relative_data_path_is_warned_of(string? url, string? verdict)
    {
        (string, string)[] settings = url is null ? [] : [("BEADHUB_DATABASE_URL", url.Replace("ROOT", _folder.FullName))];
        var (code, findings, text) = await Examine(settings);
        code.ShouldBe(0, text);
        findings.GetValueOrDefault("data path")?.Verdict.ShouldBe(verdict);
        findings.ContainsKey("data path").ShouldBe(verdict is not null);
        if (verdict is not null) findings["data path"].Says.ShouldContain($"here it is {_folder.FullName}/");
    }

    [Fact]
    public async Task Backups_that_cannot_be_written_fail()
    {
        var file = Path.Combine(_folder.FullName, "file");
        await File.WriteAllTextAsync(file, "", Cancellation);
        var (code, findings, text) = await Examine(("BEADHUB_BACKUP_DIR", $"{file}/backups"));
        findings["backups"].Says.ShouldContain("not there yet", customMessage: text);
        var folder = System.IO.Directory.CreateDirectory(Path.Combine(_folder.FullName, "backups")).FullName;
        (code, findings, text) = await Examine(("BEADHUB_BACKUP_DIR", folder));
        code.ShouldBe(0, text);
        findings["backups"].Says.ShouldContain("none is there yet");
        (_, findings, _) = await Examine(("BEADHUB_BACKUP_DIR", "backups"));
        findings["backups"].Verdict.ShouldBe("warn");
    }

    [Fact]
    public async Task Settings_that_cannot_be_read_or_have_no_meaning_are_told()
    {
        var (code, findings, _) = await Examine(("BEADHUB_PORT", "eighty"));
        code.ShouldBe(1);
        findings["settings"].Says.ShouldContain("BEADHUB_PORT");

        (code, findings, _) = await Examine(("BEADHUB_REDIS_URI", "redis://localhost"));
        code.ShouldBe(0);
        findings["settings"].Verdict.ShouldBe("warn");
        findings["settings"].Says.ShouldContain("BEADHUB_REDIS_URI");

        (code, findings, _) = await Examine(("BEADHUB_DATABASE_URL", $"nonsense {Password}"));
        code.ShouldBe(1);
        findings["database"].Verdict.ShouldBe("fail");
    }

    [Fact]
    public async Task A_port_that_another_holds_fails()
    {
        using var other = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        other.Start();
        var (code, findings, text) = await Examine(("BEADHUB_HOST", "127.0.0.1"),
            ("BEADHUB_PORT", ((System.Net.IPEndPoint)other.LocalEndpoint).Port.ToString()));
        code.ShouldBe(1, text);
        findings["port"].Says.ShouldContain("taken by another program");
    }

    [Fact]
    public async Task Postgres_is_examined_from_the_first_connection_to_the_running_cluster()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        var url = await cluster.CreateDatabase(Cancellation);
        var (code, findings, text) = await Examine(("BEADHUB_DATABASE_URL", url));
        code.ShouldBe(0, text);
        findings["schema"].Says.ShouldContain("not there yet");
        findings["lock"].Says.ShouldContain("free");
        foreach (var what in (string[])["database", "durability", "connections"]) findings[what].Verdict.ShouldBe("ok", text);

        var settings = new Dictionary<string, string> { ["BEADHUB_DATABASE_URL"] = url };
        await using (await ServerProcess.Start(_folder.FullName, settings))
        {
            (code, findings, text) = await Examine(("BEADHUB_DATABASE_URL", url));
            code.ShouldBe(0, text);
            findings["lock"].Says.ShouldContain("runs alone");
            findings["rights"].Verdict.ShouldBe("ok");
            (code, findings, _) = await Examine(("BEADHUB_DATABASE_URL", url), ("BEADHUB_CLUSTER", "true"));
            code.ShouldBe(1);
            findings["lock"].Verdict.ShouldBe("fail");
            findings["redis"].Verdict.ShouldBe("warn");
        }

        await PostgresCluster.Execute(url, "UPDATE schema_version SET version = 99", Cancellation);
        (code, findings, _) = await Examine(("BEADHUB_DATABASE_URL", url));
        code.ShouldBe(1);
        findings["schema"].Says.ShouldContain("newer");
    }

    [Fact]
    public async Task A_postgres_that_refuses_or_is_away_is_told_without_its_password()
    {
        Assert.SkipWhen(PostgresCluster.Missing is not null, PostgresCluster.Missing ?? "");
        await using var own = new PostgresCluster();
        var url = await own.CreateDatabase(Cancellation);
        await PostgresCluster.Execute(url, $"CREATE ROLE beadhub LOGIN PASSWORD '{Password}'", Cancellation);
        var hba = (string)(await PostgresCluster.Execute(url, "SHOW hba_file", Cancellation))!;
        await PostgresCluster.Execute(url,
            $"COPY (SELECT unnest(ARRAY['local all postgres trust', 'local all all scram-sha-256'])) TO '{hba}'", Cancellation);
        await PostgresCluster.Execute(url, "SELECT pg_reload_conf()", Cancellation);

        var (code, findings, text) = await Examine(("BEADHUB_DATABASE_URL", url.Replace("postgres@", $"beadhub:wrong-{Password}@")));
        code.ShouldBe(1);
        findings["database"].Says.ShouldContain("password authentication failed");
        findings["database"].Remedy.ShouldContain("user and password");
        text.ShouldNotContain(Password);

        (code, findings, _) = await Examine(("BEADHUB_DATABASE_URL", url.Replace("/test_1", "/no_such_database")));
        code.ShouldBe(1);
        findings["database"].Remedy.ShouldContain("Make the database");

        // Somebody who may do nothing there.
        (code, findings, text) = await Examine(("BEADHUB_DATABASE_URL", url.Replace("postgres@", $"beadhub:{Password}@")));
        code.ShouldBe(1, text);
        findings["schema"].Remedy.ShouldContain("schema.sql");
        text.ShouldNotContain(Password);

        await own.Stop();
        (code, findings, text) = await Examine(("BEADHUB_DATABASE_URL", url.Replace("postgres@", $"beadhub:{Password}@")));
        code.ShouldBe(1);
        findings["database"].Says.ShouldContain("cannot be reached");
        text.ShouldNotContain(Password);
    }

    [Fact]
    public async Task Redis_is_asked_for_its_time()
    {
        Assert.SkipWhen(RedisServer.Missing is not null, RedisServer.Missing ?? "");
        await using var redis = new RedisServer();
        await redis.Start();
        var (code, findings, text) = await Examine(("BEADHUB_REDIS_URL", redis.Url));
        code.ShouldBe(0, text);
        findings["redis"].Says.ShouldContain("there and back");
        findings["clock"].Says.ShouldContain("Redis");

        await redis.Stop();
        (code, findings, text) = await Examine(("BEADHUB_REDIS_URL", redis.Url.Replace("redis://", $"redis://:{Password}@")));
        code.ShouldBe(1);
        findings["redis"].Says.ShouldContain("does not answer");
        text.ShouldNotContain(Password);
    }

    [Fact]
    public async Task Peers_of_the_mesh_are_asked_for_their_time()
    {
        using var right = new Peer(TimeSpan.Zero);
        using var ahead = new Peer(TimeSpan.FromMinutes(10));
        var (code, findings, text) = await Examine(("BEADHUB_SYNC_PEERS", $"lima={right.Endpoint}|eng"));
        code.ShouldBe(0, text);
        findings["clock"].ShouldSatisfyAllConditions(found => found.Verdict.ShouldBe("ok"), found => found.Says.ShouldContain("lima"));

        (code, findings, text) = await Examine(
            ("BEADHUB_SYNC_PEERS", $"lima={ahead.Endpoint}|eng;osaka=http://127.0.0.1:9/sync/v1|eng"));
        code.ShouldBe(1, text);
        findings["clock"].ShouldSatisfyAllConditions(found => found.Verdict.ShouldBe("fail"),
            found => found.Says.ShouldMatch(@"^(599|60\d)\.\d+ s ahead of this machine: lima$"));
        findings["mesh"].ShouldSatisfyAllConditions(found => found.Verdict.ShouldBe("warn"), found => found.Says.ShouldContain("osaka"));
    }

    /// <summary>A site that refuses whoever has no token, and says what time it has.</summary>
    private sealed class Peer : IDisposable
    {
        private readonly System.Net.Sockets.TcpListener _listener = new(System.Net.IPAddress.Loopback, 0);

        public Peer(TimeSpan ahead)
        {
            _listener.Start();
            _ = Answer(ahead);
        }

        public string Endpoint => $"http://127.0.0.1:{((System.Net.IPEndPoint)_listener.LocalEndpoint).Port}/sync/v1";

        public void Dispose() => _listener.Stop();

        private async Task Answer(TimeSpan ahead)
        {
            try
            {
                while (true)
                {
                    using var client = await _listener.AcceptTcpClientAsync();
                    var stream = client.GetStream();
                    await stream.ReadAtLeastAsync(new byte[16], 16);
                    await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes("HTTP/1.1 401 Unauthorized\r\nDate: "
                        + (DateTimeOffset.UtcNow + ahead).ToString("R") + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
                }
            }
            catch (Exception e) when (e is System.Net.Sockets.SocketException or ObjectDisposedException or IOException)
            {
                // The test has ended.
            }
        }
    }

    private sealed record Found(string Verdict, string Says, string Remedy);

    /// <summary>Runs it twice, for machines and for people, and checks that both tell of the same things. How long a round trip takes may
    /// differ.</summary>
    private async Task<(int Code, Dictionary<string, Found> Findings, string Text)> Examine(params (string Name, string Value)[] settings)
    {
        if (!settings.Any(setting => setting.Name == "BEADHUB_PORT"))
            settings = [.. settings, ("BEADHUB_HOST", "127.0.0.1"), ("BEADHUB_PORT", ServerProcess.FreePort().ToString())];
        var machine = await CommandRun.Of(_folder.FullName, settings, "doctor", "--json");
        var people = await CommandRun.Of(_folder.FullName, settings, "doctor");
        people.ExitCode.ShouldBe(machine.ExitCode, people.Output);
        (machine.Error + people.Error).ShouldBeEmpty();
        var json = JsonDocument.Parse(machine.Output).RootElement;
        var findings = new Dictionary<string, Found>();
        foreach (var finding in json.Items("findings"))
        {
            var found = new Found(finding.Text("verdict"), finding.Text("says"), finding.Maybe("remedy") ?? "");
            people.Lines.ShouldContain(line => line.Contains($"  {finding.Text("what")}  "), people.Output);
            if (found.Verdict != "ok") found.Remedy.ShouldNotBeEmpty();
            findings[finding.Text("what")] = found;
        }

        findings.Values.ShouldAllBe(found => found.Verdict == "ok" || found.Verdict == "warn" || found.Verdict == "fail");
        json.Text("verdict").ShouldBe(machine.ExitCode == 1 ? "fail" : findings.Values.Any(found => found.Verdict == "warn") ? "warn"
            : "ok");
        return (machine.ExitCode, findings, machine.Output + people.Output);
    }
}
