using System.Diagnostics;
using Beadhub.EventLog;

namespace Beadhub.Silo.Tests.EventLogs;

/// <summary>A process of its own that writes to a log, and is killed in the middle.</summary>
internal static class KilledWriter
{
    public sealed record Acknowledged(StreamKey Stream, long Version, long Position, int Count);

    /// <summary>Kills the writer once it has told of so many appends; answers all it has told of.</summary>
    public static async Task<IReadOnlyList<Acknowledged>> Run(string url, int appends, CancellationToken cancellation)
    {
        using var process = Process
            .Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Beadhub.LogWriter.dll"), url])
        {
            RedirectStandardOutput = true,
        })!;
        var told = new List<Acknowledged>();
        while (await process.StandardOutput.ReadLineAsync(cancellation) is { } line)
        {
            // The kill may cut the last line short.
            if (line.Split(' ') is not [var key, var version, var position, var count]) continue;
            told.Add(new Acknowledged(new StreamKey("test", key), long.Parse(version), long.Parse(position), int.Parse(count)));
            if (told.Count == appends) process.Kill();
        }
        await process.WaitForExitAsync(cancellation);
        return told;
    }
}
