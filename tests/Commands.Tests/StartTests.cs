using System.Diagnostics;
using System.Globalization;
using Beadhub.BdDouble;
using Beadhub.Testing;

namespace Beadhub.CommandTests;

/// <summary>Client commands start nothing of the server, and so at once.</summary>
public sealed class StartTests(OneServer server) : IDisposable
{
    private const int Runs = 7;

    // Compiled as it runs here; the published program is compiled before and faster.
    private const double MostTimesAsMuch = 4;

    private readonly User _user = new(server.Url);

    public void Dispose() => _user.Dispose();

    [Fact]
    public async Task A_client_command_loads_nothing_of_the_server()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "what a process has loaded is read from /proc");
        var alice = await _user.Folder("alice");
        await alice.Hub("init", "--project", "p-" + Guid.NewGuid().ToString("n")[..12]);
        using var watching = CommandRun.Start(alice.Path, [("HOME", _user.Home), ("BEADHUB_URL", server.Url)], "watch");
        // It has asked and been answered when it prints: what it needs is loaded.
        await alice.Hub("lock", "acquire", "a");
        var line = watching.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask();
        while (!line.IsCompleted)
        {
            await alice.Hub("lock", "release", "a");
            await alice.Hub("lock", "acquire", "a");
        }

        var loaded = (await File.ReadAllLinesAsync($"/proc/{watching.Id}/maps", TestContext.Current.CancellationToken))
            .Select(static mapped => Path.GetFileName(mapped)).Where(static name => name.EndsWith(".dll", StringComparison.Ordinal))
            .Distinct().ToArray();
        watching.Kill();

        loaded.ShouldContain("Beadhub.Commands.dll");
        loaded.ShouldNotContain(static name => name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
            || name.StartsWith("Microsoft.Extensions", StringComparison.Ordinal)
            || name.StartsWith("ModelContextProtocol", StringComparison.Ordinal)
            || name == "Beadhub.Gateway.dll" || name == "Beadhub.Hosting.dll" || name == "Beadhub.Grains.dll"
            || name.StartsWith("Orleans", StringComparison.Ordinal) || name.StartsWith("OpenTelemetry", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_command_takes_not_much_more_work_than_an_empty_program()
    {
        var folder = await _user.Folder("alice");
        var (command, empty) = (new List<double>(), new List<double>());
        for (var i = 0; i < Runs; i++)
        {
            empty.Add(await Work(typeof(BdDatabase).Assembly.Location));
            command.Add(await Work(ServerProcess.Executable(), "whoami"));
        }

        // The best of some runs is the work; the others are what else goes on.
        TestContext.Current.TestOutputHelper!.WriteLine($"empty {empty.Min():0} ms, beadhub {command.Min():0} ms");
        (command.Min() / empty.Min()).ShouldBeLessThan(MostTimesAsMuch);

        // Time of the processor: how long it takes by the clock says what else the machine does.
        async Task<double> Work(params string[] words)
        {
            var start = new ProcessStartInfo("bash", ["-c", "TIMEFORMAT='%U %S'; time \"$@\" > said 2>&1", "bash", "dotnet", .. words])
                { WorkingDirectory = folder.Path, RedirectStandardError = true };
            start.Environment["HOME"] = _user.Home;
            using var process = Process.Start(start)!;
            var times = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            // Both say what is wrong.
            (await File.ReadAllTextAsync(Path.Combine(folder.Path, "said"), TestContext.Current.CancellationToken)).ShouldNotBeEmpty();
            return times.Split(' ', StringSplitOptions.TrimEntries)
                .Sum(static part => double.Parse(part, CultureInfo.InvariantCulture)) * 1e3;
        }
    }
}
