using System.Text.Json;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway.Mcp;

/// <summary>
/// Requests to the API from inside a request, with the credentials of that one: what a tool does is what the endpoint does, with the same checks and the same words.
/// </summary>
internal sealed class InnerRequests
{
    // Everything that says who asks, and what makes a repeat recognisable.
    private static readonly string[] Passed = ["Authorization", "X-BH-Auth", "X-Project-ID", "X-User-ID", "X-API-Key", "X-Aweb-Actor-ID"];

    private RequestDelegate? _endpoints;

    /// <summary>Takes up what runs endpoints: the rest of the pipeline.</summary>
    public RequestDelegate Take(RequestDelegate rest) => _endpoints = rest;

    /// <summary>Runs a request; answers with its body.</summary>
    /// <exception cref="CallFailedException">The answer is no success: its status and what it says.</exception>
    public async Task<ReadOnlyMemory<byte>> Run(HttpContext outer, string method, string path, QueryString query = default, ReadOnlyMemory<byte>? body = null)
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
        await ErrorAnswers.Run(http, _endpoints!);
        await response.BodyWriter.FlushAsync(outer.RequestAborted);
        var answer = written.GetBuffer().AsMemory(0, (int)written.Length);
        return response.StatusCode == StatusCodes.Status200OK ? answer.ToArray() : throw Failure(response.StatusCode, answer);
    }

    private static CallFailedException Failure(int status, ReadOnlyMemory<byte> answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            var detail = document.RootElement.GetProperty("detail");
            var onlyText = detail.ValueKind == JsonValueKind.String && document.RootElement.EnumerateObject().Count() == 1;
            return new(status, Text(detail), onlyText ? null : answer.ToArray());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return new(status, $"Status {status}");
        }
    }

    private static string Text(JsonElement detail) => detail.ValueKind switch
    {
        JsonValueKind.String => detail.GetString()!,
        JsonValueKind.Array => string.Join("; ", detail.EnumerateArray().Select(error => $"{error.GetProperty("loc").EnumerateArray().Last()}: {error.GetProperty("msg").GetString()}")),
        JsonValueKind.Object when detail.TryGetProperty("message", out var message) => message.ToString(),
        _ => detail.GetRawText(),
    };
}
