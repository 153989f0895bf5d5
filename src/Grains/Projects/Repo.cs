using System.Text.Json.Serialization;

namespace Beadhub.Projects;

/// <summary>A repository of a project. Its id and name stay even when it is deleted and taken up again (contract 6).</summary>
/// <param name="Id">Repository id.</param>
/// <param name="OriginUrl">Git remote as last given.</param>
/// <param name="CanonicalOrigin">Canonical form of the remote, unique in the project.</param>
/// <param name="Name">Last segment of the path.</param>
/// <param name="CreatedAt">When it was added first.</param>
/// <param name="TakenUpAt">When it was added, taken up again or renamed last.</param>
/// <param name="DeletedAt">When it was deleted.</param>
public sealed record Repo(
    string Id,
    string OriginUrl,
    string CanonicalOrigin,
    string Name,
    DateTimeOffset CreatedAt,
    DateTimeOffset TakenUpAt,
    DateTimeOffset? DeletedAt = null)
{
    /// <summary>Whether it was not deleted.</summary>
    [JsonIgnore]
    public bool IsLiving => DeletedAt is null;

    /// <summary>Name of a repository by its origin.</summary>
    public static string NameOf(string canonicalOrigin) => canonicalOrigin[(canonicalOrigin.LastIndexOf('/') + 1)..];
}
