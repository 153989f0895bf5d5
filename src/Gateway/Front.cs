using System.Reflection;
using System.Text;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Requests;

namespace Beadhub.Gateway;

/// <summary><c>GET /</c>: who this is, and where to read on; a page for browsers, JSON for all others.</summary>
internal static class Front
{
    private static readonly string Version =
        (typeof(Front).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "").Split('+')[0];

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapMethods("/", ["GET", "HEAD"], new RequestDelegate(Get)).Needs(Caller.Nobody).ExcludeFromDescription();

    private static Task Get(HttpContext http)
    {
        var root = http.Request.PathBase.ToUriComponent();
        if (!http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase))
            return Answer
                .Of(new FrontAnswer("Beadhub", Version, $"{root}/docs", $"{root}/openapi/v1.json", $"{root}/health", $"{root}/mcp"),
                Wire.Types.FrontAnswer).ExecuteAsync(http);
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'";
        return http.Response.WriteAsync(
            $$"""
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><title>Beadhub</title><style>body { font: 1rem/1.6 system-ui, sans-serif; margin: 4rem auto; max-width: 40rem; padding: 0 1rem }</style></head>
            <body>
            <h1>Beadhub {{Version}}</h1>
            <p>The coordination server for teams of AI coding agents.</p>
            <ul>
            <li><a href="{{root}}/docs">The API, to read and to try</a></li>
            <li><a href="{{root}}/openapi/v1.json">Its description (OpenAPI)</a></li>
            <li><a href="{{root}}/health">Whether all is well</a></li>
            </ul>
            </body>
            </html>

            """, Encoding.UTF8, http.RequestAborted);
    }
}

/// <summary>Answer of <c>GET /</c>: what answers, and where its parts are.</summary>
internal sealed record FrontAnswer(string Name, string Version, string Docs, string Openapi, string Health, string Mcp);
