using System.Collections.Immutable;
using Beadhub.EventLog;

namespace Beadhub.Tasks;

/// <summary>What was said about one task. Pure.</summary>
/// <param name="Comments">Oldest first.</param>
public sealed record TaskTalk(ImmutableList<TaskCommented> Comments) : IEventSourced<TaskTalk>
{
    /// <inheritdoc/>
    public static TaskTalk Empty { get; } = new([]);

    /// <summary>Nothing is ever taken back, so a snapshot would only say again what the events say.</summary>
    public static StreamKind<TaskTalk> Kind { get; } = new("task_comments", TaskJson.Relaxed.TaskTalk, SnapshotEvery: int.MaxValue, ProjectOf: key => key[..key.IndexOf('/')]);

    /// <inheritdoc/>
    public TaskTalk Apply(IEvent @event) => @event is TaskCommented comment ? new(Comments.Add(comment)) : this;

    /// <summary>Adds a comment.</summary>
    public Decision<TaskCommented> Add(AddComment command, DateTimeOffset now)
    {
        var added = new TaskCommented(command.CommentId, command.AgentId, command.Body, now);
        return Decision.Accept(added, added);
    }
}
