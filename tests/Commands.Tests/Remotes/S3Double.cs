using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Beadhub.CommandTests.Remotes;

/// <summary>
/// An object store that speaks as much of S3's protocol as remotes use. It checks each request's signature (AWS Signature Version 4) and
/// the digest of what is sent, honours conditions, and can be told to fail.
/// </summary>
public sealed class S3Double : IAsyncDisposable
{
    public const string AccessKey = "AKIDOUBLE", SecretKey = "a/secret+key=that-nobody-else-knows";

    private readonly WebApplication _app;
    private readonly Lock _gate = new();

    private S3Double(WebApplication app) => _app = app;

    public ConcurrentDictionary<string, byte[]> Objects { get; } = new();

    /// <summary>Answers in place of the store's own: a status for a request, or null.</summary>
    public Func<HttpRequest, int?> Fails { get; set; } = static _ => null;

    /// <summary>Whether it ignores If-Match and If-None-Match, as some stores do.</summary>
    public bool IgnoresConditions { get; set; }

    /// <summary>Requests that were signed as they must be.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public int Refused;

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public string Url(string prefix, string bucket = "beads") =>
        $"s3://{bucket}/{prefix}?endpoint={Address.ToString().TrimEnd('/')}&region=eu-test-1";

    public static async Task<S3Double> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var store = new S3Double(app);
        app.Run(store.Serve);
        await app.StartAsync();
        return store;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task Serve(HttpContext http)
    {
        var (request, response) = (http.Request, http.Response);
        using var memory = new MemoryStream();
        await request.Body.CopyToAsync(memory);
        var body = memory.ToArray();
        if (!IsSigned(request, body))
        {
            Interlocked.Increment(ref Refused);
            await Fail(response, 403, "SignatureDoesNotMatch");
            return;
        }

        Requests.Enqueue($"{request.Method} {request.Path}{request.QueryString}");
        if (Fails(request) is { } status)
        {
            if (status == 0) http.Abort();
            else if (status is >= 300 and < 400)
                (response.StatusCode, response.Headers.Location) = (status, "http://127.0.0.1:1/elsewhere");
            else await Fail(response, status, "InternalError");
            return;
        }

        var key = request.Path.Value!.TrimStart('/');
        var name = key[(key.IndexOf('/') + 1)..];
        if (!key.StartsWith("beads", StringComparison.Ordinal)) await Fail(response, 404, "NoSuchBucket");
        else if (request.Query.ContainsKey("list-type")) await List(request, response);
        else if (request.Method == "PUT") await Put(request, response, name, body);
        else if (request.Method == "DELETE")
        {
            Objects.TryRemove(name, out _);
            response.StatusCode = 204;
        }
        else if (!Objects.TryGetValue(name, out var found)) await Fail(response, 404, "NoSuchKey");
        else
        {
            response.Headers.ETag = Tag(found);
            response.ContentLength = found.Length;
            if (request.Method == "GET") await response.Body.WriteAsync(found);
        }
    }

    private async Task Put(HttpRequest request, HttpResponse response, string name, byte[] body)
    {
        bool isAsExpected;
        lock (_gate)
        {
            var now = Objects.GetValueOrDefault(name);
            isAsExpected = IgnoresConditions
                || (request.Headers.IfNoneMatch != "*" || now is null)
                && (request.Headers.IfMatch.Count == 0 || now is not null && Tag(now) == request.Headers.IfMatch);
            if (isAsExpected) Objects[name] = body;
        }

        if (!isAsExpected) await Fail(response, 412, "PreconditionFailed");
        else response.Headers.ETag = Tag(body);
    }

    private async Task List(HttpRequest request, HttpResponse response)
    {
        var prefix = request.Query["prefix"].ToString();
        var xml = new StringBuilder("<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            + "<Name>beads</Name><IsTruncated>false</IsTruncated>");
        foreach (var name in Objects.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
            xml.Append(CultureInfo.InvariantCulture,
                $"<Contents><Key>{WebUtility.HtmlEncode(name)}</Key><Size>{Objects[name].Length}</Size></Contents>");
        response.ContentType = "application/xml";
        await response.WriteAsync(xml.Append("</ListBucketResult>").ToString());
    }

    private static async Task Fail(HttpResponse response, int status, string code)
    {
        response.StatusCode = status;
        response.ContentType = "application/xml";
        if (response.HttpContext.Request.Method != "HEAD")
            await response.WriteAsync($"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{code}</Message></Error>");
    }

    private static string Tag(byte[] content) => $"\"{Convert.ToHexStringLower(MD5.HashData(content))}\"";

    /// <summary>Computes the signature anew, from the secret key and the request as it came.</summary>
    private static bool IsSigned(HttpRequest request, byte[] body)
    {
        var header = request.Headers.Authorization.ToString();
        const string Algorithm = "AWS4-HMAC-SHA256";
        if (!header.StartsWith(Algorithm + " ", StringComparison.Ordinal)) return false;
        var parts = header[(Algorithm.Length + 1)..].Split(',', StringSplitOptions.TrimEntries)
            .Select(static part => part.Split('=', 2)).ToDictionary(static part => part[0], static part => part[1]);
        var scope = parts["Credential"].Split('/', 2);
        var hash = request.Headers["x-amz-content-sha256"].ToString();
        if (scope[0] != AccessKey || hash != "UNSIGNED-PAYLOAD" && hash != Convert.ToHexStringLower(SHA256.HashData(body))) return false;
        var date = request.Headers["x-amz-date"].ToString();
        if (Math.Abs((DateTimeOffset.ParseExact(date, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal)
            - DateTimeOffset.UtcNow).TotalMinutes) > 15) return false;
        var signed = parts["SignedHeaders"].Split(';');
        // What decides about the write must be signed, too: nobody may add a condition or take one away.
        if (new[] { "If-Match", "If-None-Match" }.Any(name => request.Headers.ContainsKey(name)
            && !signed.Contains(name.ToLowerInvariant()))) return false;
        var query = string.Join('&', request.Query.SelectMany(static pair => pair.Value.Select(value => (pair.Key, Value: value ?? "")))
            .Select(static pair => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(pair.Value)}").Order(StringComparer.Ordinal));
        var path = request.HttpContext.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget.Split('?')[0];
        var canonical = new StringBuilder().Append(request.Method).Append('\n').Append(path).Append('\n').Append(query).Append('\n');
        foreach (var name in signed)
            canonical.Append(name).Append(':').Append(string.Join(',', request.Headers[name].Select(static value => value?.Trim())))
                .Append('\n');
        canonical.Append('\n').Append(parts["SignedHeaders"]).Append('\n').Append(hash);
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())));
        var text = $"{Algorithm}\n{date}\n{scope[1]}\n{digest}";
        var key = Encoding.UTF8.GetBytes("AWS4" + SecretKey);
        foreach (var part in scope[1].Split('/')) key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        return Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text))) == parts["Signature"];
    }
}
