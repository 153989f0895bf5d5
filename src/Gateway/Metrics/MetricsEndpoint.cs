using System.Net;
using System.Text;

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
            if (access == MetricsAccess.Local && !IsLocal(http))
            {
                http.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }

            http.Response.ContentType = ContentType;
            return http.Response.WriteAsync(readings.Read(), Encoding.UTF8, http.RequestAborted);
        })).ExcludeFromDescription();
    }

    // A proxy on the same machine brings requests from anywhere, and says so: in one of these, of which the second is left of a header that was believed.
    private static readonly string[] OfProxies = ["X-Forwarded-For", "X-Original-For", "Forwarded", "X-Real-IP"];

    private static bool IsLocal(HttpContext http) =>
        (http.Connection.RemoteIpAddress is not { } address || IPAddress.IsLoopback(address))
        && !OfProxies.Any(http.Request.Headers.ContainsKey);
}
