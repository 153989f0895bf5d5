using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;

namespace Beadhub.Gateway.Metrics;

/// <summary>
/// Listens to Beadhub's meters and to those of what it stands on, and writes what they say in Prometheus' text format, version 0.0.4. It
/// begins to listen when it is first read: a server that nobody watches measures nothing, and a request that takes microseconds would feel
/// it.
/// </summary>
internal sealed class MetricReadings : IDisposable
{
    private static readonly string[] Meters =
        ["Beadhub.", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.Orleans", "Npgsql",
            "System.Net.Http", "System.Runtime"];

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);
    private readonly Lock _reading = new();
    private bool _listens;

    public MetricReadings()
    {
        _listener.InstrumentPublished = Publish;
        _listener.SetMeasurementEventCallback<byte>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<short>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<float>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<decimal>(static (_, value, tags, family) =>
            ((MetricFamily)family!).Record((double)value, tags));
    }

    /// <summary>Everything as it is now.</summary>
    public string Read()
    {
        // One reader at a time: what is observed is gathered anew for each.
        lock (_reading)
        {
            if (!_listens) _listener.Start();
            _listens = true;
            foreach (var family in _families.Values)
                if (family.IsObserved) family.Clear();
            try
            {
                _listener.RecordObservableInstruments();
            }
            catch (AggregateException)
            {
                // One instrument that cannot answer is missing; the others have been read.
            }

            var text = new StringBuilder(32 * 1024);
            foreach (var family in _families.Values.OrderBy(static family => family.Name, StringComparer.Ordinal)) family.Write(text);
            return text.ToString();
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Publish(Instrument instrument, MeterListener listener)
    {
        if (!Array.Exists(Meters, meter => instrument.Meter.Name.StartsWith(meter, StringComparison.Ordinal))
            || MetricFamily.Of(instrument) is not { } made) return;
        var family = _families.GetOrAdd(made.Name, made);
        // A family has one type; another instrument that would bear its name is not shown.
        if (family.Type == made.Type && family.IsObserved == made.IsObserved) listener.EnableMeasurementEvents(instrument, family);
    }
}
