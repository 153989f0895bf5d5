using Beadhub.Gateway.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Beadhub.Gateway;

/// <summary><c>GET /health</c>: always 200; the body says what is wrong (contract 17.1). <c>/health/ready</c> answers 503 instead, for load balancers.</summary>
internal static class Health
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health", Get).WithTags("health").WithSummary("Whether the server and what it stands on work; always 200");
        routes.MapGet("/health/ready", Ready).WithTags("health").WithSummary("200 when requests can be served, else 503");
    }

    private static async Task<Answer<HealthAnswer>> Get(HealthCheckService health) => Answer.Of(await Check(health), Wire.Types.HealthAnswer);

    private static async Task<IResult> Ready(HttpContext http, HealthCheckService health)
    {
        var answer = await Check(health);
        // A store that cannot be reached stops requests; a missing Redis only slows events down.
        if (http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested
            || answer.Checks.GetValueOrDefault("database") != "ok")
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return Answer.Of(answer, Wire.Types.HealthAnswer);
    }

    private static async Task<HealthAnswer> Check(HealthCheckService health)
    {
        var report = await health.CheckHealthAsync();
        return new(
            report.Status == HealthStatus.Healthy ? "ok" : "unhealthy",
            report.Entries.ToDictionary(e => e.Key, e => e.Value.Status == HealthStatus.Healthy ? "ok" : $"error: {e.Value.Description ?? e.Value.Exception?.Message}"));
    }
}

/// <summary>Answer of <c>GET /health</c>.</summary>
internal sealed record HealthAnswer(string Status, Dictionary<string, string> Checks);
