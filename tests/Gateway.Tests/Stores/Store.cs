using Beadhub.Testing;

namespace Beadhub.Gateway.Tests.Stores;

/// <summary>Servers on one kind of database: one that the tests share, and others for tests with settings of their own.</summary>
public abstract class Store : IAsyncDisposable
{
    /// <summary>
    /// The address of a running server to test instead of starting one. It needs BEADHUB_INTERNAL_AUTH_SECRET=test-secret and a
    /// BEADHUB_INIT_RATE_LIMIT that is out of reach; tests that need other settings are skipped.
    /// </summary>
    public static readonly string? Elsewhere = Environment.GetEnvironmentVariable("BEADHUB_TEST_URL") is { Length: > 0 } url ? url : null;

    private readonly Lazy<Task<OwnServer>> shared;
    private readonly Lazy<Api>? elsewhere = Elsewhere is null ? null : new(() => new Api(new Uri(Elsewhere)));

    protected Store() => shared = new(() => Own());

    /// <summary>The shared server; it starts with the first test that asks.</summary>
    public async Task<Api> Shared() => elsewhere?.Value ?? (await shared.Value).Api;

    /// <summary>What the shared server has printed.</summary>
    public string[] Output => shared is { IsValueCreated: true, Value.IsCompletedSuccessfully: true } ? shared.Value.Result.Output : [];

    /// <summary>A server on a database of its own with other settings; an empty value removes one. Its caller stops it.</summary>
    public async Task<OwnServer> Own(params (string Name, string Value)[] settings)
    {
        if (Elsewhere is not null)
            Assert.Skip("BEADHUB_TEST_URL is set; this test needs a server with settings of its own.");
        var folder = Directory.CreateTempSubdirectory("beadhub-test-").FullName;
        var environment = new Dictionary<string, string>
        {
            ["BEADHUB_DATABASE_URL"] = await NewDatabase(folder),
            ["BEADHUB_INTERNAL_AUTH_SECRET"] = ProxyHeaders.Secret,
            ["BEADHUB_INIT_RATE_LIMIT"] = "1000000",
            ["BEADHUB_SSE_KEEPALIVE_SECONDS"] = "1",
        };
        foreach (var (name, value) in settings)
            environment[name] = value;
        foreach (var (name, value) in settings.Where(setting => setting.Value.Length == 0))
            environment.Remove(name);
        var server = new OwnServer(folder, environment);
        try
        {
            await server.Start();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes the database of a server unreachable until the result is disposed.</summary>
    public abstract Task<IAsyncDisposable> Cut(OwnServer server);

    public virtual async ValueTask DisposeAsync()
    {
        if (shared is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            await shared.Value.Result.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>The URL of a fresh database.</summary>
    protected abstract Task<string> NewDatabase(string folder);
}
