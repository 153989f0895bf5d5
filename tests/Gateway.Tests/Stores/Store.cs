using System.Collections.Concurrent;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests.Stores;

/// <summary>
/// Servers on one kind of database: one that all tests share, and others for tests that need settings of their own or kill what they test.
/// A server costs more to start than most tests cost to run, so those others are kept too and given to the next test that wants such
/// settings: projects keep tests apart.
/// </summary>
public abstract class Store : IAsyncDisposable
{
    /// <summary>
    /// The address of a running server to test instead of starting one. It needs BEADHUB_INTERNAL_AUTH_SECRET=test-secret,
    /// BEADHUB_ADMIN_KEY=test-admin-key-0123456789, BEADHUB_WEBHOOKS_ALLOW_PRIVATE=true and a BEADHUB_INIT_RATE_LIMIT that is out of reach;
    /// tests that need other settings are skipped.
    /// </summary>
    public static readonly string? Elsewhere = Environment.GetEnvironmentVariable("BEADHUB_TEST_URL") is { Length: > 0 } url ? url : null;

    private readonly Lazy<Task<OwnServer>> shared;
    private readonly Lazy<Api>? elsewhere = Elsewhere is null ? null : new(() => new Api(new Uri(Elsewhere)));
    private readonly ConcurrentDictionary<string, ConcurrentBag<OwnServer>> idle = new();

    protected Store() => shared = new(() => Start([]));

    /// <summary>The shared server; it starts with the first test that asks.</summary>
    public async Task<Api> Shared()
    {
        var api = elsewhere?.Value ?? (await shared.Value).Api;
        // From now on, no answer to any test may have a status that the server does not declare.
        Api.Answered ??= (await ApiDescription.Of(api)).Check;
        return api;
    }

    /// <summary>What the shared server has printed.</summary>
    public string[] Output => shared is { IsValueCreated: true, Value.IsCompletedSuccessfully: true } ? shared.Value.Result.Output : [];

    /// <summary>
    /// A server for the caller alone until it disposes it, which the caller may kill and restart. Its database holds the projects of
    /// earlier tests.
    /// </summary>
    /// <param name="settings">Settings that differ from those of the shared server; an empty value removes one.</param>
    public async Task<OwnServer> Own(params (string Name, string Value)[] settings)
    {
        var servers = idle.GetOrAdd(string.Join('\n', settings.Order().Select(setting => $"{setting.Name}={setting.Value}")), _ => []);
        while (servers.TryTake(out var server))
        {
            if (server.IsRunning)
                return server;
            await server.End();
        }

        return await Start(settings, server =>
        {
            servers.Add(server);
            return default;
        });
    }

    /// <summary>
    /// A server like <see cref="Own"/> on a database that nobody has used, for tests of a whole database or of limits over all projects; it
    /// ends with its test.
    /// </summary>
    public Task<OwnServer> Fresh(params (string Name, string Value)[] settings) => Start(settings);

    /// <summary>A server on a copy of a log that an earlier version has written; it ends with its test.</summary>
    public Task<OwnServer> On(string old) => Start([], database: folder =>
        OldDatabase(folder, Path.Combine(ServerProcess.Root(), "tests/Gateway.Tests/OldLogs", old)));

    /// <summary>Makes the database of a server unreachable until the result is disposed.</summary>
    public abstract Task<IAsyncDisposable> Cut(OwnServer server);

    public virtual async ValueTask DisposeAsync()
    {
        if (shared is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            await shared.Value.Result.End();
        await Task.WhenAll(idle.Values.SelectMany(servers => servers).Select(server => server.End().AsTask()));
        GC.SuppressFinalize(this);
    }

    /// <summary>The URL of a fresh database.</summary>
    protected abstract Task<string> NewDatabase(string folder);

    /// <summary>The URL of a database with a copy of a log.</summary>
    protected abstract Task<string> OldDatabase(string folder, string log);

    private async Task<OwnServer> Start(
        (string Name, string Value)[] settings, Func<OwnServer, ValueTask>? giveBack = null, Func<string, Task<string>>? database = null)
    {
        if (Elsewhere is not null)
            Assert.Skip("BEADHUB_TEST_URL is set; this test needs a server with settings of its own.");
        var folder = Directory.CreateTempSubdirectory("beadhub-test-").FullName;
        var environment = new Dictionary<string, string>
        {
            ["BEADHUB_DATABASE_URL"] = await (database ?? NewDatabase)(folder),
            ["BEADHUB_INTERNAL_AUTH_SECRET"] = ProxyHeaders.Secret,
            ["BEADHUB_INIT_RATE_LIMIT"] = "1000000",
            ["BEADHUB_ADMIN_KEY"] = Api.AdminKey,
            ["BEADHUB_SSE_KEEPALIVE_SECONDS"] = "1",
            // The receivers of the tests are on this machine.
            ["BEADHUB_WEBHOOKS_ALLOW_PRIVATE"] = "true",
        };
        foreach (var (name, value) in settings)
            environment[name] = value;
        foreach (var (name, value) in settings.Where(setting => setting.Value.Length == 0))
            environment.Remove(name);
        var server = new OwnServer(folder, environment) { GiveBack = giveBack };
        try
        {
            await server.Start();
            return server;
        }
        catch
        {
            await server.End();
            throw;
        }
    }
}
