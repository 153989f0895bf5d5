using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>A claim in the index.</summary>
/// <param name="Row">As lists show it.</param>
/// <param name="Apex">Root of the bead's parents when it was claimed (contract 9.3).</param>
/// <param name="Title">Title when it was claimed.</param>
internal sealed record BoardClaim(ClaimRow Row, BeadRef? Apex, string? Title = null);
