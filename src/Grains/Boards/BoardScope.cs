using System.Collections.Immutable;
using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>The issues of one repository and branch in the index.</summary>
/// <param name="Count">Number of issues.</param>
/// <param name="ByDigest">Issues by the digest of the line that they came from, by which a line sent again is recognised without parsing it.</param>
internal sealed record BoardScope(int Count, ImmutableDictionary<LineDigest, BeadRecord> ByDigest)
{
    /// <summary>A repository and branch without issues.</summary>
    public static BoardScope None { get; } = new(0, ImmutableDictionary<LineDigest, BeadRecord>.Empty);
}
