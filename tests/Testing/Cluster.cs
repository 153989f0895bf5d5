namespace Beadhub.Testing;

/// <summary>Several nodes, each a process of its own, on one PostgreSQL and, unless told otherwise, one Redis, behind nginx.</summary>
public sealed class Cluster : IAsyncDisposable
{
    private readonly Dictionary<string, string> _settings;
    private readonly string _folder = Directory.CreateTempSubdirectory("beadhub-cluster-").FullName;
    private readonly int[] _ports;
    private readonly ServerProcess?[] _nodes;

    private readonly SteppedClock[] _clocks;

    private Cluster(int nodes, Dictionary<string, string> settings, RedisServer? redis, PostgresCluster postgres, SteppedClock[] clocks,
        bool answersStale)
    {
        (_settings, Redis, Postgres, _clocks) = (settings, redis, postgres, clocks);
        _ports = [.. Enumerable.Range(0, nodes).Select(_ => ServerProcess.FreePort())];
        _nodes = new ServerProcess[nodes];
        Balancer = new(_ports) { AnswersStale = answersStale };
    }

    /// <summary>Why none can run on this machine, for tests to skip with; null when one can.</summary>
    public static string? Missing => PostgresCluster.Missing ?? RedisServer.Missing ?? Balancer.Missing;

    /// <summary>The PostgreSQL of this cluster alone.</summary>
    public PostgresCluster Postgres { get; }

    /// <summary>The Redis; null when the nodes were started without.</summary>
    public RedisServer? Redis { get; }

    /// <summary>What clients speak to.</summary>
    public Balancer Balancer { get; }

    /// <summary>The cluster by way of its balancer.</summary>
    public Api Api => field ??= new(Balancer.Address);

    /// <summary>Number of nodes.</summary>
    public int Count => _nodes.Length;

    /// <summary>A node by itself.</summary>
    public ServerProcess this[int node] => _nodes[node] ?? throw new InvalidOperationException($"Node {node} does not run.");

    /// <summary>URL of the database.</summary>
    public string DatabaseUrl => _settings["BEADHUB_DATABASE_URL"];

    /// <summary>The clocks of the nodes, and last that of PostgreSQL; none unless asked for, or where none can be stepped.</summary>
    public IReadOnlyList<SteppedClock> Clocks => _clocks;

    /// <summary>Starts everything.</summary>
    public static Task<Cluster> Start(int nodes, bool redis = true, params (string Name, string Value)[] settings) =>
        Start(nodes, redis, clocks: false, answersStale: false, settings);

    /// <summary>Starts everything, for a storm.</summary>
    /// <param name="nodes">How many.</param>
    /// <param name="redis">Whether there is a Redis.</param>
    /// <param name="clocks">Whether clocks can be stepped.</param>
    /// <param name="answersStale">Whether the balancer plants stale reads.</param>
    /// <param name="settings">Settings of the nodes.</param>
    public static async Task<Cluster> Start(int nodes, bool redis, bool clocks, bool answersStale,
        params (string Name, string Value)[] settings)
    {
        SteppedClock[] stepped = clocks && SteppedClock.Missing is null
            ? await Task.WhenAll(Enumerable.Range(0, nodes + 1).Select(static _ => SteppedClock.Make())) : [];
        var postgres = stepped is [.., var last] ? new PostgresCluster(last.Environment) : new PostgresCluster();
        var all = new Dictionary<string, string>
        {
            ["BEADHUB_DATABASE_URL"] = await postgres.CreateDatabase(),
            ["BEADHUB_CLUSTER"] = "true",
            ["BEADHUB_JOIN"] = "open",
            ["BEADHUB_INTERNAL_AUTH_SECRET"] = ProxyHeaders.Secret,
            ["BEADHUB_ADMIN_KEY"] = Api.AdminKey,
            ["BEADHUB_INIT_RATE_LIMIT"] = "1000000",
            ["BEADHUB_SSE_KEEPALIVE_SECONDS"] = "1",
            ["BEADHUB_DRAIN_SECONDS"] = "0",
            ["BEADHUB_WEBHOOKS_ALLOW_PRIVATE"] = "true",
        };
        var server = redis ? new RedisServer() : null;
        if (server is not null)
        {
            await server.Start();
            all["BEADHUB_REDIS_URL"] = server.Url;
        }

        foreach (var (name, value) in settings) all[name] = value;
        var cluster = new Cluster(nodes, all, server, postgres, stepped, answersStale);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, nodes).Select(cluster.StartNode));
            await cluster.Balancer.Start();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a node that does not run, at its old address.</summary>
    public async Task StartNode(int node)
    {
        if (_nodes[node] is { } old) await old.DisposeAsync();
        var settings = _clocks.Length == 0 ? _settings : new Dictionary<string, string>(_settings.Concat(_clocks[node].Environment));
        _nodes[node] = await ServerProcess.Start(_folder, settings, _ports[node]);
    }

    /// <summary>Replaces a node as an operator does: told to stop, and started again. The balancer is not told.</summary>
    public async Task Upgrade(int node)
    {
        await this[node].Stop();
        await StartNode(node);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) node?.Continue();
        await Task.WhenAll(_nodes.OfType<ServerProcess>().Select(node => node.DisposeAsync().AsTask()));
        await Balancer.DisposeAsync();
        if (Redis is not null) await Redis.DisposeAsync();
        await Postgres.DisposeAsync();
        foreach (var clock in _clocks) clock.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
