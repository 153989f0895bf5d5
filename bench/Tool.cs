using System.Diagnostics;

namespace Beadhub.Bench;

/// <summary>Runs a program to its end.</summary>
internal static class Tool
{
    /// <returns>What it printed to standard output.</returns>
    public static async Task<string> Run(TimeSpan limit, string program, params string[] arguments)
    {
        using var process = Process
            .Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(limit);
        }
        catch (TimeoutException)
        {
            process.Kill();
            throw;
        }
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {await errors}{await output}");
    }
}
