using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;

namespace Beadhub.Gateway.Mcp;

/// <summary>
/// Requests to the API from inside a request, with the credentials of that one: what a tool does is what the endpoint does, with the same
/// checks and the same words.
/// </summary>
internal sealed class InnerRequests(Idempotency idempotency)
{
    // Everything that says who asks, and by what way.
    private static readonly string[] Passed = ["Authorization", .. ProxyHeaders.All, "Forwarded", "Via", "X-Forwarded-For",
        "X-Original-For", "X-Real-IP"];

    private RequestDelegate? _endpoints;

    /// <summary>Takes up what runs endpoints: the rest of the pipeline.</summary>
    public RequestDelegate Take(RequestDelegate rest) => _endpoints = rest;

    /// <summary>Runs a request to the API; answers with its body.</summary>
    /// <param name="outer">The request from inside which it is made.</param>
    /// <param name="method">Method.</param>
    /// <param name="path">Path.</param>
    /// <param name="query">Query.</param>
    /// <param name="body">JSON, if any.</param>
    /// <param name="idempotencyKey">Its <c>Idempotency-Key</c>, if any.</param>
    /// <exception cref="CallFailedException">The answer is no success: its status and what it says.</exception>
    public Task<ReadOnlyMemory<byte>> Run(
        HttpContext outer, string method, string path, QueryString query = default, ReadOnlyMemory<byte>? body = null,
        string? idempotencyKey = null) =>
        Run(outer, method, path, query, body, idempotencyKey, _endpoints!);

    /// <summary>Runs what is no request to the API as if it were one, so that its <c>Idempotency-Key</c> means the same.</summary>
    /// <param name="outer">The request from inside which it is made.</param>
    /// <param name="path">A path that names what is done.</param>
    /// <param name="body">JSON of what it is done with.</param>
    /// <param name="idempotencyKey">The key.</param>
    /// <param name="run">Does it, within a request of its own.</param>
    /// <exception cref="CallFailedException">It failed: the status and what is said.</exception>
    public Task<ReadOnlyMemory<byte>> RunKeyed(
        HttpContext outer, string path, ReadOnlyMemory<byte> body, string idempotencyKey,
        Func<HttpContext, Task<ReadOnlyMemory<byte>>> run) =>
        Run(outer, HttpMethods.Post, path, default, body, idempotencyKey,
            async http => Answer.Write(http.Response, (await run(http)).Span));

    private async Task<ReadOnlyMemory<byte>> Run(
        HttpContext outer, string method, string path, QueryString query, ReadOnlyMemory<byte>? body, string? idempotencyKey,
        RequestDelegate run)
    {
        using var written = new MemoryStream();
        var http = new DefaultHttpContext { RequestServices = outer.RequestServices, RequestAborted = outer.RequestAborted };
        var (request, response) = (http.Request, http.Response);
        request.Method = method;
        request.Path = path;
        request.QueryString = query;
        request.Scheme = outer.Request.Scheme;
        request.Host = outer.Request.Host;
        http.Connection.RemoteIpAddress = outer.Connection.RemoteIpAddress;
        foreach (var name in Passed)
            if (outer.Request.Headers.TryGetValue(name, out var value)) request.Headers[name] = value;
        if (body is { } json)
        {
            request.ContentType = Wire.Json;
            request.ContentLength = json.Length;
            request.Body = new MemoryStream(json.ToArray(), writable: false);
        }

        response.Body = written;
        await ErrorAnswers.Run(http, idempotencyKey is null ? run : keyed => idempotency.Run(keyed, idempotencyKey, run));
        await response.BodyWriter.FlushAsync(outer.RequestAborted);
        var answer = written.GetBuffer().AsMemory(0, (int)written.Length);
        return response.StatusCode is StatusCodes.Status200OK or StatusCodes.Status201Created
            ? answer.ToArray() : throw Failure(response.StatusCode, answer);
    }

    private static CallFailedException Failure(int status, ReadOnlyMemory<byte> answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            if (document.RootElement.TryGetProperty("message", out var message)) return new(status, message.GetString()!);
            if (document.RootElement.TryGetProperty("details", out var details))
                return new(status, string.Join("; ", details.EnumerateArray().Select(error =>
                    $"{error.GetProperty("path").EnumerateArray().LastOrDefault()}: {error.GetProperty("message").GetString()}")));
            var detail = document.RootElement.GetProperty("detail");
            var onlyText = detail.ValueKind == JsonValueKind.String && document.RootElement.EnumerateObject().Count() == 1;
            return new(status, Text(detail), onlyText ? (ReadOnlyMemory<byte>?)null : answer.ToArray());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return new(status, $"Status {status}");
        }
    }

    private static string Text(JsonElement detail) => detail.ValueKind switch
    {
        JsonValueKind.String => detail.GetString()!,
        JsonValueKind.Array =>
            string.Join("; ", detail.EnumerateArray().Select(error =>
            $"{error.GetProperty("loc").EnumerateArray().Last()}: {error.GetProperty("msg").GetString()}")),
        JsonValueKind.Object when detail.TryGetProperty("message", out var message) => message.ToString(),
        _ => detail.GetRawText(),
    };
}
