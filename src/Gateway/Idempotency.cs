using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Idempotency;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>Idempotency-Key</c>: any write under <c>/v1</c> or <c>/api/v1</c> with this header, and any writing tool with this argument,
/// returns its first answer
/// when it is sent again by the same caller, also after a restart. The ids of what it creates follow from the key too.
/// </summary>
/// <remarks>
/// A request is carried out without a look at what came before: the first event that it writes carries the request's mark and its result,
/// so the log refuses a repeat in the very append that would have done it again, and the repeat is answered from the recorded result. The
/// answer itself is kept, by a commit of its own, where it does not follow from one recorded result: of what wrote nothing (a refusal),
/// wrote more than once, or reads for its answer (all but <see cref="RequestShape.RepeatsFromResult"/>). Which requests have it is <see
/// cref="RequestShape.TakesIdempotencyKey"/>: no answer that holds a key is kept.
/// </remarks>
internal sealed class Idempotency(IGrainFactory grains, Identification identification, TimeProvider time)
{
    private const string Header = "Idempotency-Key";
    private const string Replayed = "Idempotent-Replayed";
    private const int MaxKey = 255;
    private const int MaxRecorded = 1024 * 1024;
    private const int Attempts = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // What this node carries out. Repeats that come meanwhile wait for it; those at other nodes are sorted out by the log.
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _underWay = new(StringComparer.Ordinal);

    private static readonly object AnsweredAgain = new();

    /// <summary>Whether the request was carried out and is only answered again: what it needed then, a living sender for example, it needs
    /// no more.</summary>
    public static bool IsAnsweredAgain(HttpContext http) => http.Items.ContainsKey(AnsweredAgain);

    /// <summary>Runs a request, by its key when it is a write that has one.</summary>
    public Task Run(HttpContext http, RequestDelegate next) =>
        http.Request.Headers.TryGetValue(Header, out var header) && Declared(http) is { TakesIdempotencyKey: true }
            ? Run(http, header.ToString(), next) : next(http);

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
        var fingerprint = Fingerprint(http.Request, body.Bytes.Span);
        http.DeriveIds($"{caller.Project}\n{caller.Name}\n{key}\n{http.Request.Method} {http.Request.Path.Value}");

