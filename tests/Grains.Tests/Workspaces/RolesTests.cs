using Beadhub.Workspaces;

namespace Beadhub.Grains.Tests.Workspaces;

/// <summary>The rule for roles (contract 2.2).</summary>
public class RolesTests
{
    [Theory]
    [InlineData("agent", "agent")]
    [InlineData("  Full \t Stack ", "full stack")]
    [InlineData("QA_1-x", "qa_1-x")]
    [InlineData("a b c", null)]
    [InlineData("-x", null)]
    [InlineData("dev!", null)]
    [InlineData("dev\n", "dev")]
    [InlineData("größe", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void A_role_is_normalised_or_refused(string? role, string? normalised) => Roles.Normalize(role).ShouldBe(normalised);

    [Fact]
    public void A_role_has_at_most_50_characters()
    {
        Roles.Normalize(new string('a', 50)).ShouldNotBeNull();
        Roles.Normalize(new string('a', 51)).ShouldBeNull();
    }

    [Fact]
    public void In_an_alias_the_space_is_a_hyphen() => Roles.AliasPart("full stack").ShouldBe("full-stack");
}
