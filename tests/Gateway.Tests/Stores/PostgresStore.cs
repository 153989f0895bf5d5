using Beadhub.Testing;

namespace Beadhub.Gateway.Tests.Stores;

/// <summary>Servers on PostgreSQL, each with a database of its own in one private cluster. Without PostgreSQL the tests are
/// skipped.</summary>
public sealed class PostgresStore : Store
{
    private readonly PostgresDatabases databases = new();

    public override Task<IAsyncDisposable> Cut(OwnServer server) => PostgresDatabases.Cut(server.DatabaseUrl);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await databases.DisposeAsync();
    }

    protected override async Task<string> OldDatabase(string folder, string log)
    {
        var url = await NewDatabase(folder);
        await PostgresCluster.Execute(url, await File.ReadAllTextAsync(log + ".sql"));
        return url;
    }

    protected override Task<string> NewDatabase(string folder) => databases.Create();
}
