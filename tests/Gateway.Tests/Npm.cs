using System.ComponentModel;
using System.Diagnostics;

namespace Beadhub.Gateway.Tests;

/// <summary>Programs from npm, in a folder that has a package.json and its lock. Without npm packages a test is skipped.</summary>
internal static class Npm
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>The versions that package-lock.json names, from wherever this machine's npm gets them.</summary>
    public static async Task Install(string folder)
    {
        (int Code, string Output, string Errors) installed;
        try
        {
            installed = await Start(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline",
                "--fetch-retries=0");
        }
        catch (Win32Exception)
        {
            installed = (1, "", "npm is not installed");
        }

        installed.Errors.ShouldNotContain("EUSAGE", Case.Sensitive, "package.json and package-lock.json do not fit");
        if (installed.Code != 0)
            Assert.Skip("npm packages cannot be had here: " + installed.Errors.Split('\n').Last(line => line.Length > 0));
    }

    public static async Task<string> Run(string folder, string program, params string[] arguments)
    {
        var (code, output, errors) = await Start(folder, program, arguments);
        code.ShouldBe(0, output + errors);
        return output;
    }

    public static async Task<(int Code, string Output, string Errors)> Start(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program.Contains('/') ? Path.Combine(folder, program) : program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
            patience.CancelAfter(TimeSpan.FromMinutes(2));
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(patience.Token),
                process.StandardError.ReadToEndAsync(patience.Token));
            await process.WaitForExitAsync(patience.Token);
            return (process.ExitCode, await output, await errors);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}
