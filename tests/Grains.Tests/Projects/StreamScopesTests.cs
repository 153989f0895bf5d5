using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>Which events a stream shows (contract 14).</summary>
public class StreamScopesTests
{
    private readonly Team _team = new Team().Joins("alice", Story.RepoA).Joins("bob", Story.RepoA).Joins("carol", Story.RepoB)
        .Tells("alice", "Ann").Tells("bob", "Bea").Tells("carol", "Ann");

    private IEnumerable<string>? Scope(string? workspaceId = null, string? repo = null, string? humanName = null, int limit = 200) =>
        StreamScopes.Compose(_team.Sources.Roster, _team.Sources.Seen,
            new(workspaceId, repo, humanName, limit)).WorkspaceIds?.Select(_team.AliasOf);

    [Fact]
    public void Without_a_filter_the_stream_is_the_whole_project() => Scope().ShouldBeNull();

    [Fact]
    public void Workspace_goes_before_repository_and_repository_before_person()
    {
        Scope(_team.Id("carol"), Story.RepoA.Canonical, "Bea").ShouldBe(["carol"]);
        Scope(null, Story.RepoA.Canonical, "Ann").ShouldBe(["alice", "bob"], ignoreOrder: true);
        Scope(null, null, "Ann").ShouldBe(["alice", "carol"], ignoreOrder: true);
    }

    [Fact]
    public void The_last_updated_are_taken_up_to_the_limit()
    {
        _team.IsSeen("alice", 5);

        Scope(humanName: "Ann", limit: 1).ShouldBe(["alice"]);
    }

    [Fact]
    public void A_filter_without_match_is_refused_M275()
    {
        _team.Leaves("bob");

        foreach (var compose in new Func<object?>[] { () => Scope(repo: "unknown/x"), () => Scope(humanName: "Bea") })
        {
            var refused = Should.Throw<RefusedException>(compose);
            (refused.Kind, refused.Message).ShouldBe((RefusalKind.NotFound, "No workspaces found for the provided filter"));
        }

        Should.Throw<RefusedException>(() => Scope(_team.Id("bob"))).Message.ShouldBe("Workspace not found");
    }
}
