using System.Reflection;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Idempotency;
using Orleans;

namespace Beadhub.Grains.Tests.Boundary;

/// <summary>
/// Every engine must be able to carry what goes between grains, also one that sends it to another process. The default engine passes
/// objects by reference and would never notice what cannot be sent.
/// </summary>
public sealed class BoundaryTests
{
    private static readonly Assembly Contracts = typeof(IEvent).Assembly;
    private static readonly Assembly Grains = typeof(IEventLog).Assembly;

    [Fact]
    public void All_that_crosses_a_grain_boundary_keeps_the_rules() => Whole().Violations.ShouldBeEmpty();

    [Fact]
    public void All_interfaces_events_and_records_of_the_contracts_are_looked_at()
    {
        var seen = Whole().Seen;
        seen.ShouldContain(typeof(FeedBatch));
        seen.ShouldContain(typeof(EventLogUnavailableException));
        // Whoever writes one means it to cross; one that nothing reaches is either forgotten or hidden behind a type that the rules do not
        // know. What a request carries goes beside the calls, in their context; its counts are meant to stay behind.
        Contracts.GetTypes().Where(type => type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false)).Except(seen)
            .ShouldBe([typeof(ReadBarrier), typeof(KeyedRequest)]);
        Interfaces().Count().ShouldBeGreaterThanOrEqualTo(20);
    }

    [Fact]
    public void Every_grain_interface_is_in_the_contracts_and_has_one_grain()
    {
        Grains.GetTypes().Where(IsGrainInterface).ShouldBeEmpty();
        foreach (var grain in Interfaces())
            Grains.GetTypes().Count(type => type is { IsClass: true, IsAbstract: false } && grain.IsAssignableFrom(type))
                .ShouldBe(1, grain.Name);
    }

    private static BoundaryRules Whole()
    {
        var rules = new BoundaryRules();
        foreach (var grain in Interfaces()) rules.Interface(grain);
        foreach (var type in Contracts.GetTypes().Concat(Grains.GetTypes()))
        {
            // An event is kept, not sent, but is made of what is sent, and travels inside of it.
            if (typeof(IEvent).IsAssignableFrom(type) && type is { IsInterface: false, IsPublic: true }) rules.Value(type, "the event log");
            if (typeof(Exception).IsAssignableFrom(type) && type.IsPublic) rules.Value(type, "a failure");
        }

        rules.Value(typeof(FeedBatch), "a stream");
        return rules;
    }

    private static IEnumerable<Type> Interfaces() => Contracts.GetTypes().Where(IsGrainInterface);

    private static bool IsGrainInterface(Type type) => type.IsInterface && typeof(IGrain).IsAssignableFrom(type);
}
