using System.Diagnostics;

namespace Beadhub.Testing;

/// <summary>The real program, run with a command until it ends.</summary>
public sealed record CommandRun(int ExitCode, string Output, string Error)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Runs it in a folder with these environment variables, and none that would concern a server besides.</summary>
    public static async Task<CommandRun> Of(string folder, IEnumerable<(string Name, string Value)> settings, params string[] arguments)
    {
        using var process = Start(folder, settings, arguments);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var patience = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(patience.Token);
        return new(process.ExitCode, await output, await error);
    }

    /// <summary>Starts it; the caller reads what it prints, and ends it.</summary>
    public static Process Start(string folder, IEnumerable<(string Name, string Value)> settings, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [ServerProcess.Executable(), .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(static name => name.StartsWith("BEADHUB_", StringComparison.Ordinal)
            || name is "DATABASE_URL" or "REDIS_URL").ToArray())
            start.Environment.Remove(name);
        foreach (var (name, value) in settings) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
