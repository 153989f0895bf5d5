namespace Orleans.Local;

/// <summary>
/// One call on its way through an activation. <see cref="Work"/> runs the first synchronous part on the activation's scheduler
/// in the execution context of the caller; the request lasts until the grain's task completes.
/// </summary>
internal abstract class Request
{
    private static readonly Action<object?> Execution = static request => ((Request)request!).Execute();
    private static readonly Action<Task, object?> Completion = static (_, request) => ((Request)request!).Complete();

    private readonly CallOptions _options;
    private Activation? _activation;

    protected Request(CallOptions options)
    {
        _options = options;
        Work = new Task(Execution, this, TaskCreationOptions.DenyChildAttach);
    }

    public Task Work { get; }

    /// <summary>Belongs to one activation (a timer's tick, a stream's item) and is dropped when that has ended.</summary>
    public bool Bound { get; init; }

    /// <summary>Does not count as use of the grain.</summary>
    public bool Quiet { get; init; }

    public bool OneWay => (_options & CallOptions.OneWay) != 0;

    public bool Reads => (_options & CallOptions.ReadOnly) != 0;

    public bool Interleaves => (_options & CallOptions.Interleave) != 0;

    /// <summary>The request has been admitted.</summary>
    public void Begin(Activation activation) => _activation = activation;

    /// <summary>The caller will get a promise, since the grain's own task will not exist when it is given an answer.</summary>
    public abstract void Defer();

    /// <summary>The request will never run.</summary>
    public abstract void Fail(Exception exception);

    /// <summary>Calls the grain and keeps its task.</summary>
    protected abstract Task Invoke(object grain);

    /// <summary>Hands the completed task on to the promise, if there is one.</summary>
    protected abstract Task Settle();

    private void Execute()
    {
        var task = Invoke(_activation!.Instance);
        if (task.IsCompleted) Complete();
        // Inline on the thread that completes the task: giving the turn back must not cost a thread hop.
        else task.ContinueWith(Completion, this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private void Complete()
    {
        // First the turn, then the caller, so that the caller's next call finds the activation free.
        _activation!.Finish(this);
        var task = Settle();
        if (OneWay && task.Exception is { } failure) _activation.LogFailure(failure.InnerException!, "A one-way call");
    }

    protected static InvalidOperationException NoTask() => new("A grain method returned null instead of a task.");
}

/// <summary>A call without a result.</summary>
internal sealed class VoidRequest<TGrain, TState>(Func<TGrain, TState, Task> method, TState state, CallOptions options) : Request(options)
{
    private Task? _task;
    private TaskCompletionSource? _promise;

    public Task Outcome => _promise?.Task ?? _task!;

    public override void Defer()
    {
        if (!OneWay) _promise ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public override void Fail(Exception exception)
    {
        if (_promise is null) _task = Task.FromException(exception);
        else _promise.SetException(exception);
    }

    protected override Task Invoke(object grain)
    {
        try
        {
            return _task = method((TGrain)grain, state) ?? throw NoTask();
        }
        catch (Exception exception)
        {
            return _task = Task.FromException(exception);
        }
    }

    protected override Task Settle()
    {
        _promise?.SetFromTask(_task!);
        return _task!;
    }
}

/// <summary>A call with a result.</summary>
internal sealed class ResultRequest<TGrain, TState, TResult>(
    Func<TGrain, TState, Task<TResult>> method, TState state, CallOptions options) : Request(options)
{
    private Task<TResult>? _task;
    private TaskCompletionSource<TResult>? _promise;

    public Task<TResult> Outcome => _promise?.Task ?? _task!;

    public override void Defer() => _promise ??= new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override void Fail(Exception exception)
    {
        if (_promise is null) _task = Task.FromException<TResult>(exception);
        else _promise.SetException(exception);
    }

    protected override Task Invoke(object grain)
    {
        try
        {
            return _task = method((TGrain)grain, state) ?? throw NoTask();
        }
        catch (Exception exception)
        {
            return _task = Task.FromException<TResult>(exception);
        }
    }

    protected override Task Settle()
    {
        _promise?.SetFromTask(_task!);
        return _task!;
    }
}
