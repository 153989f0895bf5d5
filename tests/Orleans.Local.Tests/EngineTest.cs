using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Hosting;

namespace Beadhub.Orleans.Local.Tests;

/// <summary>A running engine for each test, with a clock of its own and the log at hand.</summary>
public abstract class EngineTest : IAsyncLifetime, ILoggerProvider, ILogger
{
    protected static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly ConcurrentQueue<string> _events = new();
    private ServiceProvider? _services;

    protected FakeTime Time { get; } = new();

    protected Script Script { get; } = new();

    protected BlockingCollection<Exception> Logged { get; } = [];

    protected IServiceProvider Services => _services!;

    protected IGrainFactory Grains => Services.GetRequiredService<IGrainFactory>();

    protected object Meters => Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>();

    protected string Events => string.Join(", ", _events);

    private IHostedService Engine => Services.GetServices<IHostedService>().Single();

    public async ValueTask InitializeAsync()
    {
        _services = new ServiceCollection()
            .AddSingleton<TimeProvider>(Time)
            .AddSingleton(Script)
            .AddLogging(logging => logging.AddProvider(this))
            .AddLocalGrains(options =>
            {
                options.StreamBacklog = 3;
                options.StreamBacklogBytes = 100;
                options.StreamItemSize = static item => item is string text ? text.Length : 0;
            }, typeof(PlainActor).Assembly)
            .AddLocalStreams("feed")
            .BuildServiceProvider();
        await Engine.StartAsync(default);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _services!.DisposeAsync();
    }

    void IDisposable.Dispose() => GC.SuppressFinalize(this);

    protected IActor Actor(string key = "one") => Grains.GetGrain<IActor>(key);

    protected void Note(string text) => _events.Enqueue(text);

    protected Task Stop() => Engine.StopAsync(CancellationToken.None);

    protected static TaskCompletionSource Gate() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A turn that says when it starts and ends, and waits in between.</summary>
    protected Func<Actor, Task> Noting(string name, Task until) => async _ =>
    {
        Note(name + " starts");
        await until;
        Note(name + " ends");
    };

    ILogger ILoggerProvider.CreateLogger(string categoryName) => this;

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter) =>
        Logged.Add(exception ?? new InvalidOperationException(formatter(state, null)));
}
