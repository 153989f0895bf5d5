using System.Collections.Immutable;
using Beadhub.Workspaces;

namespace Beadhub.Projects;

/// <summary>A project with its workspaces' profiles at one instant: what lists and the status are made from. Immutable but for what it
/// remembers of itself.</summary>
internal sealed class RosterView(Project project, ImmutableDictionary<string, Profile> profiles)
{
    private Member[]? _members;
    private RecentMembers? _recent;

    public Project Project => project;

    public ImmutableDictionary<string, Profile> Profiles => profiles;

    /// <summary>All workspaces, the deleted ones included.</summary>
    public IReadOnlyList<Member> Members =>
        _members ??= [.. project.Roster.Agents.Values.Where(agent => agent.Workspace is not null).Select(MemberOf)];

    /// <summary>A workspace, deleted or not.</summary>
    public Member? Find(string workspaceId) => project.Roster.Find(workspaceId) is { Workspace: not null } agent ? MemberOf(agent) : null;

    /// <summary>All workspaces, last updated first, then by id.</summary>
    public IReadOnlyList<RecentMember> Recent(ImmutableDictionary<string, DateTimeOffset> seen)
    {
        var recent = Volatile.Read(ref _recent);
        if (recent is null || !ReferenceEquals(recent.Seen, seen)) Volatile.Write(ref _recent, recent = new(seen, Sorted(seen)));
        return recent.Members;
    }

    private Member MemberOf(Agent agent) =>
        new(agent, project.LivingRepoOf(agent), profiles.GetValueOrDefault(agent.Id) ?? WithoutProfile(agent));

    // The workspace is open but has not told its profile yet, or the node died before it could.
    private static Profile WithoutProfile(Agent agent) => Workspace.Empty.Profile with { HumanName = agent.HumanName };

    private RecentMember[] Sorted(ImmutableDictionary<string, DateTimeOffset> seen)
    {
        var sorted = new RecentMember[Members.Count];
        for (var i = 0; i < sorted.Length; i++)
        {
            var member = Members[i];
            DateTimeOffset? lastSeen = seen.TryGetValue(member.Id, out var at) ? at : null;
            sorted[i] = new(member, lastSeen, lastSeen > member.ChangedAt ? lastSeen.Value : member.ChangedAt);
        }

        Array.Sort(sorted, static (a, b) => b.UpdatedAt.CompareTo(a.UpdatedAt) is var order and not 0 ? order
            : string.CompareOrdinal(a.Member.Id, b.Member.Id));
        return sorted;
    }

    private sealed record RecentMembers(ImmutableDictionary<string, DateTimeOffset> Seen, RecentMember[] Members);
}
