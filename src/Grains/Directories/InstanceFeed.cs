namespace Beadhub.Directories;

/// <summary>
/// The feed of what belongs to the instance and to no project: slugs, origins, keys. No project's reader ever sees it.
/// </summary>
internal static class InstanceFeed
{
    /// <summary>Stands where a project id stands; no UUID is spelt like this.</summary>
    public const string Id = "-";
}
