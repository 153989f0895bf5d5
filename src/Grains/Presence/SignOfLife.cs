namespace Beadhub.Presence;

/// <summary>What an agent tells with a sign of life (contract 18).</summary>
/// <param name="ProjectId">Project.</param>
/// <param name="ProjectSlug">Its slug.</param>
/// <param name="WorkspaceId">Workspace, which is the agent.</param>
/// <param name="Alias">Alias.</param>
public sealed record SignOfLife(string ProjectId, string ProjectSlug, string WorkspaceId, string Alias)
{
    /// <summary>Human name; missing blanks it.</summary>
    public string? HumanName { get; init; }

    /// <summary>Repository; missing blanks it.</summary>
    public string? RepoId { get; init; }

    /// <summary>Program; missing blanks it.</summary>
    public string? Program { get; init; }

    /// <summary>Model; missing blanks it.</summary>
    public string? Model { get; init; }

    /// <summary>Branch; missing blanks it.</summary>
    public string? CurrentBranch { get; init; }

    /// <summary>Role in any spelling; missing, or one that breaks the rule, keeps the one before.</summary>
    public string? Role { get; init; }

    /// <summary>Canonical origin; missing keeps the one before.</summary>
    public string? CanonicalOrigin { get; init; }

    /// <summary>Time zone; missing keeps the one before.</summary>
    public string? Timezone { get; init; }

    /// <summary>How long it counts; null for the setting.</summary>
    public TimeSpan? Ttl { get; init; }
}
