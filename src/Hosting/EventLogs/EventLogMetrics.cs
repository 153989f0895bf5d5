using System.Diagnostics.Metrics;

namespace Beadhub.Hosting.EventLogs;

/// <summary>What the committer of a log does.</summary>
internal sealed class EventLogMetrics : IDisposable
{
    private readonly Meter _meter = new("Beadhub.EventLog");
    private readonly Histogram<int> _batch;
    private readonly Histogram<double> _duration;
    private long _failures;

    /// <param name="waiting">How many appends wait for the committer.</param>
    public EventLogMetrics(Func<int> waiting)
    {
        _batch = _meter.CreateHistogram("beadhub.log.batch.size", "{append}", "Appends that one transaction carried",
            advice: new InstrumentAdvice<int>
        {
            HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 5000],
        });
        _duration = _meter.CreateHistogram("beadhub.log.commit.duration", "s", "Until a transaction of the log was durable",
            advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
        });
        // Asked for, not told: it is there from the start, and counts what failed before anybody asked.
        _meter.CreateObservableCounter("beadhub.log.failures", () => Interlocked.Read(ref _failures), "{append}",
            "Appends that failed because the store did");
        _meter.CreateObservableUpDownCounter("beadhub.log.waiting", waiting, "{append}", "Appends that wait for the committer");
    }

    /// <summary>A batch is durable.</summary>
    public void Committed(int appends, TimeSpan took)
    {
        _batch.Record(appends);
        _duration.Record(took.TotalSeconds);
    }

    /// <summary>A batch failed.</summary>
    public void Failed(int appends) => Interlocked.Add(ref _failures, appends);

    public void Dispose() => _meter.Dispose();
}
