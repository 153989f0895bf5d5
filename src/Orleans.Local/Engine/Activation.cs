using System.Runtime.CompilerServices;
using Orleans.Runtime;

namespace Orleans.Local;

/// <summary>
/// One grain in memory: its instance, and the scheduler on which everything of it runs, one piece of work at a time.
/// <para>
/// Two queues, as in Orleans. Requests wait until they may begin (one at a time unless they interleave). What has begun, the first
/// part of a request and every continuation after an await, is work: whoever finds the activation free does it (a caller its own
/// request, right on its thread) and hands what has gathered meanwhile to the thread pool.
/// </para>
/// </summary>
internal sealed class Activation(GrainClass grainClass, string key) : TaskScheduler, IThreadPoolWorkItem, IGrainContext
{
    /// <summary>Pieces of work done before other activations get the pool thread.</summary>
    private const int WorkAtOnce = 64;

    private enum Stage { Created, Activating, Active, Deactivating, Dead }

    private readonly Lock _gate = new();
    private readonly Queue<Task> _work = new();
    private readonly Queue<Request> _waiting = new();
    private Queue<Request>? _held; // interleaving requests that came while the activation was not active
    private List<IDisposable>? _owned; // timers and subscriptions, which end with the activation
    private Task? _inline;
    private Stage _stage;
    private bool _busy; // a thread does, or will do, the work
    private bool _exclusive;
    private int _reads;
    private int _interleaved;
    private DeactivationReason? _ending;
    private bool _drain; // ends only after what waits has been served
    private Exception? _failure;
    private TaskCompletionSource? _deactivated;
    private Grain? _instance;
    private volatile Grain? _active;
    private long _used;

    /// <summary>The activation whose work the current thread does.</summary>
    public static new Activation? Current => TaskScheduler.Current as Activation;

    public GrainClass Class => grainClass;

    public string Key => key;

    public Grain Instance => _instance!;

    /// <summary>Requests completed.</summary>
    public long Turns { get; private set; }

    /// <summary>Requests that wait to begin.</summary>
    public int QueueLength => _waiting.Count + (_held?.Count ?? 0);

    /// <summary>Whether work has gathered behind the piece that is being done.</summary>
    public bool HasWork => _work.Count > 0;

    public object? GrainInstance => _instance;

    public IServiceProvider ActivationServices => grainClass.Cluster.ServiceProvider;

