using System.Diagnostics;
using Beadhub.BdDouble;
using Beadhub.CommandTests;
using Beadhub.Testing;

[assembly: AssemblyFixture(typeof(OneServer))]

namespace Beadhub.CommandTests;

/// <summary>The server that all tests share, each in projects of its own.</summary>
public sealed class OneServer : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("beadhub-commands-");
    private ServerProcess? _server;

    public string Url => _server!.Api.Address.ToString().TrimEnd('/');

    public Api Api => _server!.Api;

    public async ValueTask InitializeAsync() => _server = await ServerProcess.Start(_folder.FullName, new Dictionary<string, string>
    {
        ["BEADHUB_DATABASE_URL"] = $"sqlite:{_folder.FullName}/data.db",
        ["BEADHUB_INIT_RATE_LIMIT"] = "10000",
    });

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}

/// <summary>A user with a home, and folders in which programs are run as that user does, from PATH.</summary>
public sealed class User : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("beadhub-user-");
    private readonly string _url;

    public User(string url)
    {
        _url = url;
        Directory.CreateDirectory(Path.Combine(_root.FullName, "bin"));
        Program("beadhub", ServerProcess.Executable());
        Program("bd", typeof(BdDatabase).Assembly.Location);
    }

    public string Home => _root.FullName;

    /// <summary>Makes a folder, a git repository unless said otherwise.</summary>
    public async Task<Folder> Folder(string name, BdVersion bd = BdVersion.Dolt13, bool git = true)
    {
        var folder = new Folder(this, Directory.CreateDirectory(Path.Combine(_root.FullName, name)).FullName, bd);
        if (git)
        {
            await folder.Run("git", "init", "-q");
            await folder.Run("git", "config", "user.email", "t@example.org");
            await folder.Run("git", "config", "user.name", "t");
        }

        return folder;
    }

    /// <summary>Runs a program of PATH.</summary>
    public async Task<CommandRun> Run(string folder, string program, string[] arguments, params (string Name, string Value)[] settings)
    {
        var start = new ProcessStartInfo(File.Exists(InBin(program)) ? InBin(program) : program, arguments)
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(static name => name.StartsWith("BEADHUB_", StringComparison.Ordinal)
            || name.StartsWith("GIT_", StringComparison.Ordinal) || name is "COLUMNS" or "AW_CONFIG_PATH" or "BEADS_DIR").ToArray())
            start.Environment.Remove(name);
        (string Name, string Value)[] usual =
        [
            ("HOME", Home), ("PATH", $"{Path.Combine(Home, "bin")}{Path.PathSeparator}{Environment.GetEnvironmentVariable("PATH")}"),
            ("BEADHUB_URL", _url), ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"),
        ];
        foreach (var (name, value) in usual.Concat(settings)) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(1));
        return new(process.ExitCode, await output, await error);
    }

    public void Dispose() => _root.Delete(recursive: true);

    private string InBin(string program) => Path.Combine(Home, "bin", program);

    private void Program(string name, string assembly)
    {
        File.WriteAllText(InBin(name), $"#!/bin/sh\nexec dotnet '{assembly}' \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(InBin(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}

/// <summary>A folder of a user.</summary>
public sealed class Folder(User user, string path, BdVersion bd)
{
    public string Path => path;

    public string this[string file]
    {
        get => File.ReadAllText(System.IO.Path.Combine(path, file));
        set
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.Combine(path, file))!);
            File.WriteAllText(System.IO.Path.Combine(path, file), value);
        }
    }

    public bool Has(string file) => File.Exists(System.IO.Path.Combine(path, file));

    /// <summary>Runs a program, which must succeed; answers what it prints.</summary>
    public async Task<string> Run(string program, params string[] arguments)
    {
        var run = await Try(program, arguments);
        run.ExitCode.ShouldBe(0, $"{program} {string.Join(' ', arguments)}: {run.Output}{run.Error}");
        return run.Output;
    }

    /// <summary>Runs a program, which may fail.</summary>
    public Task<CommandRun> Try(string program, params string[] arguments) =>
        user.Run(path, program, arguments, ("BD_DOUBLE", bd.ToString()));

    public Task<string> Hub(params string[] arguments) => Run("beadhub", arguments);
}
