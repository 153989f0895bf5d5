using static Beadhub.Gateway.Mcp.ToolArgument;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about native tasks.</summary>
internal sealed class TaskTools(InnerRequests api)
{
    private static readonly ToolArgument Task = Text("ref", "Task id, number, or reference such as myproj-001", true);

    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, "create_task", "Create a task.", "POST", "/v1/tasks",
            Text("title", "Title", true), Text("description", "Description"), Text("notes", "Notes"), Integer("priority", "0 (most urgent) to 4; 2 unless given"),
            Text("task_type", "Type", false, "task", "bug", "feature"), Texts("labels", "Labels"), Text("parent_task_id", "Id of the task that it is a part of"),
            Text("assignee_agent_id", "Agent that is to do it")),
        McpTool.Request(api, "list_tasks", "Tasks by number, then beads in the shape of tasks.", "GET", "/v1/tasks",
            Text("status", "open, in_progress or closed; several with commas"), Text("assignee_agent_id", "Assignee"), Text("task_type", "Type"),
            Integer("priority", "0 to 4"), Texts("labels", "All of these labels")),
        McpTool.Request(api, "ready_tasks", "Tasks that nobody has and nothing blocks, most urgent first.", "GET", "/v1/tasks/ready"),
        McpTool.Request(api, "get_task", "One task, or bead, with its texts and dependencies.", "GET", "/v1/tasks/{ref}", Task),
        McpTool.Request(api, "update_task", "Change a task. Status in_progress takes it and claims it; closed closes its parts too.", "PATCH", "/v1/tasks/{ref}",
            Task, Text("title", "Title"), Text("description", "Description"), Text("notes", "Notes"), Text("status", "Status", false, "open", "in_progress", "closed"),
            Integer("priority", "0 to 4"), Text("task_type", "Type", false, "task", "bug", "feature"), Texts("labels", "Labels"), Text("assignee_agent_id", "Agent that is to do it")),
        McpTool.Request(api, "add_task_dependency", "Make a task wait for another.", "POST", "/v1/tasks/{ref}/deps",
            Task, Text("depends_on", "The task that it waits for", true)),
        McpTool.Request(api, "comment_on_task", "Say something about a task.", "POST", "/v1/tasks/{ref}/comments", Task, Text("body", "What you say", true)),
        McpTool.Request(api, "list_task_comments", "What was said about a task, oldest first.", "GET", "/v1/tasks/{ref}/comments", Task),
    ];
}
