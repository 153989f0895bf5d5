using System.CommandLine;
using System.CommandLine.Invocation;
using Beadhub.Commands;
using Beadhub.Silo;
using Beadhub.Silo.Administration;
using Beadhub.Silo.Archives;
using Beadhub.Silo.Demo;
using Beadhub.Silo.Doctor;
using Beadhub.Silo.LogReading;

var serve = ServeCommand.Create();
var root = new RootCommand("Beadhub: the coordination server for teams of AI coding agents, and its client. Without a command it serves.")
{
    serve,
    McpCommand.Create(),
    DemoCommand.Create(),
    DoctorCommand.Create(),
    LogCommand.Create(),
    ProjectCommand.Create(),
    ArchiveCommand.Create(),
    KeyCommand.Create(),
    RoleCommand.Create(),
    InviteCommand.Create(),
    AuditCommand.Create(),
    MeshCommand.Create(),
    VersionCommand.Create(),
};
var client = ClientCommands.All().ToArray();
foreach (var command in client) root.Subcommands.Add(command);
root.Subcommands.Add(ClientCommands.Help(root));
foreach (var option in serve.Options) root.Options.Add(option);
root.Action = serve.Action;

// The host itself listens for SIGTERM and Ctrl+C, and takes the time that running requests need.
var parsed = root.Parse(args);
if (parsed.Action is ParseErrorAction error) error.ShowHelp = false;
var code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
// What clients and servers end with is documented (docs/command-line.md, docs/operations.md).
return parsed.Errors.Count > 0 && (parsed.UnmatchedTokens.Count > 0 || client.Any(command => parsed.GetResult(command) is not null))
    ? ExitCode.Usage : code;
