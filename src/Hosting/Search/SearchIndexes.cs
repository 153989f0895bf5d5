using Beadhub.Hosting.EventLogs;
using Beadhub.Search;

namespace Beadhub.Hosting.Search;

/// <summary>The search index beside the log that a database URL names.</summary>
internal static class SearchIndexes
{
    public static ISearchIndex Of(string databaseUrl)
    {
        var url = DatabaseUrl.Parse(databaseUrl);
        return url.SqlitePath is { } path ? new SqliteSearchIndex(SqliteSearchIndex.Beside(path))
            : new PostgresSearchIndex(url.ConnectionString!);
    }

    public static async ValueTask Close(ISearchIndex index)
    {
        if (index is IAsyncDisposable connections) await connections.DisposeAsync();
        else (index as IDisposable)?.Dispose();
    }
}
