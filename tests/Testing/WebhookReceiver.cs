using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace Beadhub.Testing;

/// <summary>A real HTTP server on this machine's loopback that takes deliveries, or does not.</summary>
public sealed class WebhookReceiver : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HttpListener listener = new();
    private readonly Channel<Delivery> deliveries = Channel.CreateUnbounded<Delivery>();
    private readonly ConcurrentQueue<int> statuses = new();
    private readonly Task listening;

    public WebhookReceiver()
    {
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Port = ((IPEndPoint)free.LocalEndpoint).Port;
        }

        listener.Prefixes.Add($"http://127.0.0.1:{Port}/");
        listener.Start();
        listening = Listen();
    }

    /// <summary>A request as it came, and what it was answered.</summary>
    public sealed record Delivery(string Path, string Id, string Signature, string Body, int Status)
    {
        public JsonElement Json => JsonDocument.Parse(Body).RootElement;

        public long[] Positions => [.. Json.Items("events").Select(e => e.At("position").GetInt64())];

        /// <summary>Checks the signature as a receiver would.</summary>
        public bool IsSignedWith(string secret)
        {
            var parts = Signature.Split(',').Select(part => part.Split('=', 2)).ToDictionary(part => part[0], part => part[1]);
            var age = DateTimeOffset.UtcNow.ToUnixTimeSeconds() - long.Parse(parts["t"]);
            var expected = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{parts["t"]}.{Body}"));
            return age is >= -2 and < 60 && parts["v1"] == Convert.ToHexStringLower(expected);
        }
    }

    public int Port { get; }

    public string Url => $"http://127.0.0.1:{Port}/hook";

    /// <summary>The statuses of the next answers; 200 after them. Zero never answers.</summary>
    public void Answer(params IEnumerable<int> next)
    {
        foreach (var status in next) statuses.Enqueue(status);
    }

    public async Task<Delivery> Next()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await deliveries.Reader.ReadAsync(patience.Token);
    }

    /// <summary>Whether something has come that was not taken.</summary>
    public bool TryNext(out Delivery? delivery) => deliveries.Reader.TryRead(out delivery);

    /// <summary>Events of the deliveries that were taken, until one of them matches.</summary>
    public async Task<List<JsonElement>> Until(Func<JsonElement, bool> last)
    {
        var seen = new List<JsonElement>();
        while (true)
        {
            var delivery = await Next();
            if (delivery.Status == 200) seen.AddRange(delivery.Json.Items("events"));
            if (seen.Any(last)) return seen;
        }
    }

    public async ValueTask DisposeAsync()
    {
        listener.Close();
        await listening;
    }

    private async Task Listen()
    {
        try
        {
            while (true) _ = Take(await listener.GetContextAsync());
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
        }
    }

    private async Task Take(HttpListenerContext context)
    {
        try
        {
            using var reader = new StreamReader(context.Request.InputStream, Encoding.UTF8);
            var body = await reader.ReadToEndAsync();
            var status = statuses.TryDequeue(out var next) ? next : 200;
            deliveries.Writer.TryWrite(new(
                context.Request.Url!.AbsolutePath, context.Request.Headers["Beadhub-Delivery"]!,
                context.Request.Headers["Beadhub-Signature"]!, body, status));
            if (status == 0) return;
            context.Response.StatusCode = status;
            if (status is 302 or 307) context.Response.RedirectLocation = $"http://127.0.0.1:{Port}/elsewhere";
            context.Response.Close();
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or IOException or InvalidOperationException)
        {
            // The sender is gone.
        }
    }
}
