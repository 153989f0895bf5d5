namespace Beadhub.Projects;

/// <summary>Ids and keys that were just made, for what a decision may come to create.</summary>
/// <param name="AgentId">Id for a new agent.</param>
/// <param name="RepoId">Id for a new repository.</param>
/// <param name="Key">Key of a new agent.</param>
public sealed record FreshIdentity(string AgentId, string RepoId, DidKey Key)
{
    /// <summary>Makes all of them.</summary>
    public static FreshIdentity Make() => new(NewId(), NewId(), DidKey.Make());

    /// <summary>A new id: a UUID in lower case with hyphens.</summary>
    public static string NewId() => Guid.NewGuid().ToString();
}
