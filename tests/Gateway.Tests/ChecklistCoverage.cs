using System.Reflection;
using Beadhub.Gateway.Tests.Stores;

namespace Beadhub.Gateway.Tests;

/// <summary>
/// Counts the checklists' lines: each line in scope has a test, and each test class runs on each store, unless the store makes no
/// difference to it.
/// </summary>
public sealed class ChecklistCoverage
{
    private static readonly Dictionary<string, string> InScope = new()
    {
        ["beadhub"] = "1-300",
        ["aweb"] = "1-168",
    };

    /// <summary>Lines of which one client of one server sees nothing. They do not count as covered.</summary>
    private static readonly Dictionary<(string List, int Line), string> NotSeenOverHttp = new()
    {
        [("beadhub", 162)] = "The audit trail has no read API (contract 19).",
        [("beadhub", 276)] = "One server has no message bus to lose; EventsAcrossNodesTests in tests/Cluster.Tests take it from a cluster.",
    };

    [Theory]
    [InlineData("beadhub")]
    [InlineData("aweb")]
    public void Every_line_in_scope_has_a_test(string list)
    {
        var lines = Lines(InScope[list]).ToArray();
        var (seen, unseen) = (lines.Where(line => !NotSeenOverHttp.ContainsKey((list, line))).ToArray(),
            lines.Where(line => NotSeenOverHttp.ContainsKey((list, line))).ToArray());
        var tested = Contracts().SelectMany(type => type.GetMethods())
            .Where(method => !OnlySkips(method))
            .SelectMany(method => method.GetCustomAttributes<ChecklistAttribute>())
            .Where(mark => mark.List == list)
            .GroupBy(mark => mark.Line, _ => 1)
            .ToDictionary(line => line.Key, line => line.Count());
        TestContext.Current.TestOutputHelper?.WriteLine($"{list}: {seen.Count(tested.ContainsKey)} of {lines.Length} lines, "
            + $"{tested.Values.Sum()} marks");
        foreach (var line in unseen)
            TestContext.Current.TestOutputHelper?.WriteLine($"{list} {line} has no test here: {NotSeenOverHttp[(list, line)]}");

        seen.Where(line => !tested.ContainsKey(line)).ShouldBeEmpty();
        tested.Keys.Except(seen).ShouldBeEmpty("these lines are marked, but not in scope or not to be seen");
    }

    [Fact]
    public void A_test_that_only_skips_covers_nothing()
    {
        OnlySkips(GetType().GetMethod(nameof(Skipped), BindingFlags.NonPublic | BindingFlags.Static)!).ShouldBeTrue();
        Contracts().SelectMany(type => type.GetMethods()).Where(OnlySkips).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("Sqlite")]
    [InlineData("Postgres")]
    public void Every_contract_runs_on_each_store(string store)
    {
        var run = typeof(ChecklistCoverage).Assembly.GetTypes()
            .Where(type => type.Namespace == $"{typeof(ChecklistCoverage).Namespace}.{store}")
            .Select(type => type.BaseType);

        run.ShouldBe(Contracts().Where(contract => store == "Sqlite" || !contract.IsDefined(typeof(OnAnyStoreAttribute))),
            ignoreOrder: true);
    }

    private static Type[] Contracts() =>
        [.. typeof(ChecklistCoverage).Assembly.GetTypes().Where(type => type.IsAbstract && type.BaseType == typeof(ContractTests))];

    private static void Skipped() => Assert.Skip("An example.");

    /// <summary>Whether a method begins with <see cref="Assert.Skip"/>: a text is loaded, and that is called.</summary>
    private static bool OnlySkips(MethodInfo method) =>
        method.GetMethodBody()?.GetILAsByteArray()?.SkipWhile(instruction => instruction == 0).ToArray()
            is [0x72, _, _, _, _, 0x28, .. var called]
        && method.Module.ResolveMethod(BitConverter.ToInt32(called)) is { Name: nameof(Assert.Skip) } skip
            && skip.DeclaringType == typeof(Assert);

    private static IEnumerable<int> Lines(string ranges) => ranges.Split(',', StringSplitOptions.RemoveEmptyEntries).SelectMany(range =>
    {
        var ends = range.Split('-').Select(int.Parse).ToArray();
        return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
    });
}
