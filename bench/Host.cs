using System.Diagnostics;
using System.Runtime.InteropServices;
using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>A web server in a process of its own: ours, or one to compare with.</summary>
internal sealed class Host : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string[] Foreign = ["BEADHUB_", "AWEB_", "DATABASE_URL", "REDIS_URL", "SESSION_SECRET_KEY", "ASPNETCORE_"];

    private bool _isDisposed;
    private readonly Process _process;

    private Host(Process process, int port)
    {
        _process = process;
        Port = port;
        Api = new(new Uri($"http://127.0.0.1:{port}"));
        AppDomain.CurrentDomain.ProcessExit += Kill;
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null) Console.Error.WriteLine(line.Data);
        };
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
    }

    public int Port { get; }

    public Api Api { get; }

    /// <summary>From the start of the process to its first answer.</summary>
    public TimeSpan StartTime { get; private set; }

    /// <summary>Starts a .NET program and waits for its first 200 from <c>/health</c>.</summary>
    public static async Task<Host> Start(string folder, int port, Dictionary<string, string> settings, string assembly,
        params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [assembly, .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => Foreign.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)))
            .ToArray())
            start.Environment.Remove(name);
        foreach (var (name, value) in settings) start.Environment[name] = value;

        var watch = Stopwatch.StartNew();
        var host = new Host(Process.Start(start)!, port);
        try
        {
            await host.FirstAnswer(watch);
            host.StartTime = watch.Elapsed;
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Resident memory, once it has stopped changing.</summary>
    /// <returns>Bytes.</returns>
    public async Task<long> IdleMemory()
    {
        await Task.Delay(2000);
        var memory = Memory();
        for (var i = 0; i < 8; i++)
        {
            await Task.Delay(1000);
            var now = Memory();
            if (Math.Abs(now - memory) < memory / 100) return now;
            memory = now;
        }
        return memory;
    }

    /// <summary>Resident memory now, in bytes.</summary>
    public long Memory()
    {
        _process.Refresh();
        return _process.WorkingSet64;
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        AppDomain.CurrentDomain.ProcessExit -= Kill;
        if (!_process.HasExited)
        {
            _ = SendSignal(_process.Id, 15);
            try
            {
                await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(15));
            }
            catch (TimeoutException)
            {
                _process.Kill();
                await _process.WaitForExitAsync();
            }
        }
        _process.Dispose();
    }

    private async Task FirstAnswer(Stopwatch watch)
    {
        while (true)
        {
            if (_process.HasExited) throw new InvalidOperationException($"The process ended with {_process.ExitCode}.");
            try
            {
                using var connection = new HttpConnection(Port);
                if (connection.Send(HttpConnection.Get("/health")) == 200) return;
            }
            catch (IOException) when (watch.Elapsed < Patience)
            {
            }
            if (watch.Elapsed >= Patience) throw new TimeoutException("No answer from /health.");
            await Task.Delay(1);
        }
    }

    private void Kill(object? sender, EventArgs e)
    {
        if (!_process.HasExited) _process.Kill();
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int SendSignal(int pid, int signal);
}
