using Beadhub.Boards;

namespace Beadhub.Grains.Tests.Boards;

public class SortedTests
{
    private static readonly IComparer<int> Ascending = Comparer<int>.Default;

    [Theory]
    [InlineData(1, 40)]
    [InlineData(2, 1_000)]
    [InlineData(3, 20_000)]
    public void It_holds_what_a_sorted_set_holds_after_any_changes(int seed, int range)
    {
        var random = new Random(seed);
        var expected = new SortedSet<int>();
        var actual = Sorted<int>.Empty(Ascending);
        for (var round = 0; round < 400; round++)
        {
            // Mostly small changes, at times bulk ones, growing first and shrinking later.
            var size = round % 20 == 0 ? range / 2 : random.Next(1, 6);
            var grow = round < 200;
            var come = Enumerable.Range(0, grow ? size : size / 4).Select(_ => random.Next(range)).Distinct()
                .Where(i => !expected.Contains(i)).ToList();
            var leave = Enumerable.Range(0, grow ? size / 4 : size).Select(_ => random.Next(range)).Distinct().Where(expected.Contains)
                .ToList();
            int[] held = [.. expected];
            var before = actual;
            actual = actual.Replace([.. leave], [.. come]);
            expected.ExceptWith(leave);
            expected.UnionWith(come);
            actual.SequenceEqual(expected).ShouldBeTrue();
            actual.Count.ShouldBe(expected.Count);
            before.SequenceEqual(held).ShouldBeTrue();
            var place = random.Next(-1, range + 1);
            actual.After(i => i > place).Take(50).ShouldBe(expected.Where(i => i > place).Take(50));
        }
    }

    [Fact]
    public void Without_changes_it_is_the_same_object()
    {
        var set = Sorted<int>.Empty(Ascending).Replace([], [1, 2, 3]);
        set.Replace([], []).ShouldBeSameAs(set);
    }

    [Fact]
    public void An_item_that_is_equal_takes_the_place_of_the_old_one()
    {
        var byLength = Comparer<string>.Create((a, b) => a.Length.CompareTo(b.Length));
        var set = Sorted<string>.Empty(byLength).Replace([], ["a", "bb", "ccc"]);
        set.Replace(["bb"], ["BB"]).ShouldBe(["a", "BB", "ccc"]);
        set.Replace(["bb", "a"], ["BB", "dddd"]).ShouldBe(["BB", "ccc", "dddd"]);
    }

    [Fact]
    public void What_is_not_there_cannot_leave() =>
        Sorted<int>.Empty(Ascending).Replace([], [1, 3]).Replace([0, 2, 4], []).ShouldBe([1, 3]);
}
