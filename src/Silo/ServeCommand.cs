using System.CommandLine;
using Beadhub.Hosting.EventLogs;

namespace Beadhub.Silo;

/// <summary><c>beadhub serve</c>: runs the server until it is told to stop.</summary>
internal static class ServeCommand
{
    private static readonly Option<string?> Database =
        new("--database") { Description = "sqlite:PATH, a postgres:// URL or an Npgsql string [BEADHUB_DATABASE_URL]" };
    private static readonly Option<string?> Host = new("--host") { Description = "Address to listen on [BEADHUB_HOST]" };
    private static readonly Option<int?> Port = new("--port") { Description = "Port to listen on [BEADHUB_PORT]" };

    public static Command Create()
    {
        var command = new Command("serve", "Run the server (the default).") { Database, Host, Port };
        command.SetAction((parsed, _) => Run(parsed.GetValue(Database), parsed.GetValue(Host), parsed.GetValue(Port)));
        return command;
    }

    /// <summary>0 after a regular stop; 1 when the server could not start, with the reason on standard error.</summary>
    private static async Task<int> Run(string? database, string? host, int? port)
    {
        try
        {
            var settings = Settings.FromEnvironment(Environment.GetEnvironmentVariable);
            settings = settings with
            {
                DatabaseUrl = database ?? settings.DatabaseUrl,
                Host = host ?? settings.Host,
                Port = port ?? settings.Port,
            };
            await using var server = await Server.Start(settings);
            Console.WriteLine(
                $"""
                Beadhub {VersionCommand.Version} listens on {server.Address}
                  data   {server.DataDescription}
                  docs   {server.Address}/docs
                  next   curl -s -X POST {server.Address}/v1/init -H 'Content-Type: application/json' \
                           -d '{'{'}"project_slug":"demo","alias":"alice"{'}'}'
                Stop with Ctrl+C.
                """);
            await server.Stopped;
            return 0;
        }
        catch (Exception e) when (e is SettingsException or ArgumentException or UnavailableException or EventLogInUseException
            or EventLogSchemaException or IOException)
        {
            Console.Error.WriteLine($"beadhub: {e.Message}");
            return 1;
        }
    }
}
