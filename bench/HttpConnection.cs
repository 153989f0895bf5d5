using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Beadhub.Bench;

/// <summary>
/// A blocking HTTP/1.1 connection with as little between the socket and the stopwatch as possible. All failures are
/// <see cref="IOException"/>s.
/// </summary>
internal sealed class HttpConnection : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true,
        ReceiveTimeout = 60_000 };
    private byte[] _buffer = new byte[64 * 1024];
    private int _filled;

    public HttpConnection(int port)
    {
        try
        {
            _socket.Connect(IPAddress.Loopback, port);
        }
        catch (SocketException e)
        {
            _socket.Dispose();
            throw new IOException(e.Message, e);
        }
    }

    public static byte[] Get(string path, string? key = null) => Encoding.UTF8.GetBytes($"GET {path} HTTP/1.1\r\n{Head(key)}\r\n");

    public static byte[] Post(string path, string key, byte[] body) =>
        [.. Encoding.UTF8
            .GetBytes($"POST {path} HTTP/1.1\r\n{Head(key)}Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"),
            .. body];

    /// <summary>Sends a request and reads its answer to the end.</summary>
    /// <returns>The status.</returns>
    public int Send(byte[] request)
    {
        Write(request);
        var (status, head) = ReadHead();
        var headers = Encoding.ASCII.GetString(_buffer, 0, head);
        const string Length = "\r\nContent-Length:";
        var at = headers.IndexOf(Length, StringComparison.OrdinalIgnoreCase);
        if (at >= 0)
        {
            var end = headers.IndexOf('\r', at + 2);
            var total = head
                + int.Parse(headers.AsSpan(at + Length.Length, end - at - Length.Length), NumberStyles.AllowLeadingWhite,
                CultureInfo.InvariantCulture);
            while (_filled < total) Fill();
            Take(total);
        }
        else
        {
            while (_buffer.AsSpan(head, _filled - head).IndexOf("\r\n0\r\n\r\n"u8) < 0) Fill();
            Take(_filled);
        }
        return status;
    }

    /// <summary>Sends a request for a stream and reads the answer's head.</summary>
    /// <returns>The status.</returns>
    public int Open(byte[] request)
    {
        Write(request);
        var (status, head) = ReadHead();
        Take(head);
        return status;
    }

    /// <summary>Waits until an open stream has brought these bytes, and forgets all up to their end.</summary>
    public void WaitFor(ReadOnlySpan<byte> text)
    {
        while (true)
        {
            var at = _buffer.AsSpan(0, _filled).IndexOf(text);
            if (at >= 0)
            {
                Take(at + text.Length);
                return;
            }
            Fill();
        }
    }

    public void Dispose() => _socket.Dispose();

    private static string Head(string? key) => "Host: 127.0.0.1\r\n" + (key is null ? "" : $"Authorization: Bearer {key}\r\n");

    private (int Status, int Head) ReadHead()
    {
        int end;
        while ((end = _buffer.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8)) < 0) Fill();
        return (int.Parse(Encoding.ASCII.GetString(_buffer, "HTTP/1.1 ".Length, 3), CultureInfo.InvariantCulture), end + 4);
    }

    private void Write(byte[] bytes)
    {
        try
        {
            _socket.Send(bytes);
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private void Fill()
    {
        if (_filled == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
        try
        {
            var read = _socket.Receive(_buffer, _filled, _buffer.Length - _filled, SocketFlags.None);
            if (read == 0) throw new IOException("The server closed the connection.");
            _filled += read;
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private void Take(int count)
    {
        _buffer.AsSpan(count, _filled - count).CopyTo(_buffer);
        _filled -= count;
    }
}
