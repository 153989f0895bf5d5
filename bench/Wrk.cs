using System.Globalization;

namespace Beadhub.Bench;

/// <summary>The load generator <c>wrk</c>: one thread, so that it leaves the second core to the server.</summary>
internal static class Wrk
{
    // Figures come through wrk's own hook, as numbers; its report is for people.
    private const string Done = """

        function done(summary, latency, requests)
            local e = summary.errors
            io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
                latency:percentile(99),
                e.connect + e.read + e.write + e.status + e.timeout))
        end
        """;

    /// <summary>Sends GET requests for one path.</summary>
    public static Task<WrkResult> Get(Lab lab, int port, string path, string key, int connections, int seconds) =>
        Run(lab, port, path, $"wrk.headers[\"Authorization\"] = \"Bearer {key}\"", connections, seconds);

    /// <summary>Sends what a Lua script's <c>request</c> answers.</summary>
    /// <exception cref="InvalidOperationException">A request failed, or was answered otherwise than with success.</exception>
    public static async Task<WrkResult> Run(Lab lab, int port, string path, string script, int connections, int seconds)
    {
        var file = Path.Combine(lab.Folder(), "load.lua");
        await File.WriteAllTextAsync(file, script + Done);
        var output = await Tool.Run(TimeSpan.FromSeconds(seconds + 30), "wrk", "-t1", $"-c{connections}", $"-d{seconds}s", "-s", file,
            $"http://127.0.0.1:{port}{path}");
        var line = output.Split('\n').Single(line => line.StartsWith("RESULT ", StringComparison.Ordinal));
        var numbers = line.Split(' ')[1..].Select(number => double.Parse(number, CultureInfo.InvariantCulture)).ToArray();
        if (numbers[4] > 0) throw new InvalidOperationException($"{numbers[4]} of {numbers[0]} requests failed:\n{output}");
        return new((long)numbers[0], numbers[0] / numbers[1] * 1e6, numbers[2] / 1e6, numbers[3] / 1e6);
    }
}
