using Beadhub.Chat;
using Beadhub.EventLog;
using Beadhub.Gateway;
using Beadhub.Presence;
using Beadhub.Silo.Engines;
using Beadhub.Silo.EventLogs;
using Beadhub.Silo.Logging;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Console;
using Orleans;

namespace Beadhub.Silo;

/// <summary>A running server: event log, grains and gateway in one process.</summary>
internal sealed class Server : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly DurableEventLog _log;

    private Server(WebApplication app, DurableEventLog log)
    {
        _app = app;
        _log = log;
        Stopped = app.WaitForShutdownAsync();
        // The address to show is one that can be opened: a wildcard is not.
        Address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
            .Replace("0.0.0.0", "localhost").Replace("[::]", "localhost");
    }

    /// <summary>Base URL.</summary>
    public string Address { get; }

    /// <summary>Where data lives, without secrets.</summary>
    public string DataDescription => _log.Description;

    /// <summary>Completes when the server was told to stop and has finished the running requests.</summary>
    public Task Stopped { get; }

    /// <summary>The services, for what runs inside the same process.</summary>
    public IServiceProvider Services => _app.Services;

    /// <summary>Opens the log, starts the grains and listens.</summary>
    public static async Task<Server> Start(Settings settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().SetMinimumLevel(settings.LogLevel).AddFilter("Microsoft", LogLevel.Warning).AddFilter("Npgsql", LogLevel.Warning);
        builder.Logging.AddConsole(console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;
            console.FormatterName = settings.LogJson ?? Console.IsErrorRedirected ? JsonLineFormatter.FormatterName : ConsoleFormatterNames.Simple;
        });
        builder.Logging.AddConsoleFormatter<JsonLineFormatter, ConsoleFormatterOptions>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = GatewaySettings.MaxBodyBytes;
            // Cursors are refused beyond 8 KiB by the gateway, with words; the web server must let them come that far.
            kestrel.Limits.MaxRequestLineSize = 32 * 1024;
        });
        // A connection's data comes on a pool thread already; handing it to another one first only costs.
        builder.WebHost.UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.WebHost.UseUrls($"http://{settings.Host}:{settings.Port}");

        var logging = LoggerFactory.Create(l => l.AddConfiguration(builder.Configuration).AddConsole(c => c.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(settings.LogLevel));
        var publisher = new StreamFeedPublisher(logging.CreateLogger<StreamFeedPublisher>());
        var committed = new CommittedFeed(publisher);
        var log = await EventLogStore.Open(settings.DatabaseUrl, settings.Cluster, committed, logging, TimeProvider.System);
        try
        {
            builder.Services.AddSingleton(TimeProvider.System);
            builder.Services.AddSingleton<IEventLog>(log);
            builder.Services.AddSingleton<ICommittedFeed>(committed);
            builder.Services.AddSingleton(new PresenceOptions(settings.PresenceTtl));
            builder.Services.AddSingleton<IPresenceStore, MemoryPresenceStore>();
            builder.Services.AddSingleton<IChatPresence, MemoryChatPresence>();
            builder.AddGrains();
            builder.Services.AddBeadhubGateway(settings.Gateway);
            builder.Services.AddHealthChecks()
                .AddAsyncCheck("database", async () => await log.Check() is { } problem ? HealthCheckResult.Unhealthy(problem) : HealthCheckResult.Healthy())
                // Streams and presence live in this process: there is no Redis that could fail.
                .AddCheck("redis", () => HealthCheckResult.Healthy());
            var app = builder.Build();
            publisher.Connect(app.Services.GetRequiredService<IClusterClient>());
            app.MapBeadhub();
            await app.StartAsync();
            return new(app, log);
        }
        catch
        {
            await log.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops taking requests, finishes the running ones, and flushes the log.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _log.DisposeAsync();
    }
}
