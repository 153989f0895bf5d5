using System.Collections.Immutable;
using Beadhub.Beads;
using Beadhub.Boards;
using Beadhub.Presence;
using Beadhub.Projects;
using Beadhub.Workspaces;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>A project's people and their work, put together piece by piece, as lists and the status see them.</summary>
internal sealed class Team
{
    private readonly Dictionary<string, string> _ids = [];
    private readonly List<(ClaimDetail Claim, DateTimeOffset At)> _claims = [];
    private ImmutableDictionary<string, Profile> _profiles = ImmutableDictionary<string, Profile>.Empty;
    private ImmutableDictionary<string, DateTimeOffset> _seen = ImmutableDictionary<string, DateTimeOffset>.Empty;
    private PresenceSnapshot _presence = PresenceSnapshot.Empty;

    public Story Story { get; } = new();

    public Sources Sources
    {
        get
        {
            var claims = _claims.OrderByDescending(c => c.At)
                .Select(c => c.Claim with { ClaimantCount = _claims.Count(other => other.Claim.Claim.BeadId == c.Claim.Claim.BeadId) })
                .ToImmutableArray();
            return new(
                new(Story.Project, _profiles),
                _seen,
                _presence,
                new(claims, claims.GroupBy(c => c.Claim.WorkspaceId).ToImmutableDictionary(
                    g => g.Key,
                    g => new WorkspaceWork([.. g], g.First().Apex, g.First().ApexTitle, g.First().ApexType, g.First().Claim.ClaimedAt))));
        }
    }

    public string Id(string alias) => _ids[alias];

    public string AliasOf(string id) => _ids.Single(entry => entry.Value == id).Key;

    public Team Joins(string alias, Origin? origin = null, string type = "agent")
    {
        _ids[alias] = Story.Init(alias, origin, type: type).Agent.Id;
        return this;
    }

    public Team Tells(string alias, string humanName = "Ann", string? role = null, string? hostname = null, string? branch = null)
    {
        _profiles = _profiles.SetItem(Id(alias), new(humanName, role, hostname, null, branch, null, At(0)));
        return this;
    }

    public Team IsSeen(string alias, int second)
    {
        _seen = _seen.SetItem(Id(alias), At(second));
        return this;
    }

    public Team IsPresent(string alias, int second, Func<AgentPresence, AgentPresence>? but = null)
    {
        var presence = new AgentPresence(
            Id(alias), alias, "Ann", Story.ProjectId, "demo", "", "", "bdh", "", "active", "", null, null, null, At(second),
            At(second + 1800));
        _presence = _presence.With(but is null ? presence : but(presence));
        return this;
    }

    public Team Claims(string alias, string beadId, int second, string? title = null, BeadRef? apex = null)
    {
        _claims.Add(
            (new(new(beadId, Id(alias), alias, "Ann", At(second), Story.ProjectId), title, 1, apex, apex is null ? null : "Apex", "epic"),
            At(second)));
        return this;
    }

    public Team Leaves(string alias)
    {
        Story.Do((project, now) => project.DeleteWorkspace(Id(alias), now));
        return this;
    }

    /// <summary>A time after all decisions of the story.</summary>
    public static DateTimeOffset At(int second) => new(new DateTime(2026, 3, 2, 12, 0, 0, DateTimeKind.Utc).AddSeconds(second));
}
