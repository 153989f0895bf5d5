namespace Beadhub.Grains.Tests;

public class NamesTests
{
    [Theory]
    [InlineData("bd-1", true)]
    [InlineData("widgets-c33.1", true)]
    [InlineData("A_b.c-9", true)]
    [InlineData("9", true)]
    [InlineData("", false)]
    [InlineData("-bd", false)]
    [InlineData(".bd", false)]
    [InlineData("../bad", false)]
    [InlineData("bd/1", false)]
    [InlineData("bd 1", false)]
    [InlineData("bd-1\n", false)]
    [InlineData("bdé", false)]
    public void Bead_ids_follow_contract_2(string id, bool valid) => Names.IsBeadId(id).ShouldBe(valid);

    [Fact]
    public void Bead_ids_have_at_most_100_characters()
    {
        Names.IsBeadId(new string('a', 100)).ShouldBeTrue();
        Names.IsBeadId(new string('a', 101)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("github.com/org/repo", true)]
    [InlineData("my-repo", true)]
    [InlineData("a/../b", false)]
    [InlineData("a//b", false)]
    [InlineData("/a", false)]
    [InlineData("a/", false)]
    [InlineData("", false)]
    [InlineData("a/.git", false)]
    [InlineData("$(whoami)", false)]
    public void Repositories_follow_contract_2(string repo, bool valid) => Names.IsCanonicalOrigin(repo).ShouldBe(valid);

    [Theory]
    [InlineData("main", true)]
    [InlineData("feature/test", true)]
    [InlineData("a//b", true)]
    [InlineData("/main", false)]
    [InlineData("../../../etc/passwd", false)]
    [InlineData("", false)]
    public void Branches_follow_contract_2(string branch, bool valid) => Names.IsBranch(branch).ShouldBe(valid);
}
