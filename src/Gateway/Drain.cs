namespace Beadhub.Gateway;

/// <summary>
/// The time between the order to stop and the stop: the node serves on, but says that it is not ready (<c>/health/ready</c>) and that connections are not to
/// be used again, so that load balancers turn to others before it closes its door.
/// </summary>
public sealed class Drain
{
    private volatile bool _hasBegun;

    /// <summary>Whether the node is about to stop.</summary>
    public bool HasBegun => _hasBegun;

    /// <summary>From now on.</summary>
    public void Begin() => _hasBegun = true;
}
