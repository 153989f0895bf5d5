using System.Collections.Immutable;

namespace Beadhub.Projects;

/// <summary>A change of an agent's key that others are told of with its mail, for a day (protocol 12.7).</summary>
/// <param name="Id">Id of the change.</param>
/// <param name="OldDid">The key before.</param>
/// <param name="NewDid">The key after.</param>
/// <param name="Timestamp">Time as signed.</param>
/// <param name="Signature">Signature by the old key.</param>
/// <param name="At">When it happened.</param>
/// <param name="KnownTo">Agents that need not be told any more.</param>
public sealed record Rotation(
    string Id,
    string OldDid,
    string NewDid,
    string Timestamp,
    string Signature,
    DateTimeOffset At,
    ImmutableHashSet<string> KnownTo)
{
    private static readonly TimeSpan News = TimeSpan.FromHours(24);

    /// <summary>The change that an event tells of.</summary>
    public static Rotation Of(KeyRotated e) => new(e.RotationId, e.OldDid, e.NewDid, e.Timestamp, e.Signature, e.At, []);

    /// <summary>Whether others are still told of it.</summary>
    public bool IsNewsAt(DateTimeOffset now) => now - At < News;
}
