using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Workspaces;

/// <summary>
/// One workspace: the profile that its agent keeps telling about. Key: project id, slash, workspace id (which is the agent id).
/// Whether it exists, under which alias and for which repository, is its project's decision.
/// </summary>
[Alias("beadhub.workspace")]
public interface IWorkspaceGrain : IGrainWithStringKey
{
    /// <summary>Key of the grain.</summary>
    static string Key(string projectId, string workspaceId) => $"{projectId}/{workspaceId}";

    /// <summary>Applies what is given and differs. Says nothing to the log when nothing does.</summary>
    [Repeatable]
    Task<Profile> Update(ProfilePatch patch);

    /// <summary>The profile.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<Profile> Get();
}

/// <summary>What a workspace says of itself.</summary>
/// <param name="HumanName">Human behind the agent; may be empty.</param>
/// <param name="Role">Role, or null.</param>
/// <param name="Hostname">Host name, or null.</param>
/// <param name="WorkspacePath">Folder on that host, or null.</param>
/// <param name="Branch">Current branch, or null.</param>
/// <param name="Timezone">Time zone name, or null.</param>
/// <param name="UpdatedAt">When any of it last changed; null when it never was told.</param>
[GenerateSerializer, Immutable, Alias("workspace.profile.v1")]
public sealed record Profile(
    [property: Id(0)] string HumanName,
    [property: Id(1)] string? Role,
    [property: Id(2)] string? Hostname,
    [property: Id(3)] string? WorkspacePath,
    [property: Id(4)] string? Branch,
    [property: Id(5)] string? Timezone,
    [property: Id(6)] DateTimeOffset? UpdatedAt);

/// <summary>What to change of a profile.</summary>
/// <param name="Replace">Whether parts that are null are cleared (registration) or kept (heartbeat, command).</param>
/// <param name="OnlyIfUnset">Whether host name and path are kept once they are known (heartbeat, contract 5.3).</param>
/// <param name="HumanName">Human name.</param>
/// <param name="Role">Role.</param>
/// <param name="Hostname">Host name.</param>
/// <param name="WorkspacePath">Folder.</param>
/// <param name="Branch">Branch; never cleared.</param>
/// <param name="Timezone">Time zone; never cleared.</param>
[GenerateSerializer, Immutable, Alias("workspace.patch.v1")]
public sealed record ProfilePatch(
    [property: Id(0)] bool Replace = false,
    [property: Id(1)] bool OnlyIfUnset = false,
    [property: Id(2)] string? HumanName = null,
    [property: Id(3)] string? Role = null,
    [property: Id(4)] string? Hostname = null,
    [property: Id(5)] string? WorkspacePath = null,
    [property: Id(6)] string? Branch = null,
    [property: Id(7)] string? Timezone = null);

/// <summary>A workspace told something new of itself.</summary>
/// <param name="Profile">The profile as it is now.</param>
[GenerateSerializer, Immutable, Alias("workspace.profile_changed.v1")]
public sealed record ProfileChanged([property: Id(0)] Profile Profile) : IEvent;