    public Task Deactivated
    {
        get
        {
            lock (_gate)
            {
                if (_stage == Stage.Dead) return Task.CompletedTask;
                return (_deactivated ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
        }
    }

    public override int MaximumConcurrencyLevel => 1;

    private bool Running => _exclusive || _reads + _interleaved > 0;

    public static Activation Of(IGrainBase grain) => grain.GrainContext as Activation
        ?? throw new InvalidOperationException($"{grain.GetType()} was not made by the engine: it has no activation.");

    /// <summary>The instance when it takes calls. Several threads may write the same time at once, but rarely.</summary>
    public Grain? UseActiveInstance()
    {
        var instance = _active;
        if (instance is not null) Touch();
        return instance;
    }

    /// <summary>Takes a request; false when this activation has ended and the request belongs to a new one.</summary>
    /// <param name="request">The request.</param>
    /// <param name="inline">Whether its first part may run here and now.</param>
    public bool Submit(Request request, bool inline)
    {
        // Grains that call grains nest on the caller's stack; near its end they go on elsewhere. And where the caller's thread has
        // a synchronization context, awaits in the grain would continue there instead of on this scheduler.
        inline = inline && SynchronizationContext.Current is null && RuntimeHelpers.TryEnsureSufficientExecutionStack();
        var activate = false;
        lock (_gate)
        {
            if (_stage == Stage.Dead || (request.Bound && _stage == Stage.Deactivating)) return false;
            if (!request.Quiet) Touch();
            if (_stage == Stage.Created)
            {
                _stage = Stage.Activating;
                if (!inline)
                {
                    Wait(request);
                    NewActivationWork().Start(this);
                    return true;
                }
                _busy = activate = true;
                _interleaved++; // the request is not admitted yet, but must not find the activation gone
            }
            else if (!Admit(request))
            {
                Wait(request);
                return true;
            }
            else if (!inline || _busy)
            {
                request.Defer();
                request.Work.Start(this);
                return true;
            }
            else
            {
                _busy = true;
            }
        }
        if (!activate || ActivateFor(request)) DoInline(request.Work);
        Release();
        return true;
    }

    /// <summary>Runs a turn of this activation for a timer or a subscription; cancelled when the activation has ended.</summary>
    public Task Turn<TState>(Func<Grain, TState, Task> turn, TState state, CallOptions options = CallOptions.None, bool quiet = false)
    {
        var request = new VoidRequest<Grain, TState>(turn, state, options) { Bound = true, Quiet = quiet };
        if (!Submit(request, inline: true)) request.Fail(Ended());
        return request.Outcome;
    }

    /// <summary>A request has completed: others may begin, or the activation may end.</summary>
    public void Finish(Request request)
    {
        lock (_gate)
        {
            if (Interleaves(request)) _interleaved--;
            else if (request.Reads) _reads--;
            else _exclusive = false;
            Turns++;
            if (!request.Quiet) Touch();
            Advance();
        }
    }

    public void Deactivate(DeactivationReason deactivationReason, CancellationToken cancellationToken = default) =>
        End(deactivationReason, drain: false);

    /// <summary>Ends the activation once nothing runs and, when draining, nothing waits.</summary>
    public void End(DeactivationReason reason, bool drain)
    {
        lock (_gate)
        {
            if (_ending is not null || _stage is Stage.Deactivating or Stage.Dead) return;
            _ending = reason;
            // A grain that gives up while activating still serves those who woke it; otherwise they would wake it for ever.
            _drain = drain || _stage == Stage.Activating;
            Advance();
        }
    }

    /// <summary>Ends the activation when it has not been used for the given number of ticks.</summary>
    public void EndIfIdle(long now, long age)
    {
        lock (_gate)
        {
            if (_stage != Stage.Active || Running || _busy || now - _used < age) return;
            _ending = new DeactivationReason(DeactivationReasonCode.ActivationIdle, "Nobody called for the collection age.");
            grainClass.Cluster.EndsIdle();
            Advance();
        }
    }

    /// <summary>The process will not wait any longer: what waits fails.</summary>
    public void Abandon()
    {
        var left = Leave();
        foreach (var request in left) request.Fail(Unavailable());
    }

    /// <summary>Ties something to the life of the activation.</summary>
    public void Own(IDisposable thing)
    {
        lock (_gate)
        {
            if (_stage < Stage.Deactivating)
            {
                (_owned ??= []).Add(thing);
                return;
            }
        }
        thing.Dispose();
    }

    public void Disown(IDisposable thing)
    {
        lock (_gate) _owned?.Remove(thing);
    }

    public void LogFailure(Exception exception, string what) => grainClass.Cluster.LogFailure(exception, what, grainClass.Name, key);

    public override string ToString() => $"{grainClass.Name}/{key}";

    void IThreadPoolWorkItem.Execute()
    {
        for (var done = 0; done < WorkAtOnce; done++)
        {
            Task? task;
            lock (_gate)
            {
                if (!_work.TryDequeue(out task))
                {
                    _busy = false;
                    return;
                }
            }
            TryExecuteTask(task);
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    protected override void QueueTask(Task task)
    {
        if (ReferenceEquals(task, _inline)) return;
        lock (_gate)
        {
            _work.Enqueue(task);
            if (_busy) return;
            _busy = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
    }

    // A continuation may run within the work that completed what it waits for, when that is this activation's own.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        !taskWasPreviouslyQueued && ReferenceEquals(TaskScheduler.Current, this) && TryExecuteTask(task);

    protected override IEnumerable<Task>? GetScheduledTasks() => null;

    /// <summary>Does a piece of work on this thread, which has made the activation busy. (RunSynchronously could block instead.)</summary>
    private void DoInline(Task task)
    {
        _inline = task;
        task.Start(this);
        _inline = null;
        TryExecuteTask(task);
    }

    /// <summary>Ends a caller's own piece of work; the pool does what others have queued meanwhile.</summary>
    private void Release()
    {
        lock (_gate)
        {
            if (_work.Count == 0)
            {
                _busy = false;
                return;
            }
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Touch()
    {
        var now = grainClass.Cluster.Now;
        if (_used != now) _used = now;
    }

    private bool Interleaves(Request request) => grainClass.Reentrant || request.Interleaves;

    /// <summary>Lets the request begin when it may. Others that waited before it go first, unless it interleaves.</summary>
    private bool Admit(Request request) => (_waiting.Count == 0 || Interleaves(request)) && TryBegin(request);

    private bool TryBegin(Request request)
    {
        if (_stage != Stage.Active || (_ending is not null && !_drain)) return false;
        if (Interleaves(request)) _interleaved++;
        else if (_exclusive) return false;
        else if (request.Reads) _reads++;
        else if (_reads > 0) return false;
        else _exclusive = true;
        request.Begin(this);
        return true;
    }

    private void Wait(Request request)
    {
        request.Defer();
        (Interleaves(request) ? _held ??= new() : _waiting).Enqueue(request);
    }

    /// <summary>Begins what may begin now, or the end.</summary>
    private void Advance()
    {
        while (_waiting.TryPeek(out var request) && TryBegin(request)) _waiting.Dequeue().Work.Start(this);
        while (_held is not null && _held.TryPeek(out var request) && TryBegin(request)) _held.Dequeue().Work.Start(this);
        if (_ending is not { } reason || _stage != Stage.Active || Running) return;
        _stage = Stage.Deactivating;
        _active = null;
        using (Detached.Flow())
            Task.Factory.StartNew(() => DeactivateAsync(reason), CancellationToken.None, TaskCreationOptions.DenyChildAttach, this);
    }

    private Task NewActivationWork() =>
        new(static self => ((Activation)self!).Activate(), this, TaskCreationOptions.DenyChildAttach);

    /// <summary>Activates on this thread. True when that is done and the request has been admitted.</summary>
    private bool ActivateFor(Request request)
    {
        DoInline(NewActivationWork());
        lock (_gate)
        {
            _interleaved--;
            if (_stage == Stage.Dead)
            {
                request.Fail(_failure ?? Unavailable());
                return false;
            }
            if (Admit(request)) return true;
            Wait(request);
            // A deactivation may have been asked for since the activation was done. It could not begin while this request counted as
            // running, and nobody else will begin it.
            Advance();
            return false;
        }
    }

    private void Activate()
    {
        Task task;
        try
        {
            _instance = grainClass.Create();
            task = _instance.OnActivateAsync(grainClass.Cluster.Stopping);
        }
        catch (Exception exception)
        {
            task = Task.FromException(exception);
        }
        if (task.IsCompleted) Activated(task);
        else task.ContinueWith(Activated, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, this);
    }

    private void Activated(Task task)
    {
        lock (_gate)
        {
            if (task.IsCompletedSuccessfully && _stage == Stage.Activating)
            {
                _stage = Stage.Active;
                if (_ending is null) _active = _instance;
                Touch();
                Advance();
                return;
            }
        }
        _failure = task.Exception?.InnerException ?? (task.IsCanceled ? new TaskCanceledException(task) : Unavailable());
        var waiting = Leave();
        DisposeOwned();
        _ = DisposeInstance();
        foreach (var request in waiting) request.Fail(_failure);
    }

    private async Task DeactivateAsync(DeactivationReason reason)
    {
        DisposeOwned();
        using var patience = new CancellationTokenSource(grainClass.Cluster.Options.DeactivationTimeout, grainClass.Cluster.Time);
        try
        {
            await _instance!.OnDeactivateAsync(reason, patience.Token);
        }
        catch (Exception exception)
        {
            LogFailure(exception, "OnDeactivateAsync");
        }
        await DisposeInstance();
        foreach (var request in Leave())
        {
            if (request.Bound) request.Fail(Ended());
            else grainClass.Dispatch(key, request, inline: false);
        }
    }

    /// <summary>Makes room for a new activation; returns the requests that wait.</summary>
    private Request[] Leave()
    {
        grainClass.Remove(this);
        lock (_gate)
        {
            Request[] left = [.. _waiting, .. _held ?? []];
            _waiting.Clear();
            _held = null;
            _active = null;
            _stage = Stage.Dead;
            _deactivated?.TrySetResult();
            return left;
        }
    }

    private void DisposeOwned()
    {
        List<IDisposable>? owned;
        lock (_gate) (owned, _owned) = (_owned, null);
        owned?.ForEach(static thing => thing.Dispose());
    }

    private async Task DisposeInstance()
    {
        try
        {
            if (_instance is IAsyncDisposable asynchronous) await asynchronous.DisposeAsync();
            else if (_instance is IDisposable disposable) disposable.Dispose();
        }
        catch (Exception exception)
        {
            LogFailure(exception, "Disposing the grain");
        }
    }

    public static SiloUnavailableException Unavailable() => new("The process is stopping.");

    private static ActivationEndedException Ended() => new();
}
