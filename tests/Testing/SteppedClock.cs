using System.Diagnostics;

namespace Beadhub.Testing;

/// <summary>
/// The wall clock of programs that are started with its environment, which can be stepped while they run: by <c>clock.c</c>, which the C
/// compiler makes a library of. Monotonic time goes on as it does.
/// </summary>
/// <remarks>libfaketime does the same and more; a server under it stands still after a while, in the waits that it replaces.</remarks>
public sealed class SteppedClock : IDisposable
{
    private static readonly string? Compiler = Program.Find("cc");

    private readonly string _folder = Directory.CreateTempSubdirectory("beadhub-clock-").FullName;

    private SteppedClock() { }

    /// <summary>Why no clock can be stepped on this machine; null when one can.</summary>
    public static string? Missing => Compiler is null || !OperatingSystem.IsLinux() ? "there is no C compiler" : null;

    /// <summary>What a program is started with.</summary>
    public Dictionary<string, string> Environment => new() { ["LD_PRELOAD"] = Library, ["TEST_CLOCK_OFFSET"] = Setting };

    private string Library => Path.Combine(_folder, "clock.so");

    private string Setting => Path.Combine(_folder, "offset");

    /// <summary>Makes a clock that shows the right time.</summary>
    public static async Task<SteppedClock> Make()
    {
        var clock = new SteppedClock();
        // PostgreSQL runs as another user.
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(clock._folder, (UnixFileMode)Convert.ToInt32("755", 8));
        clock.Step(TimeSpan.Zero);
        using var compiler = Process.Start(Compiler!, ["-shared", "-fPIC", "-O1", "-o", clock.Library,
            Path.Combine(ServerProcess.Root(), "tests/Testing/clock.c")]);
        await compiler.WaitForExitAsync();
        return compiler.ExitCode == 0 ? clock : throw new InvalidOperationException("clock.c could not be compiled.");
    }

    /// <summary>Lets it be off by so many whole seconds, at once.</summary>
    public void Step(TimeSpan offset)
    {
        // In its place: programs have the file mapped.
        using var file = new FileStream(Setting, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        file.Write(BitConverter.GetBytes((long)offset.TotalSeconds));
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
