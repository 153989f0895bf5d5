using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Operations;

/// <summary>How the server begins: where it listens, what it says, and what it ends with when it cannot.</summary>
public sealed class StartTests : IDisposable
{
    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("beadhub-start-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("--port must be a whole number from 1 to 65535, not '99999'", "--port", "99999")]
    [InlineData("--port must be a whole number from 1 to 65535, not 'abc'", "--port", "abc")]
    [InlineData("BEADHUB_HOST or --host must be an address of this machine or a name that leads to one, not 'localhots.invalid'",
        "--host", "localhots.invalid")]
    [InlineData("BEADHUB_HOST or --host must be an address of this machine, which '192.0.2.1' is not", "--host", "192.0.2.1")]
    [InlineData("The database URL is of no known form. Write sqlite:PATH, postgres://user:password@host:port/database, or an Npgsql "
        + "connection string (Host=…;Database=…).", "--database", "mysql://x")]
    public async Task What_is_set_wrongly_is_said_in_a_sentence(string says, params string[] arguments)
    {
        var run = await CommandRun.Of(_folder.FullName, [("BEADHUB_PORT", $"{ServerProcess.FreePort()}")], arguments);

        run.Error.Trim().ShouldBe($"beadhub: {says}");
        run.Output.ShouldBeEmpty();
        run.ExitCode.ShouldBe(2);
        System.IO.Directory.GetFileSystemEntries(_folder.FullName).ShouldBeEmpty("nothing was begun");
    }

    [Theory]
    [InlineData("BEADHUB_CLUSTER", "true",
        "SQLite serves one node: for a cluster (BEADHUB_CLUSTER=true) set BEADHUB_DATABASE_URL to postgres://…")]
    [InlineData("BEADHUB_PORT", "0", "BEADHUB_PORT must be a whole number from 1 to 65535, not '0'")]
    [InlineData("BEADHUB_LOG_LEVEL", "loud", "BEADHUB_LOG_LEVEL must be trace, debug, info, warning, error or critical, not 'loud'")]
    public async Task A_variable_that_holds_what_it_may_not_is_named(string variable, string value, string says)
    {
        var run = await CommandRun.Of(_folder.FullName, [(variable, value)]);

        (run.ExitCode, run.Error.Trim()).ShouldBe((2, $"beadhub: {says}"));
    }

    [Fact]
    public async Task A_port_in_use_is_said_before_anything_is_begun()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();

        var run = await CommandRun.Of(_folder.FullName, [], "--port", $"{((IPEndPoint)other.LocalEndpoint).Port}");

        run.ExitCode.ShouldBe(1);
        run.Error.Trim().ShouldBe(
            $"beadhub: {other.LocalEndpoint} is in use already: stop what listens there, or choose another port with --port or "
            + "BEADHUB_PORT");
        System.IO.Directory.GetFileSystemEntries(_folder.FullName).ShouldBeEmpty("nothing was begun");
    }

    [Fact]
    public async Task It_listens_on_the_loopback_unless_told_and_the_banner_says_where()
    {
        var port = ServerProcess.FreePort();
        await using var server = await Begun.Server(_folder.FullName, [("BEADHUB_LOGLEVEL", "debug"), ("BEADHUB_UNLIKE_ANY", "x")],
            "--port", $"{port}");

        server.Banner[0].ShouldEndWith($" listens on http://127.0.0.1:{port}");
        Listening(port).ShouldBe([IPAddress.Loopback]);
        var said = await server.Stop();
        said.ShouldContain("BEADHUB_LOGLEVEL is no setting; BEADHUB_LOG_LEVEL is: it has no effect");
        said.ShouldContain("BEADHUB_UNLIKE_ANY is no setting: it has no effect");
    }

    [Fact]
    public async Task It_listens_on_all_addresses_when_told_and_the_banner_says_so()
    {
        var port = ServerProcess.FreePort();
        await using var server = await Begun.Server(_folder.FullName, [("BEADHUB_HOST", "0.0.0.0")], "--port", $"{port}");

        server.Banner[0].ShouldEndWith($" listens on http://0.0.0.0:{port}, all addresses of this machine");
        Listening(port).ShouldBe([IPAddress.Any]);
    }

    [Fact]
    public async Task Localhost_is_the_loopback_of_both_kinds()
    {
        var port = ServerProcess.FreePort();
        await using var server = await Begun.Server(_folder.FullName, [("BEADHUB_HOST", "localhost")], "--port", $"{port}");

        server.Banner[0].ShouldContain($" listens on http://127.0.0.1:{port}");
        Listening(port).ShouldAllBe(address => IPAddress.IsLoopback(address));
        Listening(port).ShouldContain(IPAddress.Loopback);
    }

    /// <summary>What the banner says to do next is pasted into a shell, line by line as it stands there.</summary>
    [Fact]
    public async Task What_the_banner_says_to_do_next_leads_to_a_claimed_bead()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("It is for a POSIX shell.");
        await using var server = await Begun.Server(_folder.FullName, [], "--port", $"{ServerProcess.FreePort()}");
        var next = server.Banner.SkipWhile(line => !line.StartsWith("  next ", StringComparison.Ordinal)).Skip(1)
            .TakeWhile(line => line != "Stop with Ctrl+C.");

        var printed = await Deploy.Script.Run("sh", "-c", string.Join('\n', next));

        var claimed = JsonDocument.Parse(printed[printed.LastIndexOf("{\"claimed\"", StringComparison.Ordinal)..]).RootElement;
        claimed.At("claim").Text("bead_id").ShouldBe("bd-1");
        claimed.At("claim").Text("alias").ShouldBe("alice");

        // Stopped in good order, the file holds all of it by itself.
        await server.Stop();
        var copy = System.IO.Directory.CreateDirectory(Path.Combine(_folder.FullName, "copy", ".beadhub"));
        File.Copy(Path.Combine(_folder.FullName, ".beadhub", "beadhub.db"), Path.Combine(copy.FullName, "beadhub.db"));
        var feed = await CommandRun.Of(copy.Parent!.FullName, [], "log", "--project", "demo");
        feed.Lines.ShouldContain(line => line.Contains("\"bead.claimed.v"));
    }

    private static IPAddress[] Listening(int port) =>
        [.. System.Net.NetworkInformation.IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners()
            .Where(endpoint => endpoint.Port == port).Select(endpoint => endpoint.Address)];

    /// <summary>A server that was begun as people begin it, and has said that it listens.</summary>
    private sealed class Begun : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly Task<string> _errors;

        private Begun(Process process, List<string> banner, Task<string> errors) =>
            (_process, Banner, _errors) = (process, banner, errors);

        public List<string> Banner { get; }

        public static async Task<Begun> Server(string folder, (string, string)[] settings, params string[] arguments)
        {
            var process = CommandRun.Start(folder, settings, arguments);
            var errors = process.StandardError.ReadToEndAsync(Cancellation);
            var banner = new List<string>();
            while (await process.StandardOutput.ReadLineAsync(Cancellation) is { } line)
            {
                banner.Add(line);
                if (line == "Stop with Ctrl+C.") return new(process, banner, errors);
            }

            throw new InvalidOperationException(await errors);
        }

        /// <summary>Stops it as an operator does, and answers what it has said on standard error.</summary>
        public async Task<string> Stop()
        {
            await Deploy.Script.Run("kill", $"{_process.Id}");
            await _process.WaitForExitAsync(Cancellation);
            _process.ExitCode.ShouldBe(0);
            return await _errors;
        }

        public ValueTask DisposeAsync()
        {
            if (!_process.HasExited) _process.Kill();
            _process.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
