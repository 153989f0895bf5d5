using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>What all measurements share: a PostgreSQL cluster of their own, a folder for files, and the results so far.</summary>
internal sealed class Lab : IAsyncDisposable
{
    private static readonly Stopwatch Clock = Stopwatch.StartNew();

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("beadhub-bench-");
    private readonly PostgresCluster _cluster = new();
    private int _folders;

    public Lab(Options options)
    {
        Options = options;
        AppDomain.CurrentDomain.ProcessExit += Clean;
    }

    public Options Options { get; }

    public Results Results { get; } = new();

    /// <summary>Makes an empty database.</summary>
    /// <returns>Its URL.</returns>
    public Task<string> Database() => _cluster.CreateDatabase();

    /// <summary>Makes an empty folder.</summary>
    public string Folder() => Directory.CreateDirectory(Path.Combine(_folder.FullName, $"{++_folders}")).FullName;

    /// <summary>Starts the server on a database, or on its default in an empty folder.</summary>
    /// <param name="database">URL of the database; null for the default one.</param>
    /// <param name="redis">URL of a Redis, for a node of a cluster; null for a server that runs alone.</param>
    /// <param name="more">Settings besides.</param>
    public Task<Host> Server(string? database, string? redis = null, params ReadOnlySpan<(string Name, string Value)> more)
    {
        var settings = new Dictionary<string, string>
        {
            ["BEADHUB_HOST"] = "127.0.0.1",
            ["BEADHUB_LOG_LEVEL"] = "warning",
            ["BEADHUB_INIT_RATE_LIMIT"] = "1000000",
            ["BEADHUB_CONNECTIONS_PER_ADDRESS"] = "100000",
        };
        if (database is not null) settings["BEADHUB_DATABASE_URL"] = database;
        if (redis is not null)
        {
            (settings["BEADHUB_CLUSTER"], settings["BEADHUB_REDIS_URL"], settings["BEADHUB_DRAIN_SECONDS"]) = ("true", redis, "0");
            // Under the Orleans engine nodes speak to each other.
            (settings["BEADHUB_SILO_ADDRESS"], settings["BEADHUB_SILO_PORT"], settings["BEADHUB_SILO_GATEWAY_PORT"]) =
                ("127.0.0.1", FreePort().ToString(), "0");
        }

        foreach (var (name, value) in more) settings[name] = value;
        var port = FreePort();
        settings["BEADHUB_PORT"] = port.ToString();
        return Host.Start(Folder(), port, settings, ServerProcess.Executable(), "serve");
    }

    /// <summary>Starts one of the apps to compare with.</summary>
    public Task<Host> Reference(string mode, params string[] arguments)
    {
        var port = FreePort();
        return Host.Start(Folder(), port, [], Environment.GetCommandLineArgs()[0], [mode, port.ToString(), .. arguments]);
    }

    /// <summary>Tells how far the bench is; the table alone goes to standard output.</summary>
    public void Say(string text) => Console.Error.WriteLine($"[{Clock.Elapsed:mm\\:ss}] {text}");

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        AppDomain.CurrentDomain.ProcessExit -= Clean;
        Clean(null, EventArgs.Empty);
    }

    private void Clean(object? sender, EventArgs e) => _folder.Delete(recursive: true);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
