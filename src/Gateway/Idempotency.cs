using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Idempotency;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>Idempotency-Key</c>: any write under <c>/v1</c> with this header, and any writing tool with this argument, returns its first answer when it is sent again by
/// the same caller, also after a restart. The ids of what it creates follow from the key too, so a repeat finds what was created when the server died before it could answer.
/// </summary>
/// <remarks>Not for <see cref="UnkeptAnswers"/>: no answer that holds a key is kept.</remarks>
internal sealed class Idempotency(IGrainFactory grains, Identification identification)
{
    private const string Header = "Idempotency-Key";
    private const int MaxKey = 255;
    private const int MaxRecorded = 1024 * 1024;

    /// <summary>Runs a request, by its key when it is a write that has one.</summary>
    public Task Run(HttpContext http, RequestDelegate next) =>
        http.Request.Headers.TryGetValue(Header, out var header) && IsWrite(http.Request) ? Run(http, header.ToString(), next) : next(http);

    /// <summary>Runs a write that has a key.</summary>
    public async Task Run(HttpContext http, string key, RequestDelegate next)
    {
        if (key.Length is 0 or > MaxKey || key.Any(c => c is < ' ' or > '~'))
            throw ApiException.Unprocessable($"Invalid {Header}: 1 to {MaxKey} printable ASCII characters");
        if (await Caller(http) is not { } caller)
        {
            // The endpoint says what is wrong with the credentials, after what is wrong with the request.
            await next(http);
            return;
        }

        using var body = await RequestBody.Read(http.Request);
        MemoryMarshal.TryGetArray(body.Bytes, out var bytes);
        http.Request.Body = new MemoryStream(bytes.Array ?? [], bytes.Offset, bytes.Count, writable: false);
        var fingerprint = Fingerprint(http.Request, body.Bytes.Span);
        http.DeriveIds($"{caller.Project}\n{caller.Name}\n{key}\n{http.Request.Method} {http.Request.Path.Value}");

        var name = IIdempotentRequestGrain.Key(caller.Project, caller.Name, key);
        var request = grains.GetGrain<IIdempotentRequestGrain>(name);
        var begun = await request.Begin(fingerprint);
        switch (begun.Step)
        {
            case RequestStep.Repeat:
                Repeat(http, begun.Answer!);
                break;
            case RequestStep.Refuse:
                throw ApiException.Unprocessable($"This {Header} was used for another request");
            case RequestStep.Wait:
                throw new ApiException(StatusCodes.Status409Conflict, $"The first request with this {Header} is still under way") { RetryAfter = 1 };
            default:
                await CarryOut(http, carried => RequestFence.During(name, () => next(carried)), request, begun.Turn, fingerprint);
                break;
        }
    }

    private static async Task CarryOut(HttpContext http, RequestDelegate next, IIdempotentRequestGrain request, Guid turn, string fingerprint)
    {
        var client = http.Response.Body;
        using var written = new MemoryStream();
        var recorded = false;
        try
        {
            http.Response.Body = written;
            await ErrorAnswers.Run(http, next);
            await http.Response.BodyWriter.FlushAsync();
            http.Response.Body = client;
            if (IsFinal(http.Response.StatusCode) && written.Length <= MaxRecorded)
            {
                recorded = true;
                var holdsSecret = http.GetEndpoint()?.Metadata.GetMetadata<AnswersSecretAttribute>() is null ? default(bool?) : true;
                var text = Encoding.UTF8.GetString(written.GetBuffer(), 0, (int)written.Length);
                var kept = await request.Complete(new(fingerprint, http.Response.StatusCode, text, holdsSecret), turn);
                if (kept is { Step: RequestStep.Repeat, Answer: { } first })
                {
                    // Another node was faster with the same request.
                    Repeat(http, first);
                    return;
                }
            }
        }
        catch (UnavailableException) when (recorded)
        {
            // The write itself is durable, and its ids follow from the key: the answer is as good without a record.
        }
        finally
        {
            http.Response.Body = client;
            if (!recorded) await request.Abandon(turn);
        }

        written.Position = 0;
        await written.CopyToAsync(client, http.RequestAborted);
    }

    private static void Repeat(HttpContext http, RecordedAnswer answer)
    {
        http.Response.Headers["Idempotent-Replayed"] = "true";
        http.Response.StatusCode = answer.Status;
        Answer.Write(http.Response, Encoding.UTF8.GetBytes(answer.Body));
    }

    /// <summary>Whose keys they are; null when the credentials are not good, or may not write.</summary>
    private async ValueTask<(string Project, string Name)?> Caller(HttpContext http)
    {
        try
        {
            // Also of a caller whose agent has ended meanwhile: a repeat of its last request is answered as the first time.
            var who = await identification.ReaderOf(http);
            var agent = who.AgentId ?? who.ApiKeyId ?? "";
            // Behind a proxy many may come as one agent: each user, and each key, has answers of its own.
            return (who.ProjectId, who.Mode == AuthMode.Proxy ? $"{agent}/{who.UserId ?? who.ApiKeyId}" : agent);
        }
        catch (ApiException)
        {
            return null;
        }
    }

    private static bool IsWrite(HttpRequest request) =>
        !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && !HttpMethods.IsOptions(request.Method)
        && request.Path.StartsWithSegments("/v1") && !UnkeptAnswers.Has(request.Path);

    /// <summary>
    /// Whether an answer will be the same when asked again: not when the server failed, was busy, did not know the caller, or found it ended, since what has ended
    /// may be restored.
    /// </summary>
    private static bool IsFinal(int status) =>
        status is < 500 and not (StatusCodes.Status401Unauthorized or StatusCodes.Status410Gone or StatusCodes.Status429TooManyRequests);

    private static string Fingerprint(HttpRequest request, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Method} {request.Path.Value}{request.QueryString.Value}\n"));
        hash.AppendData(body);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>Marks an endpoint whose answer shows a secret that is not shown again: what is kept of it for a repeat is encrypted.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class AnswersSecretAttribute : Attribute;
