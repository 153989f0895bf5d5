namespace Beadhub.Projects;

/// <summary>An agent's open workspace.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Repo">The repository.</param>
/// <param name="Created">Whether it was opened only now.</param>
internal sealed record Opened(Agent Agent, Repo Repo, bool Created);
