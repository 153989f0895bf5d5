namespace Beadhub.Gateway;

/// <summary>What tells people, outside the server, of what waits for them.</summary>
public interface IOutreach
{
    /// <summary>The type of agents that are people: mail to them goes out.</summary>
    const string Human = "human";

    /// <summary>Notes, durably, that people are to be looked after in a project.</summary>
    Task Begin(string projectId);

    /// <summary>Something may wait for people in a project.</summary>
    void Wake(string projectId);
}
