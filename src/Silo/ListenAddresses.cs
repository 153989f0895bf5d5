using System.Net;
using System.Net.Sockets;

namespace Beadhub.Silo;

/// <summary>What <c>BEADHUB_HOST</c> and <c>--host</c> stand for.</summary>
internal static class ListenAddresses
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>The addresses to listen on: never more than the host says, and at least one.</summary>
    /// <exception cref="SettingsException">The host is no address, and no name of one.</exception>
    public static async Task<IPAddress[]> Of(string host)
    {
        if (host is "*" or "+") return [Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any];
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
            return Socket.OSSupportsIPv6 ? [IPAddress.Loopback, IPAddress.IPv6Loopback] : [IPAddress.Loopback];
        if (IPAddress.TryParse(host.Trim('[', ']'), out var literal)) return [literal];
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            if (await Dns.GetHostAddressesAsync(host, patience.Token) is { Length: > 0 } found) return found;
        }
        catch (Exception unknown) when (unknown is SocketException or ArgumentException or OperationCanceledException)
        {
            // Said below.
        }

        throw new SettingsException($"BEADHUB_HOST or --host must be an address of this machine or a name that leads to one, not '{host}'");
    }

    /// <summary>A failure to listen, in a sentence.</summary>
    public static Exception Problem(IPEndPoint endpoint, string host, SocketException failed) => failed.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => new IOException(
            $"{endpoint} is in use already: stop what listens there, or choose another port with --port or BEADHUB_PORT", failed),
        SocketError.AddressNotAvailable => new SettingsException(
            $"BEADHUB_HOST or --host must be an address of this machine, which '{host}' is not"),
        SocketError.AccessDenied => new SettingsException(
            $"This user may not listen on port {endpoint.Port}: choose one from 1024 on with --port or BEADHUB_PORT"),
        _ => new IOException($"{endpoint} cannot be listened on: {failed.Message}", failed),
    };

    /// <summary>Whether it means all addresses of the machine.</summary>
    public static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
}
