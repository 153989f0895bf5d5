using Beadhub.Gateway.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Beadhub.Gateway;

/// <summary>
/// <c>GET /health</c>: always 200; the body says what is wrong (contract 17.1). For load balancers and orchestrators <c>/health/ready</c> answers 503 when no
/// requests are to be sent here, and <c>/health/live</c> says only that the process is not stuck.
/// </summary>
internal sealed class Health(HealthCheckService health, Drain drain)
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Health>();
        routes.Get("/health", endpoints.Get).WithTags("health").Says("Whether the server and what it stands on work; always 200");
        routes.Get("/health/ready", endpoints.Ready).WithTags("health").Says("200 when requests can be served, else 503", 503).Answers<HealthAnswer>();
        routes.Get("/health/live", endpoints.Live).WithTags("health").Says("200 as long as the process answers at all");
    }

    private Task<Answer<HealthAnswer>> Live(HttpContext _) => Task.FromResult(Answer.Of(new HealthAnswer("ok", []), Wire.Types.HealthAnswer));

    private async Task<Answer<HealthAnswer>> Get(HttpContext _) => Answer.Of(await Check(), Wire.Types.HealthAnswer);

    private async Task<IResult> Ready(HttpContext http)
    {
        var answer = await Check();
        // Who asked just before the order to stop is answered just after it: the connection is over for them, too.
        var drains = drain.HasBegun;
        if (drains) http.Response.Headers.Connection = "close";
        // A store that cannot be reached stops requests; a missing Redis only slows events down.
        if (drains || http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested
            || answer.Checks.GetValueOrDefault("database") != "ok")
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return Answer.Of(answer, Wire.Types.HealthAnswer);
    }

    private async Task<HealthAnswer> Check()
    {
        var report = await health.CheckHealthAsync();
        return new(
            report.Status == HealthStatus.Healthy ? "ok" : "unhealthy",
            report.Entries.ToDictionary(e => e.Key, e => e.Value.Status == HealthStatus.Healthy ? "ok" : $"error: {e.Value.Description ?? e.Value.Exception?.Message}"));
    }
}

/// <summary>Answer of <c>GET /health</c>.</summary>
internal sealed record HealthAnswer(string Status, Dictionary<string, string> Checks);
