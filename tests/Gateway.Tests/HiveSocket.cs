using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>A client of <c>/ws</c>.</summary>
internal sealed class HiveSocket : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ClientWebSocket socket = new();
    private readonly List<JsonElement> frames = [];

    public static async Task<HiveSocket> Open(Api server, string? key)
    {
        var one = new HiveSocket();
        var address = new UriBuilder(server.Address) { Scheme = "ws", Path = "/ws", Query = key is null ? "" : $"token={key}" };
        using var patience = new CancellationTokenSource(Patience);
        await one.socket.ConnectAsync(address.Uri, patience.Token);
        return one;
    }

    public async Task Say(string message)
    {
        using var patience = new CancellationTokenSource(Patience);
        await socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, true, patience.Token);
    }

    /// <summary>Says something; the data of what is answered.</summary>
    public async Task<JsonElement> Ask(object message)
    {
        await Say(JsonSerializer.Serialize(message));
        return await Next("agent_online");
    }

    /// <summary>Data of the next frame of a type; others wait until they are asked for.</summary>
    public async Task<JsonElement> Next(string type)
    {
        using var patience = new CancellationTokenSource(Patience);
        for (var i = 0; ; i++)
        {
            if (i == frames.Count) frames.Add(await Read(patience.Token));
            if (frames[i].Text("type") != type) continue;
            var found = frames[i];
            frames.RemoveAt(i);
            found.Text("timestamp").ShouldEndWith("Z");
            return found.At("data");
        }
    }

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        return default;
    }

    private async Task<JsonElement> Read(CancellationToken cancellation)
    {
        using var message = new MemoryStream();
        var buffer = new byte[16 * 1024];
        WebSocketReceiveResult received;
        do
        {
            received = await socket.ReceiveAsync(buffer, cancellation);
            message.Write(buffer, 0, received.Count);
        }
        while (!received.EndOfMessage);

        return JsonDocument.Parse(message.ToArray()).RootElement;
    }
}
