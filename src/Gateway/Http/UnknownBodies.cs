namespace Beadhub.Gateway.Http;

/// <summary>
/// The memory that bodies of callers nobody knows may hold together. What is wrong with a body is told before who asks is looked at
/// (contract 0.3), so bodies have to be read for anybody; a few dozen of the largest at once would otherwise be enough to slow all others
/// down.
/// </summary>
internal sealed class UnknownBodies
{
    /// <summary>Bytes of one body that are not counted: no request without credentials has more.</summary>
    public const int Free = 64 * 1024;

    /// <summary>Bytes of all together: two of the largest.</summary>
    public const long Most = 2 * GatewaySettings.MaxBodyBytes;

    private long _taken;

    /// <summary>Takes bytes; false when so many are not left.</summary>
    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= Most) return true;
        Interlocked.Add(ref _taken, -bytes);
        return false;
    }

    /// <summary>Gives bytes back.</summary>
    public void Return(long bytes) => Interlocked.Add(ref _taken, -bytes);
}
