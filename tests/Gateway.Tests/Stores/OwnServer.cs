using Beadhub.Testing;

namespace Beadhub.Gateway.Tests.Stores;

/// <summary>
/// A server with settings of its own, which its test may kill and start again on the same database. Nobody else uses it until the test
/// disposes it; then it goes back to the store for the next test with such settings.
/// </summary>
public sealed class OwnServer(string folder, IReadOnlyDictionary<string, string> settings) : IAsyncDisposable
{
    private ServerProcess? process;

    public Api Api => process!.Api;

    public string DatabaseUrl => settings["BEADHUB_DATABASE_URL"];

    public string[] Output => process?.Output ?? [];

    /// <summary>Its process, as the system counts it.</summary>
    public int Pid => process!.Pid;

    /// <summary>Takes the server when its test is done; null for one that ends with its test.</summary>
    internal Func<OwnServer, ValueTask>? GiveBack { get; init; }

    internal bool IsRunning => process is { HasExited: false };

    public async Task Start() => process = await ServerProcess.Start(folder, settings);

    public Task Kill() => process!.Kill();

    /// <summary>Stops the server as an operator does; it finishes what it has begun.</summary>
    public Task Stop() => process!.Stop();

    /// <summary>Starts the killed server again on the same database.</summary>
    public async Task Restart()
    {
        await process!.DisposeAsync();
        await Start();
    }

    public ValueTask DisposeAsync() => GiveBack is not null && IsRunning ? GiveBack(this) : End();

    /// <summary>Ends the server and removes what it has left.</summary>
    internal async ValueTask End()
    {
        if (process is not null)
            await process.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
