using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Beadhub.Feed;

namespace Beadhub.Gateway.Streaming;

/// <summary>How many event streams are open on this node, how far they are behind, and how long events take from the log to it.</summary>
internal sealed class StreamMetrics : IDisposable
{
    private static readonly string[] Sorts = ["status", "events", "chat"];

    private readonly ConcurrentDictionary<OpenStream, bool> _open = new();
    private readonly TimeProvider _time;
    private readonly Meter _meter;
    private readonly Histogram<double> _delay;

    public StreamMetrics(IMeterFactory meters, TimeProvider time)
    {
        _time = time;
        _meter = meters.Create("Beadhub.Gateway.Streams");
        _meter.CreateObservableUpDownCounter("beadhub.sse.clients", () => Each(static streams => (long)streams.Count()), "{client}",
            "Event streams that clients have open");
        _meter.CreateObservableGauge(
            "beadhub.sse.lag", () =>
                Each(static streams => streams.Select(static one => one.Lag).DefaultIfEmpty().Max()), "{event}",
                "Events that the slowest open stream has not handled yet");
        _delay = _meter.CreateHistogram("beadhub.feed.lag", "s", "From the decision of an event until this node has it for its followers",
            advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
        });
    }

    /// <summary>A stream begins.</summary>
    public OpenStream Open(string sort, Func<long> newest)
    {
        var stream = new OpenStream(this, sort, newest);
        _open[stream] = true;
        return stream;
    }

    /// <summary>How many streams of each sort are open, and how many events the slowest has not handled yet.</summary>
    public IEnumerable<(string Sort, long Open, long Lag)> Read()
    {
        var open = _open.Keys;
        return Sorts.Select(sort => open.Where(one => one.Sort == sort).ToList() is var ofSort
            ? (sort, (long)ofSort.Count, ofSort.Select(static one => one.Lag).DefaultIfEmpty().Max()) : default).ToArray();
    }

    /// <summary>A stream has ended.</summary>
    public void Close(OpenStream stream) => _open.TryRemove(stream, out _);

    /// <summary>A project's feed has come this far on this node.</summary>
    public void Arrived(FeedBatch batch)
    {
        if (!_delay.Enabled) return;
        // Another node's clock may be ahead of this one's.
        _delay.Record(Math.Max(0, (_time.GetUtcNow() - batch.Events[^1].At).TotalSeconds));
    }

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> Each(Func<IEnumerable<OpenStream>, long> read)
    {
        var open = _open.Keys;
        return Sorts.Select(sort =>
            new Measurement<long>(read(open.Where(one => one.Sort == sort)), new KeyValuePair<string, object?>("stream", sort))).ToArray();
    }
}
