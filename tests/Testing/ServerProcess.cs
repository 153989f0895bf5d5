using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Beadhub.Testing;

/// <summary>The real server in a process of its own, on a free port of this machine.</summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly string[] Foreign = ["BEADHUB_", "AWEB_", "DATABASE_URL", "REDIS_URL", "SESSION_SECRET_KEY", "ASPNETCORE_",
        "OTEL_"];

    private const int FirstPort = 10_000, Ports = 22_000;
    private static int portsGiven = Random.Shared.Next(Ports);

    private readonly Process process;
    private readonly string health;
    private readonly List<string> output = [];

    private ServerProcess(Process process, Uri address, string health)
    {
        this.process = process;
        this.health = health;
        Api = new Api(address);
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public Api Api { get; }

    public int Pid => process.Id;

    public bool HasExited => process.HasExited;

    /// <summary>What the server has printed so far.</summary>
    public string[] Output
    {
        get
        {
            lock (output)
                return [.. output];
        }
    }

    /// <summary>Starts the server in a folder and waits until it is healthy.</summary>
    /// <param name="folder">The working directory; relative database paths end up there.</param>
    /// <param name="settings">Environment variables. Those of the calling process that concern a server are not inherited.</param>
    /// <param name="port">The port to listen on; null for a free one.</param>
    public static Task<ServerProcess> Start(string folder, IReadOnlyDictionary<string, string> settings, int? port = null) =>
        Start(folder, settings, Executable(), ["serve"], "/health", port);

    /// <summary>Starts the sample that has a Beadhub inside, under <c>/beadhub</c>; <c>samples/build.sh</c> makes it.</summary>
    public static Task<ServerProcess> StartSample(string folder, IReadOnlyDictionary<string, string> settings) =>
        Start(folder, settings, Executable("samples/EmbeddedHub", "EmbeddedHub"), [], "/beadhub/health");

    private static async Task<ServerProcess> Start(string folder, IReadOnlyDictionary<string, string> settings, string executable,
        string[] arguments, string health, int? at = null)
    {
        var port = at ?? FreePort();
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(executable);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var name in start.Environment.Keys.Where(name => Foreign.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)))
            .ToArray())
            start.Environment.Remove(name);
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        start.Environment["BEADHUB_HOST"] = settings.GetValueOrDefault("BEADHUB_HOST", "127.0.0.1");
        start.Environment["BEADHUB_PORT"] = port.ToString();
        start.Environment["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}";
        // Under the Orleans engine the nodes of a cluster speak to each other, here on one machine.
        start.Environment.TryAdd("BEADHUB_SILO_ADDRESS", "127.0.0.1");
        start.Environment.TryAdd("BEADHUB_SILO_GATEWAY_PORT", "0");
        if (settings.GetValueOrDefault("BEADHUB_CLUSTER") == "true") start.Environment.TryAdd("BEADHUB_SILO_PORT", FreePort().ToString());

        var server = new ServerProcess(Process.Start(start)!, new Uri($"http://127.0.0.1:{port}"), health);
        try
        {
            await server.Healthy();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops the process at once, as a crash would (SIGKILL).</summary>
    public async Task Kill()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>Stops the process in its tracks, as an overloaded machine would (SIGSTOP).</summary>
    public void Pause() => _ = SendSignal(process.Id, 19);

    /// <summary>Lets a paused process go on (SIGCONT).</summary>
    public void Continue() => _ = SendSignal(process.Id, 18);

    /// <summary>Asks the server to finish (SIGTERM), and insists after a while.</summary>
    public async Task Stop()
    {
        if (process.HasExited)
            return;
        _ = SendSignal(process.Id, 15);
        try
        {
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        }
        catch (TimeoutException)
        {
            await Kill();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        process.Dispose();
    }

    /// <summary>The server as this build made it: the same configuration and engine as the calling program.</summary>
    public static string Executable() => Executable("src/Silo", "beadhub");

    /// <summary>Tests as this build made them, to be run as a program.</summary>
    public static string Tests(string project, string name) => Executable($"tests/{project}", name);

    /// <summary>A program as this build made it: the same configuration and engine as the calling tests.</summary>
    private static string Executable(string project, string name)
    {
        var (root, tests) = (Root(), new DirectoryInfo(AppContext.BaseDirectory));
        var parts = tests.FullName.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar);
        var build = string.Join(Path.DirectorySeparatorChar, parts[Array.LastIndexOf(parts, "bin")..]);
        var executable = Path.Combine(root, project, build, name + ".dll");
        return File.Exists(executable) ? executable : throw new InvalidOperationException($"It is not built: {executable}");
    }

    /// <summary>The folder of the solution.</summary>
    public static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Beadhub.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"No Beadhub.sln above {AppContext.BaseDirectory}");
    }

    private async Task Healthy()
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            if (process.HasExited)
                throw new InvalidOperationException($"The server ended with {process.ExitCode}:\n{string.Join('\n', Output)}");
            try
            {
                if ((await Api.Get(health)).Status == 200)
                    return;
            }
            catch (HttpRequestException) when (watch.Elapsed < StartLimit)
            {
            }
            if (watch.Elapsed >= StartLimit)
                throw new TimeoutException($"The server did not become healthy:\n{string.Join('\n', Output)}");
            await Task.Delay(20);
        }
    }

    private void Keep(string? line)
    {
        if (line is null)
            return;
        lock (output)
            output.Add(line);
    }

    /// <summary>
    /// A port of this machine that nobody listens on, each time another one; from below those that the system gives to outgoing
    /// connections. Two servers on one port would be one: the second would end, and its tests find the first one healthy.
    /// </summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = FirstPort + Interlocked.Increment(ref portsGiven) % Ports;
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody listens there.
            }
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int SendSignal(int pid, int signal);
}
