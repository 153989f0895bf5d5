using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Beadhub.Hosting.Cluster.Redis;
using StackExchange.Redis;

namespace Beadhub.Silo.Doctor;

/// <summary>The Redis in which nodes meet.</summary>
internal static class RedisChecks
{
    public static async IAsyncEnumerable<Finding> Run(Settings settings, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (settings.RedisUrl is null)
        {
            yield return settings.Cluster
                ? Finding.Warn("redis", "none: nodes share presence in PostgreSQL", "Set BEADHUB_REDIS_URL on all nodes.")
                : Finding.Ok("redis", "none is needed");
            yield break;
        }

        foreach (var finding in await Ask(settings.RedisUrl, cancellation)) yield return finding;
    }

    private static async Task<List<Finding>> Ask(string text, CancellationToken cancellation)
    {
        RedisUrl url;
        try
        {
            url = RedisUrl.Parse(text);
        }
        catch (SettingsException e)
        {
            return [Finding.Fail("redis", e.Message, "Correct BEADHUB_REDIS_URL.")];
        }

        try
        {
            url.Options.AbortOnConnectFail = true;
            using var redis = await ConnectionMultiplexer.ConnectAsync(url.Options).WaitAsync(TimeSpan.FromSeconds(10), cancellation);
            var database = redis.GetDatabase();
            var before = DateTimeOffset.UtcNow;
            var begun = Stopwatch.GetTimestamp();
            var time = (RedisResult[])(await database.ExecuteAsync("TIME").WaitAsync(TimeSpan.FromSeconds(5), cancellation))!;
            var took = Stopwatch.GetElapsedTime(begun);
            var there = DateTimeOffset.FromUnixTimeSeconds(long.Parse((string)time[0]!, CultureInfo.InvariantCulture))
                .AddMicroseconds(long.Parse((string)time[1]!, CultureInfo.InvariantCulture));
            return
            [
                Finding.Ok("redis", FormattableString.Invariant($"{url.Description}, {took.TotalMilliseconds:0.00} ms there and back")),
                ClockFinding.Of("Redis", there - (before + (took / 2))),
            ];
        }
        catch (Exception e) when (e is RedisException or TimeoutException or System.Net.Sockets.SocketException
            or InvalidOperationException)
        {
            return [Finding.Fail("redis", $"{url.Description} does not answer: {FirstLine(e.Message)}",
                "Start Redis; check host, port and password in BEADHUB_REDIS_URL. Without it live events come late.")];
        }
    }

    private static string FirstLine(string text) => text.Split('\n', ';')[0].Trim();
}
