using System.Text.Json;
using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>The project as the log keeps it.</summary>
public class ProjectSnapshotTests
{
    [Fact]
    public void A_snapshot_gives_the_project_back_as_it_was()
    {
        var story = new Story();
        story.Init("alice", Story.RepoA, name: "Größe <&>");
        var bob = story.Init("bob", Story.RepoA);
        story.Init("charlie");
        story.Do((project, now) => project.DeleteWorkspace(bob.Agent.Id, now));
        var removed = story.Init("dave", Story.RepoB);
        story.Do((project, now) => project.DeleteRepo(removed.Repo!.Id, now));

        var json = JsonSerializer.Serialize(story.Project, Project.Kind.Snapshot);
        var read = JsonSerializer.Deserialize(json, Project.Kind.Snapshot)!;

        json.ShouldContain("Größe <&>");
        json.ShouldContain("\"uncleared_workspaces\"");
        json.ShouldNotContain("null");
        read.Roster.Agents.ShouldBe(story.Project.Roster.Agents, ignoreOrder: true);
        read.Repos.ShouldBe(story.Project.Repos, ignoreOrder: true);
        read.UnclearedWorkspaces.ShouldBe(story.Project.UnclearedWorkspaces, ignoreOrder: true);
        read.UnclearedRepos.ShouldBe(story.Project.UnclearedRepos);
        (read.Id, read.Slug, read.Name, read.CreatedAt).ShouldBe((story.Project.Id, "demo", "Größe <&>", story.Project.CreatedAt));
        // The index by alias is made anew, of the living.
        read.Roster.Named("alice")!.Workspace.ShouldNotBeNull();
        read.Roster.Named("bob").ShouldBeNull();
        read.Roster.Aliases.ShouldBe(["alice", "charlie"], ignoreOrder: true);
    }

    [Fact]
    public void Every_event_is_kept_under_its_name()
    {
        var at = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        foreach (IEvent e in new IEvent[] { new RepoCleared("r"), new WorkspaceCleared("w"), new WorkspaceRestored("w", at),
            new RepoRemoved("r", at) })
            EventTypes.Parse(EventTypes.NameOf(e), EventTypes.Serialize(e)).ShouldBe(e);
    }
}
