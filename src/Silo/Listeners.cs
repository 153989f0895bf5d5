using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Beadhub.Silo;

/// <summary>
/// The sockets on which the server takes connections. A listener that is closed takes with it the connections that the system had made but
/// the server not yet taken, and with them requests that a load balancer has sent and must not send again. So before it is closed, what
/// would make new connections is dropped (whoever asked asks again within a second, is refused then, and turns to another node), and what
/// was made is taken.
/// </summary>
internal sealed class Listeners
{
    /// <summary>How long connections that were made may take until they are taken: the accept loop needs milliseconds, on a machine under
    /// load tens.</summary>
    private static readonly TimeSpan Taken = TimeSpan.FromMilliseconds(250);

    /// <summary>A classic BPF program over the TCP header: a packet with SYN and without ACK is dropped, all others pass.</summary>
    private static readonly ulong[] DropSyn = DropSynProgram();

    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly ConcurrentDictionary<EndPoint, Socket> _reserved = new();

    /// <summary>The addresses that are reserved.</summary>
    public ImmutableArray<IPEndPoint> Reserved { get; private set; } = [];

    /// <summary>Binds the addresses that a host stands for before anything else is begun: a port in use ends the start here.</summary>
    /// <param name="host">An address, a name of this machine, or <c>*</c> for all addresses.</param>
    /// <param name="port">Port.</param>
    /// <exception cref="SettingsException">The host is no address of this machine, or may not be listened on.</exception>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<Listeners> Reserve(string host, int port)
    {
        var listeners = new Listeners();
        try
        {
            foreach (var address in await ListenAddresses.Of(host))
            {
                var endpoint = new IPEndPoint(address, port);
                try
                {
                    listeners._reserved[endpoint] = listeners.Bind(endpoint);
                    listeners.Reserved = listeners.Reserved.Add(endpoint);
                }
                catch (SocketException) when (!listeners.Reserved.IsEmpty && address.Equals(IPAddress.IPv6Loopback))
                {
                    // "localhost" where IPv6 is turned off.
                }
                catch (SocketException failed)
                {
                    throw ListenAddresses.Problem(endpoint, host, failed);
                }
            }

            return listeners;
        }
        catch
        {
            listeners.Close();
            throw;
        }
    }

    /// <summary>Binds a listener, or takes the one that is reserved, and remembers it.</summary>
    public Socket Bind(EndPoint endpoint)
    {
        if (_reserved.TryRemove(endpoint, out var reserved)) return reserved;
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        _sockets.Add(socket);
        return socket;
    }

    /// <summary>Gives up what nobody has taken.</summary>
    public void Close()
    {
        foreach (var socket in _reserved.Values) socket.Dispose();
    }

    /// <summary>Lets no new connection be made and returns when those that were made have been taken. Where the system cannot do that
    /// (Linux can), at once.</summary>
    public Task Quiesce(TimeProvider time)
    {
        var quiet = false;
        foreach (var socket in _sockets) quiet |= DropNew(socket);
        return quiet ? Task.Delay(Taken, time) : Task.CompletedTask;
    }

    private static bool DropNew(Socket socket)
    {
        const int solSocket = 1, attachFilter = 26;
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess || !BitConverter.IsLittleEndian) return false;
        // The kernel's sock_fprog: how many instructions, and where they are.
        ReadOnlySpan<ulong> program = [(ulong)DropSyn.Length, (ulong)Marshal.UnsafeAddrOfPinnedArrayElement(DropSyn, 0)];
        try
        {
            socket.SetRawSocketOption(solSocket, attachFilter, MemoryMarshal.AsBytes(program));
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private static ulong[] DropSynProgram()
    {
        const int flagsAt = 13, syn = 0x02, synAck = 0x12;
        const ushort loadByte = 0x30, and = 0x54, jumpIfEqual = 0x15, answer = 0x06;
        var program = GC.AllocateArray<ulong>(5, pinned: true);
        program[0] = Instruction(loadByte, flagsAt);
        program[1] = Instruction(and, synAck);
        program[2] = Instruction(jumpIfEqual, syn, otherwise: 1);
        program[3] = Instruction(answer, 0);
        program[4] = Instruction(answer, uint.MaxValue);
        return program;

        // The kernel's sock_filter: code (16 bits), instructions to skip when true and when false (8 each), operand (32).
        static ulong Instruction(ushort code, uint operand, byte otherwise = 0) => code | ((ulong)otherwise << 24) | ((ulong)operand << 32);
    }
}
