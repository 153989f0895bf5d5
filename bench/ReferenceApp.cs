using System.Collections.Concurrent;
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

    /// <summary>Keeps streams open, and writes what it is sent to all of them, or to those of a group, each as soon as it can take
    /// it.</summary>
    public static void FanOut(int port)
    {
        var app = Build(port);
        var groups = new ConcurrentDictionary<string, List<HttpResponse>>();
        List<HttpResponse> StreamsFor(HttpContext http) => groups.GetOrAdd(http.Request.Query["group"].ToString(), _ => []);
        app.MapGet("/stream", (RequestDelegate)(async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.Body.WriteAsync(": keepalive\n\n"u8.ToArray());
            await http.Response.Body.FlushAsync();
            var streams = StreamsFor(http);
            lock (streams) streams.Add(http.Response);
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        }));
        app.MapPost("/send", (RequestDelegate)(async http =>
        {
            using var frame = new MemoryStream();
            await http.Request.Body.CopyToAsync(frame);
            HttpResponse[] all;
            var streams = StreamsFor(http);
            lock (streams) all = [.. streams];
            foreach (var stream in all) _ = Write(stream, frame.ToArray());
            http.Response.ContentLength = 0;
        }));
        app.Run();

        static async Task Write(HttpResponse stream, byte[] frame)
        {
            await stream.Body.WriteAsync(frame);
            await stream.Body.FlushAsync();
        }
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
