namespace Beadhub.Projects;

/// <summary>Who keeps an agent's signing key (protocol 12.2).</summary>
public static class Custodies
{
    /// <summary>The agent itself.</summary>
    public const string Self = "self";

    /// <summary>The server.</summary>
    public const string Custodial = "custodial";
}

/// <summary>What an agent may do in its project.</summary>
public static class ProjectRoles
{
    /// <summary>All of it: also the policy, webhooks, keys, roles, and what is others'.</summary>
    public const string Lead = "lead";

    /// <summary>Its own work.</summary>
    public const string Agent = "agent";

    /// <summary>Reads only.</summary>
    public const string Observer = "observer";
}

/// <summary>How long an agent is meant to be (protocol 2).</summary>
public static class Lifetimes
{
    /// <summary>For a task: it deregisters.</summary>
    public const string Ephemeral = "ephemeral";

    /// <summary>For good: it retires.</summary>
    public const string Persistent = "persistent";
}

/// <summary>Who may write to an agent (protocol 6.4). Within a project everybody may.</summary>
public static class AccessModes
{
    /// <summary>Everybody.</summary>
    public const string Open = "open";

    /// <summary>Contacts.</summary>
    public const string ContactsOnly = "contacts_only";
}

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
