using System.Net.Http.Headers;
using Beadhub.Gateway;
using Beadhub.Gateway.Outbound;

namespace Beadhub.Hosting.Webhooks;

/// <summary>Sends a delivery to its endpoint.</summary>
internal sealed partial class WebhookSender(OutboundHttp http, GatewaySettings settings, TimeProvider time, ILogger<WebhookSender> logger)
{
    /// <summary>
    /// What is told of a delivery that found no way, whatever the reason: whether a port is closed, or where a name leads, is not for those
    /// who may register an endpoint.
    /// </summary>
    public const string NotDelivered = "could not be delivered";

    private const int ReadOfAnswer = 4 * 1024; // so that the connection can be used again

    /// <summary>Sends; null when the endpoint has taken it, else what its project is told.</summary>
    public async Task<string?> Send(string url, string secret, WebhookBatch batch, CancellationToken ended)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(batch.Body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("Beadhub-Delivery", batch.Id);
        request.Headers.Add("Beadhub-Signature", batch.Sign(secret, time.GetUtcNow()));
        request.Headers.Add("User-Agent", "Beadhub-Webhooks/1");
        var answer = await http.Send(request, settings.WebhookTimeout, ReadOfAnswer, ended);
        var failure = Failure(answer);
        if (failure is not null) LogFailed(logger, batch.Id, answer.Status is { } status ? $"HTTP {status}" : answer.Problem);
        return failure;
    }

    /// <summary>What a project is told of an answer; null of a good one.</summary>
    public static string? Failure(OutboundAnswer answer) => answer switch
    {
        { Status: >= 200 and < 300 } => null,
        { IsPublic: false } or { Status: null } => NotDelivered,
        { Status: >= 300 and < 400 } => $"HTTP {answer.Status}: redirects are not followed",
        _ => $"HTTP {answer.Status}",
    };

    // For the operator, who may know.
    [LoggerMessage(Level = LogLevel.Debug, Message = "Delivery {Delivery} failed: {Problem}")]
    private static partial void LogFailed(ILogger logger, string delivery, string? problem);
}
