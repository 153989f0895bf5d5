namespace Beadhub.Tasks;

/// <summary>What a native task can be.</summary>
public static class TaskStatuses
{
    /// <summary>To be done.</summary>
    public const string Open = "open";

    /// <summary>Being done.</summary>
    public const string InProgress = "in_progress";

    /// <summary>Done, or not to be done.</summary>
    public const string Closed = "closed";
}
