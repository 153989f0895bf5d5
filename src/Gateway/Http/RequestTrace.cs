using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;

namespace Beadhub.Gateway.Http;

/// <summary>Gives the host's span of a request its name and what is asked of it, by OpenTelemetry's conventions. The path itself, and the
/// query, are not told.</summary>
internal static class RequestTrace
{
    /// <summary>Completes the spans of requests that somebody traces.</summary>
    public static void UseRequestTrace(this IApplicationBuilder app) => app.Use(static next => http =>
        http.Features.Get<IHttpActivityFeature>()?.Activity is { Recorded: true } span ? Run(http, next, span) : next(http));

    private static async Task Run(HttpContext http, RequestDelegate next, Activity span)
    {
        try
        {
            await next(http);
        }
        finally
        {
            var (method, status) = (RequestLog.Method(http), http.Response.StatusCode);
            span.DisplayName = $"{method} {RequestLog.RouteOf(http)}";
            span.SetTag("http.request.method", method).SetTag("http.response.status_code", status)
                .SetTag("beadhub.request.id", RequestLog.IdOf(http));
            if (http.GetEndpoint() is RouteEndpoint) span.SetTag("http.route", RequestLog.RouteOf(http));
            if (status >= 500) span.SetStatus(ActivityStatusCode.Error);
        }
    }
}
