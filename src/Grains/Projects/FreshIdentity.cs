using Beadhub.Identities;

namespace Beadhub.Projects;

/// <summary>Ids and keys that were just made, for what a decision may come to create.</summary>
/// <param name="AgentId">Id for a new agent.</param>
/// <param name="RepoId">Id for a new repository.</param>
/// <param name="Key">Key of a new agent whose key the server keeps.</param>
/// <param name="SealedSeed">The private half, when the server keeps it.</param>
public sealed record FreshIdentity(string AgentId, string RepoId, DidKey Key, string? SealedSeed = null)
{
    /// <summary>Makes all of them.</summary>
    public static FreshIdentity Make(Seal seal)
    {
        var (key, sealedSeed) = DidKey.Make(seal);
        return new(NewId(), NewId(), key, sealedSeed);
    }

    /// <summary>A new id: a UUID in lower case with hyphens.</summary>
    public static string NewId() => Guid.NewGuid().ToString();
}
