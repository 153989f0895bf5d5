using System.Diagnostics;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Deploy;

/// <summary>Runs what is in <c>deploy/</c>, as an operator does.</summary>
internal static class Script
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>The path of a file in <c>deploy/</c>.</summary>
    public static string PathOf(string name) => Path.Combine(ServerProcess.Root(), "deploy", name);

    /// <summary>Runs a program and answers what it printed; an exception when it fails.</summary>
    public static async Task<string> Run(string program, params string[] arguments)
    {
        var (code, output) = await Try(program, arguments);
        return code == 0 ? output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {code}:\n{output}");
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<(int Code, string Output)> Try(string program, params string[] arguments)
    {
        using var process = Process
            .Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var patience = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, await output + await error);
    }
}
