using System.Net;
using System.Net.Sockets;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests;

/// <summary>Before a listener closes, connections that were made are taken, and no new one is made.</summary>
public sealed class ListenersTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task No_connection_is_made_after_the_quiet_and_none_is_lost_that_was_made_before()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("Only Linux can drop new connections at a listener.");
        var cancellation = TestContext.Current.CancellationToken;
        var listeners = new Listeners();
        using var listener = listeners.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var made = new TcpClient();
        await made.ConnectAsync((IPEndPoint)listener.LocalEndPoint!, cancellation);
        await made.GetStream().WriteAsync("asked"u8.ToArray(), cancellation);

        await listeners.Quiesce(TimeProvider.System);
        using var late = new TcpClient();
        var connecting = late.ConnectAsync((IPEndPoint)listener.LocalEndPoint!, cancellation).AsTask();

        // What had been made is there still, and can be asked and answered.
        using (var taken = await listener.AcceptAsync(cancellation))
        {
            var buffer = new byte[5];
            (await taken.ReceiveAsync(buffer, cancellation)).ShouldBe(5);
            await taken.SendAsync(buffer, cancellation);
            await made.GetStream().ReadExactlyAsync(buffer, cancellation);
        }

        connecting.IsCompleted.ShouldBeFalse();
        listener.Dispose();
        (await Should.ThrowAsync<SocketException>(() => connecting.WaitAsync(Limit, cancellation))).SocketErrorCode
            .ShouldBe(SocketError.ConnectionRefused);
    }

    [Fact]
    public async Task The_settings_of_another_program_in_the_working_directory_do_not_move_it()
    {
        var folder = System.IO.Directory.CreateTempSubdirectory("beadhub-foreign-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "appsettings.json"),
                """{ "AllowedHosts": "nowhere.example", "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:1" } } } }""",
                TestContext.Current.CancellationToken);
            await using var server = await ServerProcess.Start(folder.FullName, new Dictionary<string, string>());
            await new Project(server.Api).Agent("alice");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
