using System.Diagnostics;
using System.Diagnostics.Metrics;
using Beadhub.Gateway.Metrics;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Beadhub.Silo.Telemetry;

/// <summary>
/// Sends traces and metrics by OTLP to the collector that OpenTelemetry's own environment variables name
/// (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c> and its like). Without one nobody listens, and nothing is spent on either.
/// </summary>
internal sealed class TelemetryExport(Func<string, string?> variable) : IHostedService, IDisposable
{
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(3);
    private static readonly string[] Sources = ["Beadhub.*", "Microsoft.AspNetCore", "Microsoft.Orleans.*", "Npgsql", "System.Net.Http"];
    private static readonly string[] Meters =
        ["Beadhub.*", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.Orleans", "Npgsql",
            "System.Net.Http", "System.Runtime"];

    private TracerProvider? _traces;
    private MeterProvider? _metrics;

    /// <summary>Whether a collector is named for traces.</summary>
    public bool SendsTraces => Names("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER");

    /// <summary>Whether a collector is named for metrics.</summary>
    public bool SendsMetrics => Names("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_METRICS_EXPORTER");

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // The SDK reads the standard variables itself: protocol, headers, sampler, attributes of the resource, intervals.
        if (SendsTraces)
        {
            _traces = Sdk.CreateTracerProviderBuilder()
                .ConfigureResource(Describe)
                .AddSource(Sources)
                .AddProcessor(new DiscreetSpans())
                .AddOtlpExporter()
                .Build();
        }

        if (SendsMetrics)
        {
            _metrics = Sdk.CreateMeterProviderBuilder()
                .ConfigureResource(Describe)
                .AddMeter(Meters)
                .AddView(Discreetly)
                .AddOtlpExporter()
                .Build();
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sends what is still here. A collector that is away delays the end by little: what does not come to its end in time goes
    /// with the process.</summary>
    public void Dispose() => Task.WhenAll(Task.Run(() => _traces?.Dispose()), Task.Run(() => _metrics?.Dispose())).Wait(FlushTimeout);

    private bool Names(string endpoint, string exporter) =>
        !string.Equals(variable("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase)
        && !string.Equals(variable(exporter), "none", StringComparison.OrdinalIgnoreCase)
        && !string.IsNullOrWhiteSpace(variable(endpoint) ?? variable("OTEL_EXPORTER_OTLP_ENDPOINT"));

    private void Describe(ResourceBuilder resource)
    {
        // What the variables say wins.
        var name = variable("OTEL_SERVICE_NAME");
        if (string.IsNullOrWhiteSpace(name) && variable("OTEL_RESOURCE_ATTRIBUTES")?.Contains("service.name=") is not true)
            resource.AddService("beadhub", serviceVersion: VersionCommand.Version);
    }

    // Tags of the libraries below name hosts that projects have chosen: only what /metrics shows too is sent.
    private static MetricStreamConfiguration? Discreetly(Instrument instrument) =>
        instrument.Meter.Name is "Npgsql" or "System.Net.Http" ? new() { TagKeys = [.. MetricLabels.Allowed] } : null;

    /// <summary>Takes from the spans of others what may hold a secret: the path and query of a webhook's address, the query of a
    /// request.</summary>
    private sealed class DiscreetSpans : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity span)
        {
            if (span.GetTagItem("url.full") is string text)
                span.SetTag("url.full", Uri.TryCreate(text, UriKind.Absolute, out var url) ? $"{url.Scheme}://{url.Authority}/" : null);
            if (span.GetTagItem("url.query") is not null) span.SetTag("url.query", null);
            if (span.GetTagItem("url.path") is not null) span.SetTag("url.path", null);
        }
    }
}
