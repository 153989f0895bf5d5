using System.CommandLine;
using Beadhub.Silo;
using Beadhub.Silo.Administration;
using Beadhub.Silo.Demo;
using Beadhub.Silo.Doctor;
using Beadhub.Silo.LogReading;

var serve = ServeCommand.Create();
var root = new RootCommand("Beadhub: the coordination server for teams of AI coding agents. Without a command it serves.")
{
    serve,
    McpCommand.Create(),
    DemoCommand.Create(),
    DoctorCommand.Create(),
    LogCommand.Create(),
    ProjectCommand.Create(),
    KeyCommand.Create(),
    RoleCommand.Create(),
    InviteCommand.Create(),
    AuditCommand.Create(),
    VersionCommand.Create(),
};
foreach (var option in serve.Options) root.Options.Add(option);
root.Action = serve.Action;

// The host itself listens for SIGTERM and Ctrl+C, and takes the time that running requests need.
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
