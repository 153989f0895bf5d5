namespace Beadhub.Boards;

/// <summary>A workspace in the index: one that ever claimed.</summary>
/// <param name="Claims">Its claims, newest first.</param>
/// <param name="LastRelease">When a claim of it last ended.</param>
internal sealed record BoardWorkspace(Sorted<BoardClaim> Claims, DateTimeOffset? LastRelease)
{
    /// <summary>A workspace that never claimed.</summary>
    public static BoardWorkspace None { get; } = new(Sorted<BoardClaim>.Empty(BoardOrders.Claimed), null);
}
