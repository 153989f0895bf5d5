using System.CommandLine;
using System.Globalization;
using Beadhub.Hosting.EventLogs;

namespace Beadhub.Silo;

/// <summary><c>beadhub serve</c>: runs the server until it is told to stop.</summary>
internal static class ServeCommand
{
    /// <summary>What the process ends with after a regular stop; documented in docs/operations.md, as the other two.</summary>
    private const int Stopped = 0;

    /// <summary>Something outside stands in the way (the port, the database): trying again may help.</summary>
    private const int CannotStart = 1;

    /// <summary>A setting or an option holds what it may not: trying again does not help.</summary>
    private const int BadSetting = 2;

    private static readonly Option<string?> Database =
        new("--database") { Description = "sqlite:PATH, a postgres:// URL or an Npgsql string [BEADHUB_DATABASE_URL]" };
    private static readonly Option<string?> Host =
        new("--host") { Description = "Address to listen on; 0.0.0.0 for all [BEADHUB_HOST, 127.0.0.1]" };
    private static readonly Option<string?> Port = new("--port") { Description = "Port to listen on [BEADHUB_PORT, 8000]" };

    public static Command Create()
    {
        var command = new Command("serve", "Run the server (the default).") { Database, Host, Port };
        command.SetAction((parsed, _) => Run(parsed.GetValue(Database), parsed.GetValue(Host), parsed.GetValue(Port)));
        return command;
    }

    private static async Task<int> Run(string? database, string? host, string? port)
    {
        try
        {
            var (settings, unknown) = Variables.Read(Environment.GetEnvironmentVariable);
            settings = settings with
            {
                DatabaseUrl = database ?? settings.DatabaseUrl,
                Host = host ?? settings.Host,
                Port = port is null ? settings.Port : PortOf(port),
            };
            await using var server = await Server.Start(settings, unknown);
            Console.WriteLine(Banner(server, settings));
            await server.Stopped;
            return Stopped;
        }
        catch (Exception e) when (e is SettingsException or ArgumentException)
        {
            return Fail(e, BadSetting);
        }
        catch (Exception e) when (e is UnavailableException or EventLogInUseException or EventLogSchemaException or IOException
            or UnauthorizedAccessException)
        {
            return Fail(e, CannotStart);
        }
    }

    private static int Fail(Exception problem, int code)
    {
        Console.Error.WriteLine($"beadhub: {problem.Message}");
        return code;
    }

    private static int PortOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is >= 1 and <= 65535
            ? port : throw new SettingsException($"--port must be a whole number from 1 to 65535, not '{text}'");

    private static string Banner(Server server, Settings settings)
    {
        var listens = string.Join(", ", server.Listens.Select(static endpoint => $"http://{endpoint}"));
        var everywhere = server.Listens.Any(static endpoint => ListenAddresses.IsAny(endpoint.Address));
        var lines = new List<string>
        {
            $"Beadhub {VersionCommand.Version} listens on {listens}{(everywhere ? ", all addresses of this machine" : "")}",
            $"  data   {server.DataDescription}",
            $"  page   {server.Address}/",
            $"  docs   {server.Address}/docs",
        };
        if (settings.Gateway.Bootstrap) lines.AddRange(Next(server.Address));
        lines.Add("Stop with Ctrl+C.");
        return string.Join('\n', lines);
    }

    /// <summary>From nothing to a claimed bead, to be pasted into a shell: an agent joins, pushes a bead, and claims it.</summary>
    private static string[] Next(string address) =>
    [
        "  next   paste this into a shell: an agent joins, pushes a bead, and claims it",
        $"B={address} J='Content-Type: application/json'",
        """KEY=$(curl -s $B/v1/init -H "$J" \""",
        """  -d '{"project_slug":"demo","alias":"alice","repo_origin":"https://example.com/demo.git"}' | grep -o 'aw_sk_[0-9a-f]*')""",
        """curl -s "$B/v1/beads/upload-jsonl?repo=example.com/demo" -H "Authorization: Bearer $KEY" -H 'Content-Type: text/plain' \""",
        """  -d '{"id":"bd-1","title":"Look around","status":"open"}'""",
        """curl -s $B/v1/beads/claim-next -H "Authorization: Bearer $KEY" -H "$J" -d '{}'""",
    ];
}
