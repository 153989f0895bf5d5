using Beadhub.Mail;

namespace Beadhub.Grains.Tests.Mail;

/// <summary>The set of versions against a plain sorted set.</summary>
public class VersionSetTests
{
    [Fact]
    public void Nothing_is_in_the_empty_set()
    {
        VersionSet.Empty.Contains(0).ShouldBeFalse();
        VersionSet.Empty.Without(1).Count.ShouldBe(0);
        VersionSet.Empty.Descending().ShouldBeEmpty();
    }

    [Fact]
    public void What_follows_each_other_is_one_range()
    {
        var set = Enumerable.Range(1, 100_000).Aggregate(VersionSet.Empty, (set, version) => set.With(version));

        set.Count.ShouldBe(100_000);
        set.Bounds.ShouldBe([1, 100_000]);
        set.Without(500).Bounds.ShouldBe([1, 499, 501, 100_000]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Random_changes_leave_what_they_should(int seed)
    {
        var random = new Random(seed);
        var (set, expected) = (VersionSet.Empty, new SortedSet<long>());
        var version = 0L;
        for (var i = 0; i < 3000; i++)
        {
            if (random.Next(2) == 0 || expected.Count == 0)
            {
                version += random.Next(1, 3);
                (set, _) = (set.With(version), expected.Add(version));
            }
            else
            {
                var gone = random.Next(4) == 0 ? random.NextInt64(version + 2) : expected.ElementAt(random.Next(expected.Count));
                (set, _) = (set.Without(gone), expected.Remove(gone));
            }

            if (i % 100 != 0) continue;
            set.Count.ShouldBe(expected.Count);
            set.Descending().ShouldBe(expected.Reverse());
            for (var v = 0L; v <= version + 1; v++) set.Contains(v).ShouldBe(expected.Contains(v));
            new VersionSet(set.Bounds).Descending().ShouldBe(expected.Reverse());
        }
    }
}
