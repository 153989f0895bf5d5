using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;

namespace Beadhub.Gateway.Pages;

/// <summary>
/// The dashboard: <c>GET /</c> for browsers, and under <c>/pages/</c> the modules and the style sheet of which it consists, embedded in
/// this assembly as they are in <c>Pages/files</c>. Everything is served under the version of all files together, so that a browser keeps
/// them for ever and never mixes two versions.
/// </summary>
internal static class PageFiles
{
    private const string Prefix = "pages/";
    private const string Shell = "index.html";
    private const string ForEver = "public, max-age=31536000, immutable";

    // Nothing but what this server sends runs or shows; no module can write markup (Trusted Types), nobody frames the page, and forms go
    // nowhere.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    private static readonly FrozenDictionary<string, PageFile> Files = Read();

    /// <summary>Changes with every file: a part of the path of all.</summary>
    public static readonly string Version = VersionOf(Files);

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapMethods("/pages/{version}/{**path}", ["GET", "HEAD"], new RequestDelegate(Get)).Needs(Caller.Nobody)
            .ExcludeFromDescription();

    /// <summary>The page itself.</summary>
    public static Task Serve(HttpContext http, string productVersion)
    {
        // Where a proxy vouches for whoever comes, nobody is asked for a key.
        var isVouchedFor = http.Request.Headers.ContainsKey(ProxyHeaders.Signature);
        var visitor = LocalCallers.IsLocal(http) && LocalCallers.NamesThisMachine(http.Request)
            ? http.RequestServices.GetRequiredService<GatewaySettings>().VisitorKey?.Invoke() : null;
        var text = Encoding.UTF8.GetString(Files[Shell].Bytes)
            .Replace("{root}", http.Request.PathBase.ToUriComponent(), StringComparison.Ordinal)
            .Replace("{version}", Version, StringComparison.Ordinal)
            .Replace("{product}", productVersion, StringComparison.Ordinal)
            .Replace("{vouched}", isVouchedFor ? "yes" : "no", StringComparison.Ordinal)
            .Replace("{visitor}", visitor ?? "", StringComparison.Ordinal);
        http.Response.Headers.Vary = "Accept";
        return Write(http, new(Encoding.UTF8.GetBytes(text), "text/html; charset=utf-8"), "no-cache");
    }

    // While nodes of a cluster are updated a page may ask the other version's node: it gets what that one has, and does not keep it.
    private static Task Get(HttpContext http)
    {
        var path = http.Request.RouteValues["path"] as string ?? "";
        return path == Shell || !Files.TryGetValue(path, out var file) ? throw ApiException.NotFound("Not Found")
            : Write(http, file, (string?)http.Request.RouteValues["version"] == Version ? ForEver : "no-cache");
    }

    private static async Task Write(HttpContext http, PageFile file, string caching)
    {
        var headers = http.Response.Headers;
        headers.CacheControl = caching;
        headers.ETag = file.Tag;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
        headers["X-Robots-Tag"] = "noindex";
        if (http.Request.GetTypedHeaders().IfNoneMatch.Any(tag => tag.Tag == "*" || tag.Tag == file.Tag))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        http.Response.ContentType = file.MediaType;
        http.Response.ContentLength = file.Bytes.Length;
        if (!HttpMethods.IsHead(http.Request.Method)) await http.Response.Body.WriteAsync(file.Bytes, http.RequestAborted);
    }

    private static FrozenDictionary<string, PageFile> Read()
    {
        var assembly = Assembly.GetExecutingAssembly();
        var files = new Dictionary<string, PageFile>(StringComparer.Ordinal);
        foreach (var name in assembly.GetManifestResourceNames())
        {
            if (!name.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            using var resource = assembly.GetManifestResourceStream(name)!;
            var bytes = new byte[resource.Length];
            resource.ReadExactly(bytes);
            files.Add(name[Prefix.Length..], new(bytes, MediaTypeOf(name)));
        }

        return files.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static string MediaTypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };

    private static string VersionOf(FrozenDictionary<string, PageFile> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, file) in files.OrderBy(static file => file.Key, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}\n{file.Bytes.Length}\n"));
            hash.AppendData(file.Bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
    }

    private sealed record PageFile(byte[] Bytes, string MediaType)
    {
        /// <summary>The entity tag: what the file says, not when it was made.</summary>
        public string Tag { get; } = $"\"{Convert.ToHexStringLower(SHA256.HashData(Bytes))[..16]}\"";
    }
}
