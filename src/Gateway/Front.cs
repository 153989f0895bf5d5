using System.Reflection;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Pages;
using Beadhub.Gateway.Requests;

namespace Beadhub.Gateway;

/// <summary><c>GET /</c>: the dashboard for browsers; for all others JSON that says who this is, and where to read on.</summary>
internal static class Front
{
    private static readonly string Version =
        (typeof(Front).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "").Split('+')[0];

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/", ["GET", "HEAD"], new RequestDelegate(Get)).Needs(Caller.Nobody).ExcludeFromDescription();
        PageFiles.Map(routes);
    }

    private static Task Get(HttpContext http)
    {
        if (http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase))
            return PageFiles.Serve(http, Version);
        var root = http.Request.PathBase.ToUriComponent();
        return Answer
            .Of(new FrontAnswer("Beadhub", Version, $"{root}/docs", $"{root}/openapi/v1.json", $"{root}/health", $"{root}/mcp"),
                Wire.Types.FrontAnswer).ExecuteAsync(http);
    }
}

/// <summary>Answer of <c>GET /</c>: what answers, and where its parts are.</summary>
internal sealed record FrontAnswer(string Name, string Version, string Docs, string Openapi, string Health, string Mcp);
