using System.Diagnostics;
using System.Net.Sockets;
using Npgsql;

namespace Beadhub.Testing;

/// <summary>
/// A PostgreSQL cluster of one's own in a temporary folder, with fsync on, reached over a Unix socket only. It starts when the first
/// database is asked for and ends with <see cref="DisposeAsync"/>; so it can be a fixture of a whole test assembly at no cost to tests
/// that need none.
/// </summary>
public sealed class PostgresCluster : IAsyncDisposable
{
    private const string Superuser = "postgres";
    private const int Port = 5432;
    private static readonly string? Binaries = FindBinaries();

    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly SemaphoreSlim _gate = new(1);
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "beadhub-pg-" + Guid.NewGuid().ToString("N")[..12]);
    private bool _created;
    private int _databases;

    /// <summary>A cluster that runs as this process does.</summary>
    public PostgresCluster() : this(new Dictionary<string, string>()) { }

    /// <summary>A cluster whose server is started with environment variables of its own.</summary>
    internal PostgresCluster(IReadOnlyDictionary<string, string> environment) => _environment = environment;

    /// <summary>Why no cluster can run on this machine, for tests to skip with; null when one can.</summary>
    public static string? Missing =>
        Binaries is null ? "PostgreSQL is not installed: no /usr/lib/postgresql/*/bin/initdb and none on the PATH." : null;

    /// <summary>Makes a new, empty database.</summary>
    /// <returns>Its URL.</returns>
    public async Task<string> CreateDatabase(CancellationToken cancellation = default)
    {
        await Start(cancellation);
        var name = $"test_{Interlocked.Increment(ref _databases)}";
        await Execute(Url("postgres"), $"CREATE DATABASE {name}", cancellation);
        return Url(name);
    }

    /// <summary>Starts the server, made at the first time; nothing when it runs.</summary>
    public async Task Start(CancellationToken cancellation = default)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            if (!_created)
            {
                if (Missing is { } reason) throw new InvalidOperationException(reason);
                Directory.CreateDirectory(_folder);
                if (Environment.IsPrivilegedProcess) await Run("chown", Superuser, _folder);
                await AsServer("initdb", "-D", Data, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync");
                _created = true;
                AppDomain.CurrentDomain.ProcessExit += StopAtExit;
            }
            if (File.Exists(Path.Combine(Data, "postmaster.pid"))) return;
            await AsServer("pg_ctl", "start", "-w", "-D", Data, "-l", Path.Combine(_folder, "log"),
                "-o", $"-k {_folder} -p {Port} -c listen_addresses= -c max_connections=200 -c fsync=on");
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Stops the server.</summary>
    /// <param name="crash">True to stop it as a power cut would: no goodbye to clients, recovery at the next start.</param>
    public async Task Stop(bool crash = false)
    {
        await _gate.WaitAsync();
        try
        {
            if (_created && File.Exists(Path.Combine(Data, "postmaster.pid")))
                await AsServer("pg_ctl", "stop", "-w", "-D", Data, "-m", crash ? "immediate" : "fast");
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Runs SQL in a database, over a connection of its own.</summary>
    /// <returns>The first column of the first row.</returns>
    public static async Task<object?> Execute(string url, string sql, CancellationToken cancellation = default)
    {
        await using var connection = await Connect(url, cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellation);
    }

    /// <summary>Opens a connection to a database, past any pool.</summary>
    public static async Task<NpgsqlConnection> Connect(string url, CancellationToken cancellation = default)
    {
        var connection = new NpgsqlConnection(ConnectionString(url));
        await connection.OpenAsync(cancellation);
        return connection;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_created) return;
        await Stop(crash: true);
        AppDomain.CurrentDomain.ProcessExit -= StopAtExit;
        Directory.Delete(_folder, recursive: true);
        _created = false;
    }

    /// <summary>Where it listens.</summary>
    public UnixDomainSocketEndPoint Endpoint => new(Path.Combine(_folder, $".s.PGSQL.{Port}"));

    private string Data => Path.Combine(_folder, "data");

    private string Url(string database) => $"postgres://{Superuser}@/{database}?host={Uri.EscapeDataString(_folder)}&port={Port}";

    private static string ConnectionString(string url)
    {
        var database = url[(url.IndexOf("@/", StringComparison.Ordinal) + 2)..url.IndexOf('?', StringComparison.Ordinal)];
        var host = url[(url.IndexOf("host=", StringComparison.Ordinal) + 5)..url.IndexOf('&', StringComparison.Ordinal)];
        return new NpgsqlConnectionStringBuilder
        {
            Host = Uri.UnescapeDataString(host),
            Port = Port,
            Username = Superuser,
            Database = database,
            Pooling = false,
            ApplicationName = "test",
        }.ConnectionString;
    }

    private void StopAtExit(object? sender, EventArgs e) => DisposeAsync().AsTask().GetAwaiter().GetResult();

    // The server refuses to run as root.
    private Task AsServer(string program, params string[] arguments)
    {
        var path = Path.Combine(Binaries!, program);
        return Environment.IsPrivilegedProcess
            ? Run("runuser", ["-u", Superuser, "--", "env", .. Variables(), path, .. arguments])
            : Run("env", [.. Variables(), path, .. arguments]);

        IEnumerable<string> Variables() => _environment.Select(static variable => $"{variable.Key}={variable.Value}");
    }

    private static async Task Run(string program, params string[] arguments)
    {
        // Nothing is redirected through pipes: the server would inherit them and keep them open.
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", "exec \"$0\" \"$@\" >/dev/null 2>&1", program, .. arguments])
        {
            WorkingDirectory = Path.GetTempPath(),
        })!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }

    private static string? FindBinaries()
    {
        const string Debian = "/usr/lib/postgresql";
        var versions = Directory.Exists(Debian)
            ? Directory.GetDirectories(Debian).OrderByDescending(static folder => double.TryParse(Path.GetFileName(folder), out var number)
                ? number : 0)
                .Select(static folder => Path.Combine(folder, "bin"))
            : [];
        var paths = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return versions.Concat(paths).FirstOrDefault(static folder => File.Exists(Path.Combine(folder, "initdb"))
            && File.Exists(Path.Combine(folder, "postgres")));
    }
}
