using Beadhub.Testing;

namespace Beadhub.Gateway.Tests.Stores;

/// <summary>A server with its folder and settings, which can be killed and started again on the same database.</summary>
public sealed class OwnServer(string folder, IReadOnlyDictionary<string, string> settings) : IAsyncDisposable
{
    private ServerProcess? process;

    public Api Api => process!.Api;

    public string DatabaseUrl => settings["BEADHUB_DATABASE_URL"];

    public string[] Output => process?.Output ?? [];

    public async Task Start() => process = await ServerProcess.Start(folder, settings);

    public Task Kill() => process!.Kill();

    /// <summary>Starts the killed server again on the same database.</summary>
    public async Task Restart()
    {
        await process!.DisposeAsync();
        await Start();
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
            await process.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
