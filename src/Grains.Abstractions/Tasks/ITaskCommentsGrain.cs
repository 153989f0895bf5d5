using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Tasks;

/// <summary>What is said about one native task. Key: project id, slash, task id. In memory only while somebody reads or writes
/// it.</summary>
[Alias("beadhub.task_comments")]
public interface ITaskCommentsGrain : IGrainWithStringKey
{
    /// <summary>Key of the grain.</summary>
    static string Key(string projectId, string taskId) => $"{projectId}/{taskId}";

    /// <summary>Adds a comment. The same id again, from the same agent, is answered as the first time when the command may be a
    /// repeat.</summary>
    [AlwaysInterleave]
    Task<TaskComment> Add(AddComment command);

    /// <summary>Takes in what was said elsewhere, as it was said; what is here already stays as it is.</summary>
    [Repeatable, AlwaysInterleave]
    Task Take(ImmutableArray<TaskComment> comments);

    /// <summary>All comments, oldest first. The same object is returned while there is no new one.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<TaskCommentList> All();
}

/// <summary>A comment to be added. The text is checked.</summary>
/// <param name="CommentId">Id for it.</param>
/// <param name="AgentId">Who says it.</param>
/// <param name="Body">Text, 1 to 65,536 characters.</param>
[GenerateSerializer, Immutable, Alias("task.add_comment.v1")]
public sealed record AddComment(
    [property: Id(0)] string CommentId,
    [property: Id(1)] string AgentId,
    [property: Id(2)] string Body);

/// <summary>A comment on a task.</summary>
[GenerateSerializer, Immutable, Alias("task.comment.v1")]
public sealed record TaskComment(
    [property: Id(0)] string CommentId,
    [property: Id(1)] string TaskId,
    [property: Id(2)] string AgentId,
    [property: Id(3)] string Body,
    [property: Id(4)] DateTimeOffset CreatedAt);

/// <summary>The comments on a task, oldest first.</summary>
[GenerateSerializer, Immutable, Alias("task.comments.v1")]
public sealed record TaskCommentList([property: Id(0)] ImmutableArray<TaskComment> Comments);
