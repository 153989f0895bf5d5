using System.CommandLine;
using Beadhub.Hosting.EventLogs;
using Beadhub.Silo.Logging;

namespace Beadhub.Silo.Administration;

/// <summary>What the commands for operators share.</summary>
internal static class AdminOptions
{
    public static readonly Option<bool> Json = new("--json") { Description = "For machines" };
    public static readonly Option<string?> Tenant = new("--tenant") { Description = "Tenant of the project, where there are any" };

    private static readonly Option<string?> Url =
        new("--url") { Description = "Address of the server; BEADHUB_ADMIN_KEY is sent along [BEADHUB_URL]" };

    /// <summary>A command that asks a running server.</summary>
    public static Command Asking(string name, string description, Func<ParseResult, AdminApi, CancellationToken, Task> run)
    {
        var command = new Command(name, description) { Url, Tenant, Json };
        command.SetAction((parsed, cancellation) => Run(async () =>
        {
            using var api = AdminApi.Of(
                parsed.GetValue(Url) ?? Environment.GetEnvironmentVariable("BEADHUB_URL") ?? "http://localhost:8000",
                Environment.GetEnvironmentVariable("BEADHUB_ADMIN_KEY"));
            await run(parsed, api, cancellation);
        }));
        return command;
    }

    /// <summary>0 when it is done; 1 when it cannot be, with the reason in one sentence on standard error.</summary>
    public static async Task<int> Run(Func<Task> command)
    {
        try
        {
            await command();
            return 0;
        }
        catch (Exception e) when (e is CommandFailedException or SettingsException or ArgumentException or UnavailableException
            or EventLogInUseException or EventLogSchemaException)
        {
            Console.Error.WriteLine($"beadhub: {Redaction.Clean(e.Message)}");
            return 1;
        }
    }
}
