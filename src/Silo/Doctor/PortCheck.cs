using System.Net.Sockets;
using System.Text.Json;

namespace Beadhub.Silo.Doctor;

/// <summary>The port to listen on: free, or a Beadhub's already.</summary>
internal static class PortCheck
{
    public static async Task<Finding> Run(Settings settings, CancellationToken cancellation)
    {
        var where = $"{settings.Host}:{settings.Port}";
        if (await Health(settings, cancellation) is { } status)
        {
            return status == "ok"
                ? Finding.Ok("port", $"a Beadhub serves on {where}, and is healthy")
                : Finding.Fail("port", $"a Beadhub serves on {where}, and is {status}", "See what GET /health says there.");
        }

        try
        {
            foreach (var address in await ListenAddresses.Of(settings.Host))
            {
                using var listener = new TcpListener(address, settings.Port);
                listener.Start();
            }

            return Finding.Ok("port", $"{where} is free");
        }
        catch (SettingsException e)
        {
            return Finding.Fail("port", e.Message, "Set BEADHUB_HOST to an address of this machine.");
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return Finding.Fail("port", $"{where} is taken by another program", "Stop it, or set BEADHUB_PORT.");
        }
        catch (SocketException e)
        {
            return Finding.Fail("port", $"{where} cannot be listened on: {e.Message}",
                "Set BEADHUB_HOST to an address of this machine, and BEADHUB_PORT to a port that the server's user may open.");
        }
    }

    private static async Task<string?> Health(Settings settings, CancellationToken cancellation)
    {
        var host = settings.Host is "0.0.0.0" or "*" or "+" or "::" or "[::]" ? "127.0.0.1" : settings.Host;
        using var http =
            new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(2) }) { Timeout = TimeSpan
            .FromSeconds(10) };
        try
        {
            using var answer = JsonDocument.Parse(await http.GetStringAsync($"http://{host}:{settings.Port}/health", cancellation));
            return answer.RootElement.TryGetProperty("checks", out _) ? answer.RootElement.GetProperty("status").GetString() : null;
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or KeyNotFoundException or InvalidOperationException
            or UriFormatException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }
}
