namespace Beadhub.Projects;

/// <summary>A workspace with its place in the order of the list.</summary>
/// <param name="Member">The workspace.</param>
/// <param name="SeenAt">When it last ran a command or sent a heartbeat, as far as is remembered.</param>
/// <param name="UpdatedAt">When it last changed or was seen.</param>
internal readonly record struct RecentMember(Member Member, DateTimeOffset? SeenAt, DateTimeOffset UpdatedAt);
