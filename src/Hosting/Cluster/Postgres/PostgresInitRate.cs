using System.Net;
using Beadhub.Gateway;

namespace Beadhub.Hosting.Cluster.Postgres;

/// <summary>Counts bootstraps in PostgreSQL, for all nodes without Redis together. While it cannot be reached each node counts for
/// itself.</summary>
internal sealed class PostgresInitRate(SharedState shared, MemoryInitRate here, GatewaySettings settings, TimeProvider time) : IInitRate
{
    /// <inheritdoc/>
    public async ValueTask<TimeSpan?> Take(IPAddress client)
    {
        if (await shared.Add($"init:{client}", 1, settings.InitRateWindow) is not { } counted) return await here.Take(client);
        return counted.Count <= settings.InitRateLimit ? null : counted.Ends - time.GetUtcNow();
    }

    /// <inheritdoc/>
    public async ValueTask GiveBack(IPAddress client)
    {
        if (await shared.Add($"init:{client}:invalid", 1, settings.InitRateWindow) is not { } back) await here.GiveBack(client);
        else if (back.Count <= settings.InitRateLimit * (long)IInitRate.Invalid)
            await shared.Add($"init:{client}", -1, settings.InitRateWindow);
    }
}
