using System.Collections.Immutable;
using Beadhub.Boards;
using Beadhub.Presence;
using Beadhub.Workspaces;

namespace Beadhub.Projects;

/// <summary>Lists of workspaces (contract 5.6 to 5.9). Pure.</summary>
internal static class WorkspaceLists
{
    public const string Offline = "offline";

    /// <summary>A page of workspaces, last updated first (contract 5.7).</summary>
    public static WorkspacePage Page(Sources sources, WorkspaceQuery query)
    {
        var page = ImmutableArray.CreateBuilder<WorkspaceView>();
        WorkspaceCursor? last = null;
        foreach (var recent in sources.Roster.Recent(sources.Seen))
        {
            if (!Comes(recent, query.After) || !Matches(recent.Member, query)) continue;
            if (page.Count == query.Limit) return new(page.DrainToImmutable(), Next: last);
            page.Add(ViewOf(sources, recent, query.IncludeClaims));
            last = new(recent.UpdatedAt, recent.Member.Id);
        }

        return new(page.DrainToImmutable(), Next: null);
    }

    /// <summary>The workspaces that matter most: with claims first, then those present, then the last seen (contract 5.8).</summary>
    /// <remarks>The contract lets only the first 5 × limit compete, for its database's sake. Here all do, which shows nobody
    /// less.</remarks>
    public static WorkspacePage Team(Sources sources, TeamQuery query)
    {
        var ranked = new List<Ranked>();
        foreach (var recent in sources.Roster.Recent(sources.Seen))
        {
            var member = recent.Member;
            if (!member.IsActive || !Matches(query.HumanName, member.Profile.HumanName)
                || !Matches(query.Repo, member.Repo?.CanonicalOrigin)) continue;
            var claims = ClaimsOf(sources.Work, member.Id);
            if (query.OnlyWithClaims && claims.IsEmpty && member.Id != query.AlwaysIncludeWorkspaceId) continue;
            var presence = sources.Presence.Find(member.Id);
            ranked.Add(new(
                recent,
                HasClaims: !claims.IsEmpty,
                Online: presence is not null,
                LastSeen: presence?.LastSeen ?? recent.SeenAt ?? DateTimeOffset.MinValue,
                LastClaim: claims.IsEmpty ? DateTimeOffset.MinValue : claims[0].Claim.ClaimedAt));
        }

        ranked.Sort(Ranked.BestFirst);
        var own = ranked.FindIndex(entry => entry.Recent.Member.Id == query.AlwaysIncludeWorkspaceId);
        var shown = ranked.Take(query.Limit);
        // Who asked to be in the list is in it, in place of the last if need be (contract 5.8, hardened).
        if (own >= query.Limit) shown = [.. ranked.Take(query.Limit - 1), ranked[own]];
        return new([.. shown.Select(entry => ViewOf(sources, entry.Recent, query.IncludeClaims))], Next: null);
    }

    /// <summary>The workspaces that are present, last seen first, as their presence tells (contract 5.9).</summary>
    public static WorkspacePage Online(RosterView roster, PresenceSnapshot presence, string? humanName) => new(
    [
        .. presence.ByWorkspace.Values
            .Where(p => Matches(humanName, p.HumanName) && roster.Find(p.WorkspaceId) is { IsActive: true })
            .OrderByDescending(p => p.LastSeen)
            .ThenBy(p => p.Alias, StringComparer.Ordinal)
            .Select(p => new WorkspaceView
            {
                WorkspaceId = p.WorkspaceId,
                Alias = p.Alias,
                HumanName = p.HumanName,
                ProjectSlug = p.ProjectSlug,
                Program = p.Program,
                Model = p.Model,
                Branch = p.CurrentBranch,
                MemberEmail = p.MemberEmail,
                Role = p.Role,
                Status = p.Status,
                LastSeen = p.LastSeen,
            }),
    ],
    Next: null);

    /// <summary>The claims of a workspace, newest first.</summary>
    public static ImmutableArray<ClaimDetail> ClaimsOf(BoardWork work, string workspaceId) =>
        work.Workspaces.TryGetValue(workspaceId, out var own) ? own.Claims : [];