        var name = IIdempotentRequestGrain.Key(caller.Project, caller.Name, key);
        var turn = await Begin(name);
        try
        {
            await CarryOut(http, next, body, caller.Project, name, fingerprint);
        }
        finally
        {
            _underWay.TryRemove(name, out _);
            turn.SetResult();
        }
    }

    /// <summary>Waits for a first one that is under way.</summary>
    private async ValueTask<TaskCompletionSource> Begin(string name)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var since = time.GetTimestamp();
        while (!_underWay.TryAdd(name, turn))
        {
            if (!_underWay.TryGetValue(name, out var first)) continue;
            var left = Patience - time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero)
                throw new ApiException(StatusCodes.Status409Conflict,
                    $"The first request with this {Header} is still under way") { RetryAfter = 1 };
            await first.Task.WaitAsync(left,
                time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        return turn;
    }

    private async Task CarryOut(HttpContext http, RequestDelegate next, RequestBody body, string project, string name, string fingerprint)
    {
        var client = http.Response.Body;
        var headers = http.Response.Headers.ToArray();
        var request = grains.GetGrain<IIdempotentRequestGrain>(name);
        var isRepeat = false;
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            var keyed = new KeyedRequest(project, IIdempotentRequestGrain.MarkOf(name), fingerprint, Guid.NewGuid(), isRepeat);
            using var written = new MemoryStream();
            bool isRefused;
            try
            {
                MemoryMarshal.TryGetArray(body.Bytes, out var bytes);
                http.Request.Body = new MemoryStream(bytes.Array ?? [], bytes.Offset, bytes.Count, writable: false);
                http.Response.Body = written;
                isRefused = await Attempt(http, next, keyed);
            }
            finally
            {
                http.Response.Body = client;
            }

            var found = isRefused ? await request.Find(fingerprint) : await Settle(http, request, keyed, fingerprint, written);
            switch (found.State)
            {
                case RequestState.New when !isRefused:
                    if (keyed is { IsRepeat: true, HasWritten: false }) http.Response.Headers[Replayed] = "true";
                    written.Position = 0;
                    await written.CopyToAsync(client, http.RequestAborted);
                    return;
                case RequestState.Answered:
                    // A repeat at another node may have kept the answer first: it is still this attempt that has carried the request out.
                    Repeat(http, found.Answer!, isReplay: keyed.IsRepeat || !keyed.HasWritten);
                    return;
            }

            http.Response.StatusCode = StatusCodes.Status200OK;
            http.Response.Headers.Clear();
            foreach (var (header, value) in headers) http.Response.Headers[header] = value;
            isRepeat |= found.State == RequestState.CarriedOut;
            if (isRepeat && AnswersWithResult(http)) http.Items[AnsweredAgain] = true;
            if (found.State == RequestState.OtherRequest) throw ApiException.Unprocessable($"This {Header} was used for another request");
        }

        // Other nodes carry out the same.
        throw new ApiException(StatusCodes.Status409Conflict,
            $"The first request with this {Header} is still under way") { RetryAfter = 1 };
    }

    /// <summary>Makes the answer; true when another attempt was found to have written, and there is none.</summary>
    private static async Task<bool> Attempt(HttpContext http, RequestDelegate next, KeyedRequest keyed)
    {
        var isRefused = false;
        await ErrorAnswers.Run(http, async carried =>
        {
            try
            {
                await keyed.During(() => next(carried));
            }
            catch (CarriedOutException)
            {
                isRefused = true;
            }
        });
        await http.Response.BodyWriter.FlushAsync();
        return isRefused;
    }

    /// <summary>Whether the answer may be given: then it is kept, or follows from what was written.</summary>
    private static async ValueTask<RequestFound> Settle(HttpContext http, IIdempotentRequestGrain request, KeyedRequest keyed,
        string fingerprint, MemoryStream written)
    {
        var status = http.Response.StatusCode;
        var isAnswer = new RequestFound(RequestState.New);
        if (!IsFinal(status) || written.Length > MaxRecorded)
        {
            // What has ended since it was asked for the first time is answered as then.
            return status == StatusCodes.Status410Gone && keyed is { IsRepeat: false, HasWritten: false }
                ? await request.Find(fingerprint) : isAnswer;
        }

        // A repeat that cannot be answered any more is no reason to forget the result.
        if (AnswersWithResult(http) && (keyed.IsRepeat ? !keyed.HasWritten : keyed.HasOneResult)) return isAnswer;

        var holdsSecret = Declared(http) is { AnswersSecret: true } ? true : default(bool?);
        var text = Encoding.UTF8.GetString(written.GetBuffer(), 0, (int)written.Length);
        try
        {
            return await request.Keep(new(fingerprint, status, text, holdsSecret), keyed.Attempt, keyed.HasWritten || keyed.IsRepeat);
        }
        catch (UnavailableException)
        {
            // What was written is durable, and a repeat finds it: the answer is as good without a record.
            return isAnswer;
        }
    }

    private static bool AnswersWithResult(HttpContext http) => Declared(http) is { RepeatsFromResult: true };

    /// <summary>The declaration of a request that was routed.</summary>
    private static RequestShape? Declared(HttpContext http) => http.GetEndpoint()?.Metadata.GetMetadata<RequestShape>();

    private static void Repeat(HttpContext http, RecordedAnswer answer, bool isReplay)
    {
        if (isReplay) http.Response.Headers[Replayed] = "true";
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

    /// <summary>
    /// Whether an answer will be the same when asked again: not when the server failed, was busy, did not know the caller, or found it
    /// ended, since what has ended may be restored.
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
