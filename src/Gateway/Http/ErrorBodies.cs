using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.WebUtilities;

namespace Beadhub.Gateway.Http;

/// <summary>
/// The forms in which errors are told: which one, the path decides, here and nowhere else (nginx' own answers in <c>deploy/nginx</c> follow
/// it). Under
/// <c>/v1</c>, and wherever nothing else is said, <c>{"detail": …}</c> (contract 0.2); under <c>/api/v1</c> and <c>/sync/v1</c> what
/// clients of OpenHive and peers of the mesh read: <c>{"error": …, "message": …}</c>, with <c>statusCode</c> where it is not an endpoint
/// that refuses, but the server before it.
/// </summary>
internal static class ErrorBodies
{
    /// <summary>What the server says of a path that leads nowhere.</summary>
    public static void WriteNoRoute(HttpContext http, int status)
    {
        if (!IsHive(http)) WriteDetail(http, status, status == StatusCodes.Status404NotFound ? "Not Found" : "Method Not Allowed");
        else if (status == StatusCodes.Status404NotFound)
            WriteHive(http, status, $"Route {RequestLog.Method(http)}:{Path(http)} not found", fromServer: true);
        else WriteHive(http, status, "Method not allowed", fromServer: true);
    }

    /// <summary>What an endpoint, or the server before it, says.</summary>
    /// <param name="http">The request.</param>
    /// <param name="status">Status.</param>
    /// <param name="text">One sentence.</param>
    public static void Write(HttpContext http, int status, string text)
    {
        if (!IsHive(http)) WriteDetail(http, status, text);
        // What is not as described is 400 there, as for an OpenHive.
        else WriteHive(http, status == StatusCodes.Status422UnprocessableEntity ? StatusCodes.Status400BadRequest : status, text,
            fromServer: status is 413 or 415 or 429 or >= 500);
    }

    /// <summary>What is wrong with a request's fields.</summary>
    public static void Write(HttpContext http, InvalidFieldsException invalid)
    {
        if (IsHive(http))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            Answer.Write(http.Response, HiveDetails(invalid.Body));
        }
        else
        {
            http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
            Answer.Write(http.Response, invalid.Body.Span);
        }
    }

    /// <summary>Whether errors of a path are told as OpenHive tells them.</summary>
    public static bool IsHive(PathString path) => path.StartsWithSegments("/api/v1") || path.StartsWithSegments("/sync/v1");

    private static bool IsHive(HttpContext http) => IsHive(http.Request.Path);

    private static void WriteDetail(HttpContext http, int status, string detail)
    {
        http.Response.StatusCode = status;
        Answer.Write(http.Response, JsonSerializer.SerializeToUtf8Bytes(new ErrorDetail(detail), Wire.Types.ErrorDetail));
    }

    private static void WriteHive(HttpContext http, int status, string message, bool fromServer)
    {
        http.Response.StatusCode = status;
        var body = new HiveError(
            ReasonPhrases.GetReasonPhrase(status), message, fromServer ? status : null,
            status == StatusCodes.Status413PayloadTooLarge ? "FST_ERR_CTP_BODY_TOO_LARGE" : null);
        Answer.Write(http.Response, JsonSerializer.SerializeToUtf8Bytes(body, Wire.Types.HiveError));
    }

    private static ReadOnlySpan<byte> HiveDetails(ReadOnlyMemory<byte> detail)
    {
        using var errors = JsonDocument.Parse(detail);
        var buffer = new ArrayBufferWriter<byte>(detail.Length + 64);
        using (var json = new Utf8JsonWriter(buffer, Wire.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteString("error", "Validation Error");
            json.WriteStartArray("details");
            foreach (var error in errors.RootElement.GetProperty("detail").EnumerateArray())
            {
                json.WriteStartObject();
                json.WriteString("code", error.GetProperty("type").GetString());
                json.WriteStartArray("path");
                foreach (var part in error.GetProperty("loc").EnumerateArray().Skip(1)) part.WriteTo(json);
                json.WriteEndArray();
                json.WriteString("message", error.GetProperty("msg").GetString());
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan;
    }

    private static string Path(HttpContext http) =>
        http.Request.Path.Value is { Length: > 200 } path ? path[..200] + "…" : http.Request.Path.Value ?? "";
}

/// <summary>Body of an error under <c>/v1</c>.</summary>
internal sealed record ErrorDetail(string Detail);

/// <summary>Body of an error under <c>/api/v1</c> and <c>/sync/v1</c>.</summary>
internal sealed record HiveError(
    string Error,
    string Message,
    [property: JsonPropertyName("statusCode"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? StatusCode,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Code);
