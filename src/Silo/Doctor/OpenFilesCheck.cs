using System.Globalization;

namespace Beadhub.Silo.Doctor;

/// <summary>How many files the process may open: each client that listens holds one.</summary>
internal static class OpenFilesCheck
{
    private const long Enough = 4096;

    public static Finding Run()
    {
        const string Limits = "/proc/self/limits";
        var line = File.Exists(Limits)
            ? File.ReadLines(Limits).FirstOrDefault(static line => line.StartsWith("Max open files", StringComparison.Ordinal)) : null;
        var words = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is null || words.Length < 5 || !long.TryParse(words[3], NumberStyles.None, CultureInfo.InvariantCulture, out var limit))
            return Finding.Ok("open files", "no limit is known");
        return limit >= Enough
            ? Finding.Ok("open files", $"{limit} allowed")
            : Finding.Warn("open files", $"{limit} allowed", "Each event stream holds one: raise LimitNOFILE, or ulimit -n.");
    }
}
