using System.Reflection;
using Beadhub.Boards;
using Beadhub.Hosting.Engines;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans;
using Orleans.Runtime;

namespace Beadhub.Orleans.Tests;

/// <summary>What callers see of calls that are lost with their silo.</summary>
public sealed class LostCallsTests
{
    private const string Read = nameof(IBoardGrain.Ready);
    private const string Write = nameof(IBoardGrain.ClaimNext);

    [Theory]
    [InlineData(Read)]
    [InlineData(nameof(IBoardGrain.Sync))]
    public async Task A_lost_call_that_may_be_repeated_is_made_again(string method)
    {
        var call = new Call(typeof(IBoardGrain), method, Lost(), Lost(), null);
        await call.Run();
        call.Made.ShouldBe(3);
        // The grain is told that what it finds done may have been done for this call.
        call.Repeated.ShouldBe([false, true, true]);
    }

    [Theory]
    [MemberData(nameof(Losses))]
    public async Task A_lost_write_is_not_made_again_but_told_as_unavailable(Exception loss)
    {
        var call = new Call(typeof(IBoardGrain), Write, loss);
        var told = await Should.ThrowAsync<UnavailableException>(call.Run());
        told.InnerException.ShouldBeSameAs(loss);
        told.Message.ShouldContain("IBoardGrain.ClaimNext");
        call.Made.ShouldBe(1);
    }

    [Theory]
    [MemberData(nameof(Rejections))]
    public async Task A_write_that_was_never_opened_is_made_again(Exception rejection)
    {
        var call = new Call(typeof(IBoardGrain), Write, rejection, rejection, null);
        await call.Run();
        call.Made.ShouldBe(3);
        call.Repeated.ShouldBe([false, false, false]);
    }

    [Fact]
    public async Task A_read_that_took_too_long_is_not_made_again()
    {
        var call = new Call(typeof(IBoardGrain), Read, new TimeoutException("30 s"));
        await Should.ThrowAsync<UnavailableException>(call.Run());
        call.Made.ShouldBe(1);
    }

    [Theory]
    [InlineData(Read)]
    [InlineData(Write)]
    public async Task What_a_grain_says_comes_as_it_is(string method)
    {
        var refusal = new RefusedException(RefusalKind.Conflict, "It is taken");
        var call = new Call(typeof(IBoardGrain), method, refusal);
        (await Should.ThrowAsync<RefusedException>(call.Run())).ShouldBeSameAs(refusal);
        call.Made.ShouldBe(1);
    }

    [Fact]
    public async Task Calls_of_Orleans_own_are_left_alone()
    {
        var loss = Lost();
        var call = new Call(typeof(IManagementGrain), nameof(IManagementGrain.GetTotalActivationCount), loss);
        (await Should.ThrowAsync<SiloUnavailableException>(call.Run())).ShouldBeSameAs(loss);
    }

    public static TheoryData<Exception> Losses() => [Lost(), new OrleansException("Nobody takes it"), new TimeoutException("30 s")];

    // As Orleans makes them: a silo that stops sends back what it has not opened, and so does the sender when it knows a silo to be dead.
    public static TheoryData<Exception> Rejections() => [new SiloUnavailableException(), Rejection("Forwarding failed")];

    // Orleans alone may make one.
    private static OrleansMessageRejectionException Rejection(string text) =>
        (OrleansMessageRejectionException)Activator.CreateInstance(
            typeof(OrleansMessageRejectionException), BindingFlags.Instance | BindingFlags.NonPublic, null, [text], null)!;

    private static SiloUnavailableException Lost() => new("The silo is gone");

    /// <summary>A call that comes to each of these ends in turn; null is a success.</summary>
    private sealed class Call(Type grain, string method, params Exception?[] ends)
    {
        private int _made;

        public int Made => _made;

        public List<bool> Repeated { get; } = [];

        public Task Run()
        {
            var context = DispatchProxy.Create<IOutgoingGrainCallContext, Context>();
            ((Context)context).Answer = name => name switch
            {
                "get_InterfaceMethod" => grain.GetMethod(method)!,
                "get_MethodName" => method,
                "Invoke" => Next() is { } failure ? Task.FromException(failure) : Task.CompletedTask,
                _ => null,
            };
            return new LostCalls(TimeProvider.System, NullLogger<LostCalls>.Instance).Invoke(context);

            Exception? Next()
            {
                Repeated.Add(RepeatedCall.IsServed);
                return ends[_made++];
            }
        }
    }

    /// <summary>Only what the filter asks of a call; the rest differs between versions of Orleans.</summary>
    public class Context : DispatchProxy
    {
        internal Func<string, object?> Answer { get; set; } = static _ => null;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => Answer(targetMethod!.Name);
    }
}
