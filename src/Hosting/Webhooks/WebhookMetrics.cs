using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Beadhub.Hosting.Webhooks;

/// <summary>What is delivered to webhooks, and how far they are behind.</summary>
internal sealed class WebhookMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Histogram<double> _duration;

    public WebhookMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("Beadhub.Webhooks");
        _duration = _meter.CreateHistogram("beadhub.webhooks.delivery.duration", "s", "What a delivery took, by its outcome",
            advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
        });
    }

    /// <summary>Shows how many endpoints are served, and the lag of the one that is behind most.</summary>
    /// <param name="lags">Of each endpoint that this node serves: events that it has not been given yet, and for how long the oldest try
    /// waits.</param>
    public void Watch(Func<IEnumerable<(long Events, TimeSpan Waiting)>> lags)
    {
        _meter.CreateObservableUpDownCounter("beadhub.webhooks.endpoints", () => (long)lags().Count(), "{endpoint}",
            "Endpoints that this node serves");
        _meter.CreateObservableGauge(
            "beadhub.webhooks.lag", () =>
                lags().Select(static one => one.Events).DefaultIfEmpty().Max(), "{event}",
                "Events that the endpoint which is behind most has not been given yet");
        _meter.CreateObservableGauge(
            "beadhub.webhooks.wait", () =>
                lags().Select(static one => one.Waiting.TotalSeconds).DefaultIfEmpty().Max(), "s",
                "For how long the oldest delivery has been tried in vain");
    }

    /// <summary>A delivery was tried.</summary>
    public void Tried(long begun, bool isTaken)
    {
        if (_duration.Enabled)
            _duration.Record(Stopwatch.GetElapsedTime(begun).TotalSeconds,
                new KeyValuePair<string, object?>("outcome", isTaken ? "taken" : "failed"));
    }

    public void Dispose() => _meter.Dispose();
}
