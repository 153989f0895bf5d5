using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>How long a chat message takes to reach 1,000 open streams, against a bare app that writes the same frame to as many.</summary>
internal static class ChatFanOut
{
    private const int Streams = 1000;
    private const int Agents = 10;
    private const int Messages = 60;

    public static async Task Run(Lab lab)
    {
        await using var server = await lab.Server(await lab.Database());
        var team = await Team.Create(server.Api, Agents);
        var opened = await team.Agent.Post("/v1/chat/sessions", new { to_aliases = team.Agents.Skip(1).Select(agent => agent.Alias), message = "Hello" }).Ok();
        var session = opened.Text("session_id");
        var stream = $"/v1/chat/sessions/{session}/stream?deadline={Uri.EscapeDataString(DateTime.UtcNow.AddMinutes(15).ToString("yyyy-MM-ddTHH:mm:ssZ"))}";
        var body = "The sync fails when the network drops in the middle of an upload; retry it with a delay that grows.";

        await using var bare = await lab.Reference("fan-out");
        using var ours = await Listeners.Open(server.Port, i => HttpConnection.Get(stream, team.Agents[i % Agents].Key));
        using var theirs = await Listeners.Open(bare.Port, _ => HttpConnection.Get("/stream"));
        var frame = Encoding.UTF8.GetBytes("event: message\ndata: " + new string('x', 700) + " NUMBER\n\n");

        using var toServer = new HttpConnection(server.Port);
        using var toBare = new HttpConnection(bare.Port);
        Func<Task<double>> Send(Listeners listeners, HttpConnection connection, Func<string, byte[]> request) => () => listeners.Time(mark =>
        {
            if (connection.Send(request(mark)) is not 200 and var status) throw new InvalidOperationException($"A message was answered with {status}.");
        });
        var measurements = new[]
        {
            Send(ours, toServer, mark => HttpConnection.Post($"/v1/chat/sessions/{session}/messages", team.Agent.Key, Encoding.UTF8.GetBytes($$"""{"body":"{{body}} {{mark}}"}"""))),
            Send(theirs, toBare, mark => HttpConnection.Post("/send", "none", Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(frame).Replace("NUMBER", mark)))),
        };
        await Measure.Alternate(10, measurements);
        List<double>[] times = [[], []];
        for (var i = 0; i < Messages; i++)
            for (var side = 0; side < 2; side++) times[side].Add(await measurements[side]());
        foreach (var (name, part) in new[] { ("p50", 0.5), ("p99", 0.99) })
        {
            lab.Results.Add(new($"chat message → all of {Streams:#,0} streams, {name}", "bare Kestrel, the same frame",
                Measure.Percentile([.. times[0]], part), Measure.Percentile([.. times[1]], part), "s", Goal.None));
        }
        lab.Say($"chat: {Measure.Median([.. times[0]]) * 1000:0.0} ms, bare {Measure.Median([.. times[1]]) * 1000:0.0} ms");
    }

    /// <summary>Open streams that count how many of them have seen the newest mark.</summary>
    private sealed class Listeners : IDisposable
    {
        private readonly List<Socket> _sockets = [];
        private volatile byte[] _mark = "(none yet)"u8.ToArray();
        private int _missing;
        private TaskCompletionSource _all = new();

        public static async Task<Listeners> Open(int port, Func<int, byte[]> request)
        {
            var listeners = new Listeners();
            for (var i = 0; i < Streams; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(IPAddress.Loopback, port);
                await socket.SendAsync(request(i));
                var head = new byte[1024];
                var read = await socket.ReceiveAsync(head);
                if (!Encoding.ASCII.GetString(head, 0, read).StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
                    throw new InvalidOperationException($"Stream {i} was refused: {Encoding.UTF8.GetString(head, 0, read)}");
                listeners._sockets.Add(socket);
                _ = listeners.Listen(socket);
            }
            return listeners;
        }

        /// <summary>Seconds from before a message is sent until every stream has brought it.</summary>
        public async Task<double> Time(Action<string> send)
        {
            var mark = $"mark-{Guid.NewGuid():n}";
            _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _missing, Streams);
            _mark = Encoding.ASCII.GetBytes(mark);
            var start = Stopwatch.GetTimestamp();
            await Task.Run(() => send(mark));
            await _all.Task.WaitAsync(TimeSpan.FromSeconds(30));
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        public void Dispose()
        {
            foreach (var socket in _sockets) socket.Dispose();
        }

        private async Task Listen(Socket socket)
        {
            var buffer = new byte[8 * 1024];
            var filled = 0;
            byte[]? seen = null;
            try
            {
                while (await socket.ReceiveAsync(buffer.AsMemory(filled)) is > 0 and var read)
                {
                    filled += read;
                    var mark = _mark;
                    if (!ReferenceEquals(seen, mark) && buffer.AsSpan(0, filled).IndexOf(mark) >= 0)
                    {
                        seen = mark;
                        filled = 0;
                        if (Interlocked.Decrement(ref _missing) == 0) _all.TrySetResult();
                    }
                    // What may be the beginning of a mark is kept.
                    if (filled > 4 * 1024)
                    {
                        buffer.AsSpan(filled - 64, 64).CopyTo(buffer);
                        filled = 64;
                    }
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // The bench is over.
            }
        }
    }
}
