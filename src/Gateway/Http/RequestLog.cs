using System.Diagnostics;

namespace Beadhub.Gateway.Http;

/// <summary>
/// One line a request, at level debug: method, the path's template, status, duration, id. Never the path itself, the query, a header or a
/// body: those may hold what is nobody else's.
/// </summary>
internal static partial class RequestLog
{
    private const string Header = "X-Request-ID";
    private const int MaxId = 64;

    /// <summary>Logs requests, when anybody wants them.</summary>
    public static void UseRequestLog(this IApplicationBuilder app)
    {
        var logger = app.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger("Beadhub.Gateway.Requests");
        // Decided once: the way of a request is not made longer for a log that nobody writes.
        if (!logger.IsEnabled(LogLevel.Debug)) return;
        app.Use(async (http, next) =>
        {
            var begun = Stopwatch.GetTimestamp();
            try
            {
                await next(http);
            }
            finally
            {
                var milliseconds = Math.Round(Stopwatch.GetElapsedTime(begun).TotalMilliseconds, 3);
                Answered(logger, Method(http), RouteOf(http), http.Response.StatusCode, milliseconds, IdOf(http));
            }
        });
    }

    /// <summary>The template of the request's path; what its parts were is not said.</summary>
    public static string RouteOf(HttpContext http) => (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "(none)";

    /// <summary>What the request is called: by the proxy in front, else by this server.</summary>
    public static string IdOf(HttpContext http) =>
        http.Request.Headers[Header].ToString() is { Length: > 0 and <= MaxId } id
            && id.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
            ? id
            : http.TraceIdentifier;

    /// <summary>The method; one that is not common may be any word.</summary>
    public static string Method(HttpContext http) =>
        http.Request.Method is "GET" or "POST" or "PUT" or "PATCH" or "DELETE" or "HEAD" or "OPTIONS" ? http.Request.Method : "(other)";

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Method} {Route} answered {Status} in {DurationMs} ms, request {RequestId}")]
    private static partial void Answered(ILogger logger, string method, string route, int status, double durationMs, string requestId);
}
