using System.Collections.Immutable;
using Beadhub.EventLog;
using Orleans;

namespace Beadhub.Tasks;

/// <inheritdoc cref="ITaskCommentsGrain"/>
public sealed class TaskCommentsGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<TaskTalk>(log), ITaskCommentsGrain
{
    private string _taskId = "";
    private Shown? _shown;

    private sealed record Shown(TaskTalk Talk, TaskCommentList List);

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var key = this.GetPrimaryKeyString();
        _taskId = key[(key.IndexOf('/') + 1)..];
        return base.OnActivateAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<TaskComment> Add(AddComment command) =>
        ViewOf(await Transact(talk => talk.Add(command, time.Now()), result: TaskJson.Relaxed.TaskCommented));

    /// <inheritdoc/>
    public Task Take(ImmutableArray<TaskComment> comments) => Transact(talk => talk.Take(comments));

    /// <inheritdoc/>
    public async ValueTask<TaskCommentList> All()
    {
        var talk = await Read(static talk => talk);
        var shown = Volatile.Read(ref _shown);
        if (shown is null || !ReferenceEquals(shown.Talk, talk))
            Volatile.Write(ref _shown, shown = new(talk, new([.. talk.Comments.OrderBy(static said => said.At).Select(ViewOf)])));
        return shown.List;
    }

    private TaskComment ViewOf(TaskCommented comment) => new(comment.CommentId, _taskId, comment.AgentId, comment.Body, comment.At);
}

/// <summary>What was said about one task. Pure.</summary>
/// <param name="Comments">Oldest first.</param>
public sealed record TaskTalk(ImmutableList<TaskCommented> Comments) : IEventSourced<TaskTalk>
{
    /// <inheritdoc/>
    public static TaskTalk Empty { get; } = new([]);

    /// <summary>Nothing is ever taken back, so a snapshot would only say again what the events say.</summary>
    public static StreamKind<TaskTalk> Kind { get; } = new("task_comments", TaskJson.Relaxed.TaskTalk, SnapshotEvery: int.MaxValue,
        ProjectOf: key => key[..key.IndexOf('/')]);

    /// <inheritdoc/>
    public TaskTalk Apply(IEvent @event) => @event is TaskCommented comment ? new(Comments.Add(comment)) : this;

    /// <summary>Adds a comment.</summary>
    public Decision<TaskCommented> Add(AddComment command, DateTimeOffset now)
    {
        var added = new TaskCommented(command.CommentId, command.AgentId, command.Body, now);
        return Decision.Accept(added, added);
    }

    /// <summary>Takes in comments that are not here.</summary>
    public Decision<bool> Take(ImmutableArray<TaskComment> comments)
    {
        var known = Comments.Select(static said => said.CommentId).ToHashSet(StringComparer.Ordinal);
        return new([.. comments.Where(said => known.Add(said.CommentId))
            .Select(static said => new TaskCommented(said.CommentId, said.AgentId, said.Body, said.CreatedAt))], true);
    }
}
