namespace Beadhub.Projects;

/// <summary>What a bootstrap came to.</summary>
/// <param name="Agent">The agent, new or found.</param>
/// <param name="Repo">The repository, when one was given.</param>
/// <param name="Created">Whether the agent is new.</param>
/// <param name="Opened">Whether its workspace is new.</param>
internal sealed record Initialized(Agent Agent, Repo? Repo, bool Created, bool Opened);
