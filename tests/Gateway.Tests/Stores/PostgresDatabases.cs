using Beadhub.Testing;

namespace Beadhub.Gateway.Tests.Stores;

/// <summary>The private PostgreSQL cluster of the run, started with the first database that is asked for.</summary>
internal sealed class PostgresDatabases : IAsyncDisposable
{
    private readonly PostgresCluster cluster = new();

    public async Task<string> Create()
    {
        if (PostgresCluster.Missing is { } reason)
            Assert.Skip(reason);
        return await cluster.CreateDatabase();
    }

    /// <summary>Ends all connections to a database and refuses new ones until the result is disposed.</summary>
    public static async Task<IAsyncDisposable> Cut(string url)
    {
        var cut = new Refusal(url);
        await cut.Allow(false);
        return cut;
    }

    public ValueTask DisposeAsync() => cluster.DisposeAsync();

    private sealed class Refusal(string url) : IAsyncDisposable
    {
        private readonly string database = url.Split('/', '?').First(part => part.StartsWith("test_", StringComparison.Ordinal));

        private string Administration => url.Replace($"/{database}?", "/postgres?", StringComparison.Ordinal);

        public async Task Allow(bool connections)
        {
            await PostgresCluster.Execute(Administration, $"ALTER DATABASE {database} WITH ALLOW_CONNECTIONS {connections}");
            await PostgresCluster.Execute(Administration,
                $"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{database}'");
        }

        public async ValueTask DisposeAsync() => await Allow(true);
    }
}
