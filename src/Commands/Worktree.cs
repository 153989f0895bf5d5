using System.Diagnostics;

namespace Beadhub.Commands;

/// <summary>The git repository of a folder.</summary>
internal static class Worktree
{
    /// <summary>The folder with <c>.git</c> above a folder; the folder itself where there is none.</summary>
    public static string Root(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
            if (Path.Exists(Path.Combine(at.FullName, ".git"))) return at.FullName;
        return folder;
    }

    public static bool IsRepository(string folder) => Path.Exists(Path.Combine(Root(folder), ".git"));

    /// <summary>The folder's remote; null when there is none.</summary>
    public static async Task<string?> Remote(string folder, CancellationToken cancellation) =>
        await Git(folder, cancellation, "remote", "get-url", "origin") is { Length: > 0 } url ? url.Trim() : null;

    /// <summary>What git says; null when it fails or is not there.</summary>
    public static async Task<string?> Git(string folder, CancellationToken cancellation, params string[] arguments)
    {
        try
        {
            var (code, output, _) = await Tool.Run(folder, "git", arguments, cancellation);
            return code == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <summary>How git and other agents call a file: its path from the root of the repository, with slashes.</summary>
    public static string Key(string root, string path)
    {
        var full = Path.GetFullPath(path);
        return full.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? Path.GetRelativePath(root, full).Replace(Path.DirectorySeparatorChar, '/') : path;
    }
}

/// <summary>Other programs.</summary>
internal static class Tool
{
    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">There is no such program.</exception>
    public static async Task<(int Code, string Output, string Error)> Run(string folder, string program, IEnumerable<string> arguments,
        CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(cancellation), process.StandardError.ReadToEndAsync(cancellation));
        try
        {
            await process.WaitForExitAsync(cancellation);
            return (process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Where a program is, by PATH; null when it is nowhere.</summary>
    public static string? Find(string name)
    {
        string[] endings = OperatingSystem.IsWindows() ? [".exe", ".cmd", ".bat"] : [""];
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
            foreach (var ending in endings)
                if (folder.Length > 0 && Path.Combine(folder, name + ending) is var path && File.Exists(path)) return path;
        return null;
    }
}
