using System.CommandLine;

namespace Beadhub.Silo.Demo;

/// <summary><c>beadhub demo</c>: a server on a temporary log with a small team at work, to look around in.</summary>
internal static class DemoCommand
{
    private static readonly Option<int> Port = new("--port") { Description = "Port to listen on", DefaultValueFactory = _ => 8000 };
    private static readonly Option<double> Pace = new("--pace") { Description = "Seconds between two steps of the team",
        DefaultValueFactory = _ => 2 };

    public static Command Create()
    {
        var command = new Command("demo", "Run a server on a temporary log with three agents at work on some thirty beads.") { Port, Pace };
        command.SetAction((parsed, _) => Run(parsed.GetValue(Port), TimeSpan.FromSeconds(Math.Max(0.05, parsed.GetValue(Pace)))));
        return command;
    }

    private static async Task<int> Run(int port, TimeSpan pace)
    {
        var folder = System.IO.Directory.CreateTempSubdirectory("beadhub-demo-");
        try
        {
            DemoTeam? team = null;
            var settings = Settings.FromEnvironment(Environment.GetEnvironmentVariable);
            settings = settings with
            {
                Gateway = settings.Gateway with { VisitorKey = () => team?.VisitorKey },
                DatabaseUrl = $"sqlite:{Path.Combine(folder.FullName, "demo.db")}",
                Host = "127.0.0.1",
                Port = port,
                LogLevel = LogLevel.Warning,
            };
            await using var server = await Server.Start(settings);
            using var http = new HttpClient { BaseAddress = new(server.Address) };
            team = await DemoTeam.Gather(http);
            Console.WriteLine(
                $"""
                Beadhub {VersionCommand.Version} demo: project '{DemoTeam.Project}', agents {string.Join(", ", team.Aliases)}, {DemoTeam.Beads} beads.

                  Open  {server.Address}/

                There you are '{DemoTeam.Visitor}', a person in the team, already signed in: see what is ready, who takes it, when it is done; answer
                what agents ask. The same by the command line, as {team.Aliases.First()}:

                  export BEADHUB_URL={server.Address} BEADHUB_API_KEY={team.Key}
                  beadhub status

                Everything is kept in a temporary folder and gone when you stop, with Ctrl+C.
                """);
            using var stopped = new CancellationTokenSource();
            var working = team.Work(pace, stopped.Token);
            await Task.WhenAny(server.Stopped, working);
            await stopped.CancelAsync();
            await working;
            return 0;
        }
        catch (Exception e) when (e is IOException or SettingsException)
        {
            Console.Error.WriteLine($"beadhub: {e.Message}");
            return 1;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
