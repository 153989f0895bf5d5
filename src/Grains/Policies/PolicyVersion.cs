namespace Beadhub.Policies;

/// <summary>What the state keeps of a version: everything but its bundle.</summary>
public sealed record PolicyVersion(string Id, int Version, DateTimeOffset CreatedAt, string? CreatedBy)
{
    internal PolicyLine Line(string? activeId) => new(Id, Version, CreatedAt, CreatedBy, Id == activeId);
}
