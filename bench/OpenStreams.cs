using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Beadhub.Bench;

/// <summary>Open event streams, which count how many of them have brought the newest mark.</summary>
internal sealed class OpenStreams : IDisposable
{
    private readonly List<Socket> _sockets = [];
    private volatile byte[] _mark = "(none yet)"u8.ToArray();
    private int _missing;
    private TaskCompletionSource _all = new();

    /// <summary>Opens so many, one after the other.</summary>
    public static async Task<OpenStreams> Open(int port, int count, Func<int, byte[]> request)
    {
        var streams = new OpenStreams();
        for (var i = 0; i < count; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, port);
            await socket.SendAsync(request(i));
            var head = new byte[1024];
            var read = await socket.ReceiveAsync(head);
            if (!Encoding.ASCII.GetString(head, 0, read).StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
                throw new InvalidOperationException($"Stream {i} was refused: {Encoding.UTF8.GetString(head, 0, read)}");
            streams._sockets.Add(socket);
            _ = streams.Listen(socket);
        }
        return streams;
    }

    /// <summary>Seconds from before something is sent until all streams that should have brought its mark.</summary>
    public async Task<double> Time(int expected, Action<string> send)
    {
        var mark = $"mark-{Guid.NewGuid():n}";
        _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _missing, expected);
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
        var buffer = new byte[6 * 1024];
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
