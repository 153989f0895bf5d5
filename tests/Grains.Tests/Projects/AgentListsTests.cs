using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>The list of agents (contract 4.2; checklist D).</summary>
public class AgentListsTests
{
    private readonly Team _team = new Team().Joins("bob", Story.RepoA).Joins("alice").Joins("Zoe");

    private AgentView[] Agents => [.. AgentLists.Compose(_team.Sources, Story.ProjectId).Agents];

    [Fact]
    public void Living_agents_come_by_alias_D63()
    {
        Agents.Select(agent => agent.Alias).ShouldBe(["Zoe", "alice", "bob"]);

        _team.Leaves("bob");
        Agents.Select(agent => agent.Alias).ShouldBe(["Zoe", "alice"]);
    }

    [Fact]
    public void An_agent_shows_its_identity_D62()
    {
        var alice = Agents.Single(agent => agent.Alias == "alice");

        alice.Did.ShouldNotBeNull();
        alice.Did.ShouldStartWith("did:key:z");
        (alice.Custody, alice.Lifetime, alice.IdentityStatus, alice.AccessMode, alice.HumanName, alice.AgentType)
            .ShouldBe(("custodial", "ephemeral", "active", "open", "Ann", "agent"));
    }

    [Fact]
    public void Without_presence_an_agent_is_offline_with_it_online_D64_D65_P44()
    {
        _team.IsPresent("alice", 5);

        var bob = Agents.Single(agent => agent.Alias == "bob");
        var alice = Agents.Single(agent => agent.Alias == "alice");

        (bob.Status, bob.Online, bob.LastSeen).ShouldBe(("offline", false, null));
        (alice.Status, alice.Online, alice.LastSeen).ShouldBe(("active", true, Team.At(5)));
    }

    [Fact]
    public void Agents_of_type_system_are_hidden_and_humans_shown_D66_P46()
    {
        _team.Joins("notifier", type: "system").Joins("carol", type: "human");

        Agents.Select(agent => agent.Alias).ShouldBe(["Zoe", "alice", "bob", "carol"]);
    }

    [Fact]
    public void A_project_that_was_never_created_has_no_agents()
    {
        var none = AgentLists.Compose(new Team().Sources, "unknown");

        none.ProjectId.ShouldBe("unknown");
        none.Agents.ShouldBeEmpty();
    }
}
