namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about native tasks.</summary>
internal sealed class TaskTools(InnerRequests api, Operations operations)
{
    private const string ABead = "A bead is changed by update_issue, close_issue and comment_on_issue.";

    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, operations["createTask"], "create_task", "Create a task."),
        McpTool.Request(api, operations["listTasks"], "list_tasks", "Tasks by number, then beads in the shape of tasks."),
        McpTool.Request(api, operations["listReadyTasks"], "ready_tasks", "Tasks that nobody has and nothing blocks, most urgent first."),
        McpTool.Request(api, operations["getTask"], "get_task", "One task, or bead, with its texts and dependencies."),
        McpTool.Request(api, operations["updateTask"], "update_task",
            "Change a task. Status in_progress takes it and claims it; closed closes its parts too.") with { WhenNotFound = ABead },
        McpTool.Request(api, operations["addTaskDependency"], "add_task_dependency", "Make a task wait for another."),
        McpTool.Request(api, operations["commentOnTask"], "comment_on_task", "Say something about a task.") with
        {
            WhenNotFound = ABead,
        },
        McpTool.Request(api, operations["listTaskComments"], "list_task_comments", "What was said about a task, oldest first."),
    ];
}
