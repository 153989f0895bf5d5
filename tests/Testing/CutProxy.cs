using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Beadhub.Testing;

/// <summary>
/// A way to a server that can be cut as a network is: the client's end of each connection breaks, while the server hears nothing and goes
/// on with what it was at.
/// </summary>
public sealed class CutProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly EndPoint _server;
    private readonly ConcurrentBag<Socket> _serverEnds = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;
    private ConcurrentBag<Socket> _clientEnds = [];

    /// <summary>Listens on a free port of loopback.</summary>
    /// <param name="server">Where connections lead to.</param>
    public CutProxy(EndPoint server)
    {
        _server = server;
        _listener.Start();
        _accepting = Accept();
    }

    /// <summary>The port.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Whether new connections are cut too, until it is set to false again.</summary>
    public bool StaysCut { get; set; }

    /// <summary>Cuts the connections that there are. New ones get through, unless it stays cut.</summary>
    public void Cut()
    {
        foreach (var client in Interlocked.Exchange(ref _clientEnds, [])) client.Close(0);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        Cut();
        foreach (var server in _serverEnds) server.Dispose();
        _stopping.Dispose();
    }

    private async Task Accept()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptSocketAsync(_stopping.Token);
                if (StaysCut)
                {
                    client.Close(0);
                    continue;
                }

                var server = new Socket(_server.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
                await server.ConnectAsync(_server, _stopping.Token);
                _clientEnds.Add(client);
                _serverEnds.Add(server);
                _ = Copy(client, server, closesClient: false);
                _ = Copy(server, client, closesClient: true);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // A server that is away refuses, or the proxy ends.
            }
        }
    }

    private static async Task Copy(Socket from, Socket to, bool closesClient)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var count) await to.SendAsync(buffer.AsMemory(0, count));
            // A client that leaves is told to the server; a cut is not, as it shows as an error here.
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            if (closesClient) to.Close(0);
        }
    }
}
