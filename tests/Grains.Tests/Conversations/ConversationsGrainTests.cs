using System.Collections.Concurrent;
using System.Globalization;
using Beadhub.Chat;
using Beadhub.Conversations;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Grains.Tests.Projects;
using Beadhub.Mail;
using Beadhub.Presence;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Hosting;

namespace Beadhub.Grains.Tests.Conversations;

/// <summary>The snapshots that the list of conversations makes of itself while it answers.</summary>
public sealed class ConversationsGrainTests
{
    private const string Project = "10000000-0000-0000-0000-000000000000";
    private const int Enough = 600; // mails after which a snapshot is due
    private static readonly StreamKey Kept = new("conversations", Project);

    private readonly FeedLog _log = new();
    private readonly ErrorList _errors = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Its_end_waits_for_a_snapshot_that_is_on_its_way()
    {
        await using var services = await Start();
        await Mails(Enough);
        var gate = _log.Gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await Look(services);

        var stopped = Stop(services);

        // Nothing tells that somebody still waits: a stop that does not wait is over long before.
        (await Task.WhenAny(stopped, Task.Delay(300, Cancelled))).ShouldNotBe(stopped);
        gate.SetResult();
        await stopped;
        var stored = await _log.Load(Kept, Cancelled);
        (stored.Version, stored.SnapshotVersion).ShouldBe((1, 1));
        _errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_snapshot_that_fails_unexpectedly_is_told_and_the_next_one_is_made()
    {
        await using var services = await Start();
        await Mails(Enough);
        var unexpected = new InvalidOperationException("unexpected");
        _log.Fails = _ => unexpected;
        await Look(services);

        (await _errors.First.WaitAsync(TimeSpan.FromSeconds(30), Cancelled)).ShouldBeSameAs(unexpected);
        _log.Fails = null;
        await Mails(Enough);
        await Look(services);
        await Stop(services);

        (await _log.Load(Kept, Cancelled)).SnapshotVersion.ShouldBe(1);
    }

    private async Task Mails(int count)
    {
        var key = new StreamKey(Mailbox.Kind.Name, IMailboxGrain.Key(Project, "bob"));
        var version = await _log.Version(Project, key, Cancelled);
        for (var i = version + 1; i <= version + count; i++)
        {
            var mail = new MailRead(i.ToString(CultureInfo.InvariantCulture), "bob", "alice", "Subject", DateTimeOffset.UnixEpoch);
            var @event = new NewEvent(EventTypes.NameOf(mail), EventTypes.Serialize(mail), mail.At);
            await _log.Append(new(Project, key, i - 1, [@event], null), Cancelled);
        }
    }

    private static async Task Look(ServiceProvider services) =>
        await services.GetRequiredService<IGrainFactory>().GetGrain<IConversationsGrain>(Project).Sessions("bob");

    private static Task Stop(ServiceProvider services) =>
        Task.WhenAll(services.GetServices<IHostedService>().Select(hosted => hosted.StopAsync(Cancelled)));

    private async Task<ServiceProvider> Start()
    {
        var services = new ServiceCollection()
            .AddSingleton<IEventLog>(_ => _log)
            .AddSingleton<ICommittedFeed>(new Silence())
            .AddSingleton<IChatPresence>(new MemoryChatPresence(TimeProvider.System))
            .AddSingleton(TimeProvider.System)
            .AddLogging(logging => logging.AddProvider(_errors))
            .AddLocalGrains(typeof(IEventLog).Assembly)
            .BuildServiceProvider();
        foreach (var hosted in services.GetServices<IHostedService>()) await hosted.StartAsync(Cancelled);
        return services;
    }

    /// <summary>Tells nothing: the log is asked each time.</summary>
    private sealed class Silence : ICommittedFeed, IDisposable
    {
        public IDisposable Follow(string project, Action<IReadOnlyList<FeedEvent>> committed) => this;

        public void Dispose()
        {
        }
    }

    private sealed class ErrorList : ConcurrentQueue<Exception>, ILoggerProvider, ILogger
    {
        private readonly TaskCompletionSource<Exception> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Exception> First => _first.Task;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(level) || exception is null) return;
            Enqueue(exception);
            _first.TrySetResult(exception);
        }

        public void Dispose()
        {
        }
    }
}
