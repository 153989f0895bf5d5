using System.CommandLine;
using System.Reflection;

namespace Beadhub.Silo;

/// <summary><c>beadhub version</c>.</summary>
internal static class VersionCommand
{
    public static string Version { get; } =
        typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public static Command Create()
    {
        var command = new Command("version", "Print the version.");
        command.SetAction(_ => Console.WriteLine($"beadhub {Version}"));
        return command;
    }
}
