using System.Text.Json;
using Beadhub.Workspaces;

namespace Beadhub.Grains.Tests.Workspaces;

/// <summary>What a workspace tells of itself (contract 5.2, 5.3, 8.2).</summary>
public class WorkspaceTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private Workspace _workspace = Workspace.Empty;

    private Profile Update(ProfilePatch patch, DateTimeOffset? at = null)
    {
        var decision = _workspace.Update(patch, at ?? Noon);
        foreach (var e in decision.Events) _workspace = _workspace.Apply(e);
        _workspace.Profile.ShouldBe(decision.Result);
        return decision.Result;
    }

    [Fact]
    public void A_registration_replaces_all_but_branch_and_time_zone()
    {
        Update(new(HumanName: "Ann", Role: "dev", Hostname: "h", WorkspacePath: "/w", Branch: "main", Timezone: "Europe/Madrid"));

        var profile = Update(new(Replace: true, HumanName: "", Role: "reviewer", Hostname: "", WorkspacePath: null));

        profile.ShouldBe(new Profile("", "reviewer", null, null, "main", "Europe/Madrid", profile.UpdatedAt));
    }

    [Fact]
    public void A_heartbeat_keeps_host_name_and_folder_once_they_are_known_E93()
    {
        Update(new(OnlyIfUnset: true, Hostname: "h", WorkspacePath: null));

        var profile = Update(new(OnlyIfUnset: true, Hostname: "other", WorkspacePath: "/w"));

        (profile.Hostname, profile.WorkspacePath).ShouldBe(("h", "/w"));
    }

    [Fact]
    public void What_is_missing_or_empty_blanks_nothing_E86_E91()
    {
        Update(new(HumanName: "Ann", Role: "dev", Branch: "feature/xyz", Timezone: "Europe/Madrid"));

        var profile = Update(new(HumanName: "", Role: null, Branch: "", Timezone: null));

        profile.ShouldBe(new Profile("Ann", "dev", null, null, "feature/xyz", "Europe/Madrid", Noon));
    }

    [Fact]
    public void A_role_is_kept_as_sent() => Update(new(Role: "X Y Z!")).Role.ShouldBe("X Y Z!");

    [Fact]
    public void Nothing_new_says_nothing_to_the_log()
    {
        Update(new(HumanName: "Ann", Role: "dev"));

        _workspace.Update(new(HumanName: "Ann", Role: "dev"), Noon.AddHours(1)).Events.ShouldBeEmpty();
    }

    [Fact]
    public void Times_grow_even_when_the_clock_jumps_back()
    {
        Update(new(Role: "dev"), Noon);
        var later = Update(new(Role: "reviewer"), Noon.AddHours(-1));

        later.UpdatedAt.ShouldBe(Noon.AddMicroseconds(1));
    }

    [Fact]
    public void The_key_names_project_and_workspace()
    {
        var key = IWorkspaceGrain.Key("p", "w");

        (Workspace.Kind.ProjectOf(key), Workspace.IdOf(key)).ShouldBe(("p", "w"));
    }

    [Fact]
    public void A_snapshot_gives_the_workspace_back()
    {
        Update(new(HumanName: "Ann", Branch: "main"));

        JsonSerializer.Deserialize(JsonSerializer.Serialize(_workspace, Workspace.Kind.Snapshot), Workspace.Kind.Snapshot)
            .ShouldBe(_workspace);
    }
}
