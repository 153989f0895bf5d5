using System.Text;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;

namespace Beadhub.Gateway.Metrics;

/// <summary><c>GET /metrics</c>: what this node counts and measures, for Prometheus. It names no project, agent or address.</summary>
internal static class MetricsEndpoint
{
    private const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var access = routes.ServiceProvider.GetRequiredService<GatewaySettings>().Metrics;
        if (access == MetricsAccess.Off) return;
        var readings = routes.ServiceProvider.GetRequiredService<MetricReadings>();
        routes.MapGet("/metrics", new RequestDelegate(http =>
        {
            // For anybody else there is nothing here.
            if ((access == MetricsAccess.Local && !LocalCallers.IsLocal(http))
                || (access == MetricsAccess.Direct && LocalCallers.IsForwarded(http.Request.Headers)))
            {
                http.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }

            http.Response.ContentType = ContentType;
            return http.Response.WriteAsync(readings.Read(), Encoding.UTF8, http.RequestAborted);
        })).Needs(Caller.Nobody).ExcludeFromDescription();
    }
}
