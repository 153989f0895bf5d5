using System.Diagnostics.Metrics;
using System.Reflection;
using Beadhub.Feed;
using Beadhub.Gateway.Streaming;
using Beadhub.Projects;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans;

namespace Beadhub.Gateway.Tests;

/// <summary>The projects that are watched on a node.</summary>
public sealed class FeedHubTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public void Dispose() => _services.Dispose();

    [Fact]
    public async Task A_project_that_could_not_be_watched_leaves_nothing_behind()
    {
        var hub = new FeedHub(
            Fake<IClusterClient>.With((method, _) => method.ReturnType == typeof(IFeedGrain)
                ? Fake<IFeedGrain>.With((_, _) => throw new NotSupportedException())
                : Fake<IProjectGrain>.With((_, _) => ValueTask.FromException<ProjectView?>(new UnavailableException("The log is away")))),
            new StreamMetrics(_services.GetRequiredService<IMeterFactory>(), TimeProvider.System),
            NullLogger<FeedHub>.Instance);

        await Should.ThrowAsync<UnavailableException>(() => hub.Watch("p"));
        hub.Count.ShouldBe(0);
        // Neither does who comes next wait for the one who failed.
        await Should.ThrowAsync<UnavailableException>(() =>
            hub.Watch("p").WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        hub.Count.ShouldBe(0);
    }

    /// <summary>An object of an interface, of which a test knows what is called.</summary>
    public class Fake<T> : DispatchProxy where T : class
    {
        private Func<MethodInfo, object?[]?, object?> _answer = null!;

        internal static T With(Func<MethodInfo, object?[]?, object?> answer)
        {
            var made = Create<T, Fake<T>>();
            ((Fake<T>)(object)made)._answer = answer;
            return made;
        }

        /// <inheritdoc/>
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => _answer(targetMethod!, args);
    }
}
