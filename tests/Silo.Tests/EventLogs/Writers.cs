using System.Collections.Concurrent;
using Beadhub.EventLog;
using Beadhub.Hosting.EventLogs;

namespace Beadhub.Silo.Tests.EventLogs;

/// <summary>Writers that go on through failures as a grain does: after an unknown outcome they read their stream again.</summary>
internal sealed class Writers : IAsyncDisposable
{
    private const string Project = "5b1c0fd2-6b0a-4c38-8a5c-0d5f0e6f8a11";
    private readonly DurableEventLog _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly int[] _successes;
    private readonly Task _running;
    private int _failures;

    public Writers(DurableEventLog log, int count)
    {
        _log = log;
        _successes = new int[count];
        _running = Task.WhenAll(Enumerable.Range(0, count).Select(writer => Task.Run(() => Write(writer))));
    }

    public ConcurrentQueue<(string Key, long Version, long Position)> Acknowledged { get; } = new();

    /// <summary>Completes when every writer has twice more got something written: the second of them was begun after the call.</summary>
    public async Task EachSucceeds(CancellationToken cancellation)
    {
        var before = _successes.ToArray();
        while (_successes.Where((count, writer) => Volatile.Read(ref _successes[writer]) < before[writer] + 2).Any())
            await Wait(cancellation);
    }

    public async Task OneFails(CancellationToken cancellation)
    {
        while (Volatile.Read(ref _failures) == 0) await Wait(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    private async Task Wait(CancellationToken cancellation)
    {
        if (_running.IsFaulted) await _running;
        await Task.Delay(2, cancellation);
    }

    private async Task Write(int writer)
    {
        var key = $"{writer}";
        var version = 0L;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var result = await _log.Append(new StreamAppend(
                    Project, new StreamKey("bead", key), version, [new NewEvent("test.v1", $"{version + 1}", DateTimeOffset.UtcNow)],
                    null));
                if (!result.Written) throw new InvalidOperationException("Nobody else writes to this stream.");
                Acknowledged.Enqueue((key, ++version, result.FirstPosition));
                _successes[writer]++;
            }
            catch (EventLogUnavailableException)
            {
                Interlocked.Increment(ref _failures);
                version = await ReadAgain(key, version);
            }
        }
    }

    private async Task<long> ReadAgain(string key, long version)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                return await _log.Version(Project, new StreamKey("bead", key));
            }
            catch (EventLogUnavailableException)
            {
                await Task.Delay(2);
            }
        }
        return version;
    }
}
