using System.Collections.Immutable;
using Beadhub.Boards;
using Beadhub.Escalations;
using Beadhub.Presence;

namespace Beadhub.Projects;

/// <summary>
/// What a list or a status is made from, each part immutable and the same object while nothing in it changed.
/// A list that was made from the same objects is the same list.
/// </summary>
internal readonly record struct Sources(
    RosterView Roster,
    ImmutableDictionary<string, DateTimeOffset> Seen,
    PresenceSnapshot Presence,
    BoardWork Work,
    PendingEscalations? Escalations = null)
{
    /// <summary>Nobody was seen.</summary>
    public static ImmutableDictionary<string, DateTimeOffset> Unseen { get; } = ImmutableDictionary<string, DateTimeOffset>.Empty;

    /// <summary>Nobody works on anything.</summary>
    public static BoardWork NoWork { get; } = new([], ImmutableDictionary<string, WorkspaceWork>.Empty);

    /// <summary>Whether these are the same objects.</summary>
    public bool AreThoseOf(in Sources other) =>
        ReferenceEquals(Roster, other.Roster)
        && ReferenceEquals(Seen, other.Seen)
        && ReferenceEquals(Presence, other.Presence)
        && ReferenceEquals(Work, other.Work)
        && ReferenceEquals(Escalations, other.Escalations);
}
