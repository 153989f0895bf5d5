using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Beadhub.Bench;

/// <summary>What the server is compared with: ASP.NET Core apps that do nothing of their own.</summary>
internal static class ReferenceApp
{
    /// <summary>Answers <c>/health</c> and nothing else.</summary>
    public static void Empty(int port) => Build(port).Run();

    /// <summary>Answers captured bytes at the paths they were captured from.</summary>
    public static void Bytes(int port, string folder)
    {
        var app = Build(port);
        foreach (var file in Directory.GetFiles(folder, "*.json"))
        {
            var answer = JsonSerializer.Deserialize<CapturedAnswer>(File.ReadAllBytes(file))!;
            app.MapGet(answer.Path, (RequestDelegate)(http =>
            {
                http.Response.ContentType = answer.ContentType;
                http.Response.ContentLength = answer.Body.Length;
                return http.Response.Body.WriteAsync(answer.Body, 0, answer.Body.Length);
            }));
        }
        app.Run();
    }

    private static WebApplication Build(int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        var app = builder.Build();
        app.MapGet("/health", (RequestDelegate)(http => http.Response.WriteAsync("ok")));
        return app;
    }
}
