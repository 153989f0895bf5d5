using Beadhub.Gateway.Http;
using Beadhub.Gateway.Requests;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Beadhub.Gateway;

/// <summary>
/// <c>GET /health</c>: always 200; the body says what is wrong (contract 17.1). For load balancers and orchestrators <c>/health/ready</c>
/// answers 503 when no
/// requests are to be sent here, and <c>/health/live</c> says only that the process is not stuck.
/// </summary>
internal sealed class Health(HealthCheckService health, Drain drain, IHostApplicationLifetime lifetime)
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Health>();
        var requests = new RequestGroup("/health", "health", "Whether the server works, for those who run it");
        routes.Map(
            requests.Get("", "getHealth", "Whether the server and what it stands on work; always 200").Needs(Caller.Nobody)
                .Answers(Wire.Types.HealthAnswer),
            _ => endpoints.Check());
        routes.Map(
            requests.Get("/ready", "getReadiness", "200 when requests can be served, else 503").Needs(Caller.Nobody)
                .Fails<HealthAnswer>(503)
                .Answers<HealthAnswer>(),
            endpoints.Ready);
        routes.Map(
            requests.Get("/live", "getLiveness", "200 as long as the process answers at all").Needs(Caller.Nobody)
                .Answers(Wire.Types.HealthAnswer),
            _ => Task.FromResult(new HealthAnswer("ok", [])));
    }

    private async Task<Answer<HealthAnswer>> Ready(Anybody _, HttpContext http)
    {
        var answer = await Check();
        // Who asked just before the order to stop is answered just after it: the connection is over for them, too.
        var drains = drain.HasBegun;
        if (drains) http.Response.Headers.Connection = "close";
        // A store that cannot be reached stops requests; a missing Redis only slows events down.
        return drains || lifetime.ApplicationStopping.IsCancellationRequested || answer.Checks.GetValueOrDefault("database") != "ok"
            ? Answer.Refusal(StatusCodes.Status503ServiceUnavailable, answer, Wire.Types.HealthAnswer)
            : Answer.Of(answer, Wire.Types.HealthAnswer);
    }

    private async Task<HealthAnswer> Check()
    {
        var report = await health.CheckHealthAsync();
        return new(
            report.Status == HealthStatus.Healthy ? "ok" : "unhealthy",
            report.Entries.ToDictionary(e => e.Key, e => e.Value.Status == HealthStatus.Healthy
                ? "ok" : $"error: {e.Value.Description ?? e.Value.Exception?.Message}"));
    }
}

/// <summary>Answer of <c>GET /health</c>.</summary>
internal sealed record HealthAnswer(string Status, Dictionary<string, string> Checks);
