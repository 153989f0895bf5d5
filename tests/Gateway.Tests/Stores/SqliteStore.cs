namespace Beadhub.Gateway.Tests.Stores;

/// <summary>Servers on the embedded database.</summary>
public sealed class SqliteStore : Store
{
    public override Task<IAsyncDisposable> Cut(OwnServer server)
    {
        Assert.Skip("The embedded database cannot be away while its server runs.");
        return null!;
    }

    protected override Task<string> OldDatabase(string folder, string log)
    {
        File.Copy(log + ".db", Path.Combine(folder, "beadhub.db"));
        return NewDatabase(folder);
    }

    protected override Task<string> NewDatabase(string folder) => Task.FromResult($"sqlite:{Path.Combine(folder, "beadhub.db")}");
}
