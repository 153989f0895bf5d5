using Beadhub.Directories;

namespace Beadhub.Grains.Tests.Directories;

/// <summary>Who has a slug.</summary>
public class SlugTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_first_project_proposed_gets_the_slug_and_keeps_it()
    {
        var first = Slug.Empty.Ensure("p1", Noon);
        var taken = Slug.Empty.Apply(first.Events.ShouldHaveSingleItem());
        var second = taken.Ensure("p2", Noon);

        first.Result.ShouldBe("p1");
        second.Result.ShouldBe("p1");
        second.Events.ShouldBeEmpty();
    }

    [Fact]
    public void Slugs_are_in_no_projects_feed() => Slug.Kind.ProjectOf("demo").ShouldBe("-");
}
