using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>Allotment of names (contract 2.3, protocol 4).</summary>
public class NamePrefixesTests
{
    [Fact]
    public void There_are_2600_candidates_names_first_then_numbered_ones()
    {
        NamePrefixes.Candidates.Length.ShouldBe(2600);
        NamePrefixes.Candidates.Distinct().Count().ShouldBe(2600);
        NamePrefixes.Candidates[0].ShouldBe("alice");
        NamePrefixes.Candidates[25].ShouldBe("zoe");
        NamePrefixes.Candidates[26].ShouldBe("alice-01");
        NamePrefixes.Candidates[51].ShouldBe("zoe-01");
        NamePrefixes.Candidates[52].ShouldBe("alice-02");
        NamePrefixes.Candidates[^1].ShouldBe("zoe-99");
    }

    [Theory]
    [InlineData("alice", "alice")]
    [InlineData("alice-dev", "alice")]
    [InlineData("Alice-Reviewer", "alice")]
    [InlineData("alice-01", "alice-01")]
    [InlineData("alice-01-dev", "alice-01")]
    [InlineData("bob-7-x", "bob-7")]
    [InlineData("bob-7x", "bob")]
    [InlineData("bob-", "bob")]
    [InlineData("bob--1", "bob")]
    [InlineData("my_agent", "my_agent")]
    public void An_alias_uses_up_its_name_and_its_number(string alias, string used) => NamePrefixes.UsedBy(alias).ShouldBe(used);

    [Theory]
    [InlineData("alice", "")]
    [InlineData("charlie", "alice-dev", "bob")] // D71
    [InlineData("alice", "alice-01-dev")] // D73, P33
    [InlineData("bob", "Alice")]
    [InlineData("alice", "bob-7-x")]
    public void The_first_free_candidate_wins(string next, params string[] aliases) => NamePrefixes.Free(aliases).First().ShouldBe(next);

    [Fact]
    public void After_the_names_come_the_numbered_ones_D72_P32()
    {
        var names = NamePrefixes.Candidates.Take(26).ToList();

        NamePrefixes.Free(names).First().ShouldBe("alice-01");
        NamePrefixes.Free([.. names, "alice-01-dev"]).First().ShouldBe("bob-01");
    }
}
