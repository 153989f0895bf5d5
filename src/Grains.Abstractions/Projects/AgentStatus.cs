namespace Beadhub.Projects;

/// <summary>States of an agent's identity (contract 4.2).</summary>
public static class AgentStatus
{
    /// <summary>Alive.</summary>
    public const string Active = "active";

    /// <summary>Alive, but replaced by a successor (protocol 12.8).</summary>
    public const string Retired = "retired";

    /// <summary>Ended with its workspace, or by itself.</summary>
    public const string Deregistered = "deregistered";
}