    private static WorkspaceView ViewOf(Sources sources, RecentMember recent, bool includeClaims)
    {
        var (member, seenAt, _) = recent;
        var profile = member.Profile;
        var presence = member.IsActive ? sources.Presence.Find(member.Id) : null;
        var work = sources.Work.Workspaces.GetValueOrDefault(member.Id);
        var newest = includeClaims && work is { Claims.IsEmpty: false } ? work.Claims[0] : null;
        return new()
        {
            WorkspaceId = member.Id,
            Alias = member.Agent.Alias,
            HumanName = profile.HumanName,
            ProjectId = sources.Roster.Project.Id,
            ProjectSlug = sources.Roster.Project.Slug,
            Program = presence?.Program,
            Model = presence?.Model,
            Repo = member.Repo?.CanonicalOrigin,
            Branch = Text.OrNull(presence?.CurrentBranch) ?? profile.Branch,
            MemberEmail = presence?.MemberEmail,
            Role = presence?.Role ?? profile.Role,
            Hostname = profile.Hostname,
            WorkspacePath = profile.WorkspacePath,
            ApexId = newest?.Apex?.BeadId,
            ApexTitle = newest?.ApexTitle,
            ApexType = newest?.ApexType,
            FocusApexId = work?.Focus?.BeadId,
            FocusApexTitle = work?.FocusTitle,
            FocusApexType = work?.FocusType,
            FocusApexRepoName = Text.OrNull(work?.Focus?.Repo),
            FocusApexBranch = Text.OrNull(work?.Focus?.Branch),
            FocusUpdatedAt = work?.FocusUpdatedAt,
            Status = presence?.Status ?? Offline,
            LastSeen = presence?.LastSeen ?? seenAt,
            DeletedAt = member.Agent.DeletedAt,
            Claims = newest is null ? [] : [.. work!.Claims.Select(ViewOf)],
        };
    }

    private static WorkspaceClaim ViewOf(ClaimDetail claim) =>
        new(claim.Claim.BeadId, claim.Title, claim.Claim.ClaimedAt, claim.Apex?.BeadId, claim.ApexTitle, claim.ApexType);

    private static bool Comes(RecentMember recent, WorkspaceCursor? after) =>
        after is null
        || recent.UpdatedAt < after.UpdatedAt
        || (recent.UpdatedAt == after.UpdatedAt && after.WorkspaceId is { } id && string.CompareOrdinal(recent.Member.Id, id) > 0);

    private static bool Matches(Member member, WorkspaceQuery query) =>
        (member.IsActive || query.IncludeDeleted)
        && Matches(query.WorkspaceId, member.Id)
        && Matches(query.HumanName, member.Profile.HumanName)
        && Matches(query.Repo, member.Repo?.CanonicalOrigin)
        && Matches(query.Alias, member.Agent.Alias)
        && Matches(query.Hostname, member.Profile.Hostname);

    private static bool Matches(string? wanted, string? actual) => wanted is null || wanted == actual;

    private sealed record Ranked(RecentMember Recent, bool HasClaims, bool Online, DateTimeOffset LastSeen, DateTimeOffset LastClaim)
    {
        public static int BestFirst(Ranked a, Ranked b)
        {
            var order = b.HasClaims.CompareTo(a.HasClaims);
            if (order == 0) order = b.Online.CompareTo(a.Online);
            if (order == 0) order = b.LastSeen.CompareTo(a.LastSeen);
            if (order == 0) order = b.LastClaim.CompareTo(a.LastClaim);
            return order != 0 ? order : string.CompareOrdinal(a.Recent.Member.Agent.Alias, b.Recent.Member.Agent.Alias);
        }
    }
}

/// <summary>A workspace with all that its project knows of it.</summary>
/// <param name="Agent">Its agent.</param>
/// <param name="Repo">Its repository; null when that was deleted.</param>
/// <param name="Profile">Its profile.</param>
internal sealed record Member(Agent Agent, Repo? Repo, Profile Profile)
{
    public string Id => Agent.Id;

    public bool IsActive => Agent.IsLiving;

    /// <summary>When its profile or its link changed last.</summary>
    public DateTimeOffset ChangedAt { get; } =
        Profile.UpdatedAt > Agent.Workspace!.ChangedAt ? Profile.UpdatedAt.Value : Agent.Workspace.ChangedAt;
}

/// <summary>A workspace with its place in the order of the list.</summary>
/// <param name="Member">The workspace.</param>
/// <param name="SeenAt">When it last ran a command or sent a heartbeat, as far as is remembered.</param>
/// <param name="UpdatedAt">When it last changed or was seen.</param>
internal readonly record struct RecentMember(Member Member, DateTimeOffset? SeenAt, DateTimeOffset UpdatedAt);
