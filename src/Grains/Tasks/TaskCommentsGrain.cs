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
    public async Task<TaskComment> Add(AddComment command) => ViewOf(await Transact(talk => talk.Add(command, time.Now()), result: TaskJson.Relaxed.TaskCommented));

    /// <inheritdoc/>
    public async ValueTask<TaskCommentList> All()
    {
        var talk = await Read(static talk => talk);
        var shown = Volatile.Read(ref _shown);
        if (shown is null || !ReferenceEquals(shown.Talk, talk)) Volatile.Write(ref _shown, shown = new(talk, new([.. talk.Comments.Select(ViewOf)])));
        return shown.List;
    }

    private TaskComment ViewOf(TaskCommented comment) => new(comment.CommentId, _taskId, comment.AgentId, comment.Body, comment.At);
}
