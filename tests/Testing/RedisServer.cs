using System.Diagnostics;
using System.Net.Sockets;

namespace Beadhub.Testing;

/// <summary>A Redis of one's own on a free port, that keeps nothing on disk and can be stopped and started.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);

    private readonly int _port = ServerProcess.FreePort();
    private Process? _process;

    /// <summary>Why none can run on this machine, for tests to skip with; null when one can.</summary>
    public static string? Missing => Program.Find("redis-server") is null ? "Redis is not installed: no redis-server on the PATH." : null;

    /// <summary>For BEADHUB_REDIS_URL.</summary>
    public string Url => $"redis://127.0.0.1:{_port}/0";

    /// <summary>Starts it; returns when it takes connections.</summary>
    public async Task Start()
    {
        _process = Process
            .Start(new ProcessStartInfo(Program.Find("redis-server")!,
            ["--port", $"{_port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        {
            WorkingDirectory = Path.GetTempPath(),
            RedirectStandardOutput = true,
        })!;
        _ = _process.StandardOutput.ReadToEndAsync();
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync("127.0.0.1", _port);
                return;
            }
            catch (SocketException) when (watch.Elapsed < StartLimit && !_process.HasExited)
            {
                await Task.Delay(20);
            }
        }
    }

    /// <summary>Ends it at once; what it knew is gone.</summary>
    public async Task Stop()
    {
        if (_process is not { HasExited: false } process) return;
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Stop();
        _process?.Dispose();
    }
}
