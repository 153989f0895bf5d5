namespace Beadhub.Policies;

/// <summary>The policy that every project starts with.</summary>
public interface IDefaultPolicy
{
    /// <summary>The bundle as JSON (contract 10.1).</summary>
    string Bundle { get; }

    /// <summary>Reads it anew, for a reset, where it may have been edited since the start.</summary>
    /// <exception cref="UnavailableException">It cannot be read; the one before stays.</exception>
    string Reload();
}
