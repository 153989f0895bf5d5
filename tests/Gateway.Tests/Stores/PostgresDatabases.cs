using Beadhub.Testing;
using Npgsql;

namespace Beadhub.Gateway.Tests.Stores;

/// <summary>The private PostgreSQL cluster of the run, started with the first database that is asked for.</summary>
internal sealed class PostgresDatabases : IAsyncDisposable
{
    private readonly Lazy<Task<PostgresCluster>> cluster = new(PostgresCluster.Start);

    public async Task<string> Create() => await (await cluster.Value).CreateDatabase();

    /// <summary>Ends all connections to a database and refuses new ones until the result is disposed.</summary>
    public static async Task<IAsyncDisposable> Cut(string url)
    {
        var cut = new Refusal(new Uri(url));
        await cut.Allow(false);
        return cut;
    }

    public async ValueTask DisposeAsync()
    {
        if (cluster is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            await cluster.Value.Result.DisposeAsync();
    }

    private sealed class Refusal(Uri url) : IAsyncDisposable
    {
        private readonly string database = url.AbsolutePath.Trim('/');

        public async Task Allow(bool connections)
        {
            var user = url.UserInfo.Split(':', 2);
            await using var administration = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder
            {
                Host = url.Host,
                Port = url.Port,
                Username = Uri.UnescapeDataString(user[0]),
                Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null,
                Database = "postgres",
                Pooling = false,
            });
            await using var command = administration.CreateCommand(
                $"ALTER DATABASE \"{database}\" WITH ALLOW_CONNECTIONS {(connections ? "true" : "false")}");
            await command.ExecuteNonQueryAsync();
            await using var end = administration.CreateCommand("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1");
            end.Parameters.AddWithValue(database);
            await end.ExecuteNonQueryAsync();
        }

        public async ValueTask DisposeAsync() => await Allow(true);
    }
}
