using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using Beadhub.Hosting.EventLogs;
using Beadhub.Silo.Logging;
using Beadhub.Silo.Telemetry;
using Microsoft.Extensions.Logging.Console;

namespace Beadhub.Silo;

/// <summary>A running server: event log, grains and gateway in one process.</summary>
internal sealed partial class Server : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly DurableEventLog _log;

    private Server(WebApplication app, DurableEventLog log, ImmutableArray<IPEndPoint> listens)
    {
        _app = app;
        _log = log;
        Stopped = app.WaitForShutdownAsync();
        Listens = listens;
        // The address to show is one that can be opened: a wildcard is not.
        Address = ListenAddresses.IsAny(listens[0].Address) ? $"http://localhost:{listens[0].Port}" : $"http://{listens[0]}";
    }

    /// <summary>Base URL, for this machine.</summary>
    public string Address { get; }

    /// <summary>Where it really listens.</summary>
    public ImmutableArray<IPEndPoint> Listens { get; }

    /// <summary>Where data lives, without secrets.</summary>
    public string DataDescription => _log.Description;

    /// <summary>Completes when the server was told to stop and has finished the running requests.</summary>
    public Task Stopped { get; }

    /// <summary>The services, for what runs inside the same process.</summary>
    public IServiceProvider Services => _app.Services;

    /// <summary>Opens the log, starts the grains and listens.</summary>
    /// <exception cref="SettingsException">A setting holds what it may not.</exception>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<Server> Start(Settings settings, ImmutableArray<UnknownVariable> unknown = default)
    {
        var listeners = await Listeners.Reserve(settings.Host, settings.Port);
        try
        {
            return await Start(settings, unknown.IsDefault ? [] : unknown, listeners);
        }
        catch
        {
            listeners.Close();
            throw;
        }
    }

    private static async Task<Server> Start(Settings settings, ImmutableArray<UnknownVariable> unknown, Listeners listeners)
    {
        // Settings are Beadhub's own. An appsettings.json of the folder in which it is started is somebody else's: it could move the server
        // to other addresses, and to watch for it means a system call for each file that anybody, the database too, writes below there.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            ContentRootPath = AppContext.BaseDirectory,
            Args = ["--hostBuilder:reloadConfigOnChange=false"],
        });
        // Only what Beadhub says itself gets as talkative as is asked for: others would tell of addresses, headers and bodies. The host's
        // diagnostics are left out altogether: for their sake each request would be given a trace that nobody reads.
        builder.Logging.ClearProviders().SetMinimumLevel(settings.LogLevel < LogLevel.Warning ? LogLevel.Warning : settings.LogLevel)
            .AddFilter("Beadhub", settings.LogLevel).AddFilter("Orleans", settings.LogLevel)
                .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        builder.Logging.AddConsole(console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;
            console.FormatterName = settings.LogJson ?? Console.IsErrorRedirected
                ? JsonLineFormatter.FormatterName : TextLineFormatter.FormatterName;
        });
        builder.Logging.AddConsoleFormatter<JsonLineFormatter, ConsoleFormatterOptions>();
        builder.Logging.AddConsoleFormatter<TextLineFormatter, ConsoleFormatterOptions>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Cursors are refused beyond 8 KiB by the gateway, with words; the web server must let them come that far.
            kestrel.Limits.MaxRequestLineSize = 32 * 1024;
            if (settings.RequestTimeout is { } timeout)
            {
                kestrel.Limits.RequestHeadersTimeout = timeout;
                kestrel.Limits.MinRequestBodyDataRate = new(bytesPerSecond: 240, gracePeriod: timeout);
            }

            var connections = ActivatorUtilities.CreateInstance<ConnectionLimit>(kestrel.ApplicationServices,
                settings.ConnectionsPerAddress, settings.Gateway.TrustedProxies);
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => connection => connections.Run(connection, next)));
        });
        // A connection's data comes on a pool thread already; handing it to another one first only costs.
        builder.Services.AddSingleton(listeners);
        builder.WebHost.UseSockets(sockets =>
            (sockets.UnsafePreferInlineScheduling, sockets.CreateBoundListenSocket) = (true, listeners.Bind));
        builder.WebHost.UseUrls([.. listeners.Reserved.Select(static endpoint => $"http://{endpoint}")]);

        var telemetry = new TelemetryExport(Environment.GetEnvironmentVariable);
        builder.AddBeadhub(settings with { TracesCalls = telemetry.SendsTraces });
        builder.Services.AddHostedService(_ => telemetry);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton<IHostLifetime, DrainingLifetime>();
        var app = builder.Build();
        try
        {
            var log = app.Services.GetRequiredService<DurableEventLog>();
            app.Services.GetRequiredService<Identities.Seal>();
            var logger = app.Services.GetRequiredService<ILogger<Server>>();
            foreach (var variable in unknown) LogUnknown(logger, variable);
            _ = UnreadableRequests.Watch(app.Services.GetRequiredService<DiagnosticListener>());
            app.MapBeadhub();
            await app.StartAsync();
            return new(app, log, listeners.Reserved);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops taking requests, finishes the running ones, and flushes the log.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Variable}: it has no effect")]
    private static partial void LogUnknown(ILogger logger, UnknownVariable variable);
}
