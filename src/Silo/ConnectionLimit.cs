using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Beadhub.Silo;

/// <summary>
/// Connections that one address may hold at a time, idle ones and event streams among them: each costs memory and a file descriptor, and
/// they are shared by all. Further ones are closed at once. Proxies that are trusted bring everybody's, and are not counted.
/// </summary>
internal sealed partial class ConnectionLimit(int most, ImmutableArray<IPNetwork> exempt, TimeProvider time,
    ILogger<ConnectionLimit> logger)
{
    private static readonly TimeSpan WarnEvery = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<IPAddress, int> _open = new();
    private long _warned;

    /// <summary>Serves a connection, or does not.</summary>
    public async Task Run(ConnectionContext connection, ConnectionDelegate next)
    {
        if ((connection.RemoteEndPoint as IPEndPoint)?.Address is not { } address
            || exempt.Any(network => network.Contains(Plain(address))))
        {
            await next(connection);
            return;
        }

        var client = ClientOf(address);
        if (!TryEnter(client))
        {
            Warn(client);
            connection.Abort();
            return;
        }

        try
        {
            await next(connection);
        }
        finally
        {
            Leave(client);
        }
    }

    /// <summary>Counts one more; false when there are as many as there may be.</summary>
    public bool TryEnter(IPAddress client)
    {
        if (_open.AddOrUpdate(client, 1, static (_, open) => open + 1) <= most) return true;
        Leave(client);
        return false;
    }

    /// <summary>Counts one less.</summary>
    public void Leave(IPAddress client)
    {
        while (true)
        {
            var open = _open[client];
            if (open == 1 ? _open.TryRemove(new(client, 1)) : _open.TryUpdate(client, open - 1, open)) return;
        }
    }

    /// <summary>Who counts as one: an address of IPv4, or a network of 64 bits of IPv6, of which one machine has as many addresses as it
    /// likes.</summary>
    public static IPAddress ClientOf(IPAddress address)
    {
        address = Plain(address);
        if (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork || IPAddress.IsLoopback(address)) return address;
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new(bytes);
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private void Warn(IPAddress client)
    {
        var warned = Volatile.Read(ref _warned);
        if (warned != 0 && time.GetElapsedTime(warned) < WarnEvery) return;
        if (Interlocked.CompareExchange(ref _warned, time.GetTimestamp(), warned) == warned) LogRefused(logger, client, most);
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message =
            "{Address} has {Most} connections, further ones are closed. A proxy is to be named in BEADHUB_TRUSTED_PROXIES; the limit is "
            + "BEADHUB_CONNECTIONS_PER_ADDRESS")]
    private static partial void LogRefused(ILogger logger, IPAddress address, int most);
}
