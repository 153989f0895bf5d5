using System.Reflection;

namespace Beadhub.Gateway.Tests;

/// <summary>Counts the checklists' lines: each line in scope has a test, and each test class runs on each store.</summary>
public sealed class ChecklistCoverage
{
    private static readonly Dictionary<string, string> InScope = new()
    {
        ["beadhub"] = "1-5,7,9-11,13-73,75-104,106-278,280-300",
        ["aweb"] = "1-6,9-13,15-36,38-82,128-148,153-154,156-168",
    };

    [Theory]
    [InlineData("beadhub")]
    [InlineData("aweb")]
    public void Every_line_in_scope_has_a_test(string list)
    {
        var lines = Lines(InScope[list]).ToArray();
        var tested = Contracts().SelectMany(type => type.GetMethods())
            .SelectMany(method => method.GetCustomAttributes<ChecklistAttribute>())
            .Where(mark => mark.List == list)
            .GroupBy(mark => mark.Line, _ => 1)
            .ToDictionary(line => line.Key, line => line.Count());
        TestContext.Current.TestOutputHelper?.WriteLine($"{list}: {lines.Count(tested.ContainsKey)} of {lines.Length} lines, {tested.Values.Sum()} marks");

        lines.Where(line => !tested.ContainsKey(line)).ShouldBeEmpty();
        tested.Keys.Except(lines).ShouldBeEmpty("these lines are marked, but not in scope");
    }

    [Theory]
    [InlineData("Sqlite")]
    [InlineData("Postgres")]
    public void Every_contract_runs_on_each_store(string store)
    {
        var run = typeof(ChecklistCoverage).Assembly.GetTypes()
            .Where(type => type.Namespace == $"{typeof(ChecklistCoverage).Namespace}.{store}")
            .Select(type => type.BaseType);

        run.ShouldBe(Contracts(), ignoreOrder: true);
    }

    private static Type[] Contracts() =>
        [.. typeof(ChecklistCoverage).Assembly.GetTypes().Where(type => type.IsAbstract && type.BaseType == typeof(ContractTests))];

    private static IEnumerable<int> Lines(string ranges) => ranges.Split(',', StringSplitOptions.RemoveEmptyEntries).SelectMany(range =>
    {
        var ends = range.Split('-').Select(int.Parse).ToArray();
        return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
    });
}
