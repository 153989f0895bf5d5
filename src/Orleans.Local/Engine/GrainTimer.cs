using Orleans.Runtime;

namespace Orleans.Local;

/// <summary>Ticks as turns of an activation. The next tick is set when one completes, so ticks never pile up.</summary>
internal sealed class GrainTimer<TState> : IGrainTimer
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly Activation _activation;
    private readonly Func<TState, CancellationToken, Task> _callback;
    private readonly TState _state;
    private readonly GrainTimerCreationOptions _options;
    private readonly ITimer _timer;
    private TimeSpan _period;
    private bool _ticking;
    private bool _changed;
    private bool _due; // again, while ticking
    private bool _disposed;

    public GrainTimer(
        Activation activation, Func<TState, CancellationToken, Task> callback, TState state, GrainTimerCreationOptions options)
    {
        _activation = activation;
        _callback = callback;
        _state = state;
        _options = options;
        _period = options.Period;
        using (Detached.Flow())
        {
            _timer = activation.Class.Cluster.Time.CreateTimer(
                static self => _ = ((GrainTimer<TState>)self!).TickAsync(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
        activation.Own(this);
        Set(options.DueTime);
    }

    public void Change(TimeSpan dueTime, TimeSpan period)
    {
        lock (_gate)
        {
            if (_disposed) return;
            _period = period;
            _changed = true;
            Set(dueTime);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
        }
        _timer.Dispose();
        _stopped.Cancel();
        _activation.Disown(this);
    }

    private async Task TickAsync()
    {
        lock (_gate)
        {
            if (_disposed) return;
            if (_ticking)
            {
                _due = true;
                return;
            }
            _ticking = true;
            _changed = false;
        }
        try
        {
            await _activation.Turn(
                static (_, timer) => timer._disposed ? Task.CompletedTask : timer._callback(timer._state, timer._stopped.Token),
                this,
                _options.Interleave ? CallOptions.Interleave : CallOptions.None,
                quiet: !_options.KeepAlive).ConfigureAwait(false);
        }
        catch (OperationCanceledException ended) when (_disposed || ended is ActivationEndedException)
        {
            // An end that has begun disposes of its timers a moment later.
        }
        catch (Exception exception)
        {
            _activation.LogFailure(exception, "A timer's callback");
        }
        lock (_gate)
        {
            _ticking = false;
            if (_due) Set(TimeSpan.Zero);
            else if (!_changed) Set(_period);
            _due = false;
        }
    }

    private void Set(TimeSpan dueTime)
    {
        if (!_disposed) _timer.Change(dueTime, Timeout.InfiniteTimeSpan);
    }
}
