using System.Diagnostics.Metrics;
using System.Text;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Streaming;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;


namespace Beadhub.Gateway.Tests;

/// <summary>What all event streams have in common.</summary>
public sealed class EventStreamsTests : IDisposable
{
    private static readonly ProjectIdentity Who = new("p", "a", null, null, AuthMode.Bearer)
    {
        Standing = new("p", null, IsArchived: false, IsPrivate: false, TenantId: null),
    };

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Stopping _lifetime = new();
    private readonly List<string> _log = [];

    // Who reads is looked at again after the time of a keep-alive only, which no test here waits for.
    private EventStreams Streams(int most = 10) =>
        new(null!, new StreamMetrics(_services.GetRequiredService<IMeterFactory>(), TimeProvider.System), new() { StreamsPerAgent = most },
            TimeProvider.System, _lifetime);

    public void Dispose() => _services.Dispose();

    [Fact]
    public async Task What_is_committed_once_the_client_has_its_200_is_shown()
    {
        // The client hears of its stream by the first flush, and commits something at once.
        _log.Add("before");
        var body = new Body(flushed: () => _log.Add("after"), written: text =>
            { if (text.Contains("after", StringComparison.Ordinal)) _lifetime.StopApplication(); });

        await Streams().Serve(Request(body), Who, "status", () => Task.FromResult<IStreamedEvents>(new Events(_log)),
            DateTimeOffset.UtcNow.AddSeconds(30), TimeSpan.FromMilliseconds(10));

        body.Text.ShouldContain("after");
        body.Text.ShouldNotContain("before");
    }

    [Fact]
    public async Task All_streams_of_an_agent_are_counted_together_until_they_end()
    {
        var streams = Streams(most: 2);
        var open = new[] { "status", "chat" }.Select(sort =>
        {
            var opened = new TaskCompletionSource();
            return (Opened: opened.Task, Served: streams.Serve(Request(new Body(flushed: () => opened.TrySetResult())), Who, sort, () =>
                Task.FromResult<IStreamedEvents>(new Events(_log))));
        }).ToArray();
        // One that fails is never opened.
        await Task.WhenAll(open.Select(one => Task.WhenAny(one.Opened, one.Served).Unwrap()));

        (await Should.ThrowAsync<ApiException>(() => Once(streams, Who))).Status.ShouldBe(429);
        await Once(streams, Who with { AgentId = "b" });
        await Once(streams, Who with { UserId = "u" });
        _lifetime.StopApplication();
        await Task.WhenAll(open.Select(one => one.Served));
        await Once(streams, Who);
        await Once(streams, Who);
    }

    private Task Once(EventStreams streams, ProjectIdentity who) =>
        streams.Serve(Request(new Body()), who, "events", () => Task.FromResult<IStreamedEvents>(new Events(_log)),
            DateTimeOffset.UtcNow.AddSeconds(-1));

    private static DefaultHttpContext Request(Body body) => new() { Response = { Body = body } };

    /// <summary>A log of texts, followed from its end.</summary>
    private sealed class Events(List<string> log) : IStreamedEvents
    {
        public long Newest => log.Count;

        public long Position { get; private set; } = log.Count;

        public Task News { get; } = new TaskCompletionSource().Task;

        public Task Begin(Stream to, CancellationToken ended) => Task.CompletedTask;

        public async Task<bool> Write(Stream to, CancellationToken ended)
        {
            if (Position == log.Count) return false;
            await to.WriteAsync(Encoding.UTF8.GetBytes(log[(int)Position++]), ended);
            return true;
        }

        public ValueTask Look() => default;

        public ValueTask DisposeAsync() => default;
    }

    /// <summary>A response's body that tells of its first flush and of what is written.</summary>
    private sealed class Body(Action? flushed = null, Action<string>? written = null) : MemoryStream
    {
        private bool _flushed;

        public string Text => Encoding.UTF8.GetString(ToArray());

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            base.Write(buffer.Span);
            written?.Invoke(Text);
            return default;
        }

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!_flushed) flushed?.Invoke();
            _flushed = true;
            return Task.CompletedTask;
        }
    }

    private sealed class Stopping : IHostApplicationLifetime
    {
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted => default;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => default;

        public void StopApplication() => _stopping.Cancel();
    }
}
