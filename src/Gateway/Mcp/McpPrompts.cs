using ModelContextProtocol.Protocol;

namespace Beadhub.Gateway.Mcp;

/// <summary>The prompts: ways of working that a person can start.</summary>
internal static class McpPrompts
{
    private static readonly (Prompt Prompt, Func<Func<string, string?>, string> Text)[] All =
    [
        (new()
        {
            Name = "start_work",
            Title = "Start work",
            Description = "Take the next bead and bring it to its end",
            Arguments = [new() { Name = "bead_id", Description = "This bead; the best ready one unless given" }],
        }, argument => $"""
            Work as an agent of this team.
            1. Call whoami, then get_policy, and keep to what it says.
            2. Read fetch_inbox. Answer what waits for you with reply_message and mark_message_read.
            3. {(argument("bead_id") is { } bead ? $"Take bead {bead}: update_issue with status in_progress. When it is held, say by whom and stop."
                : "Call claim_next. When it has nothing, say so and stop.")} Read the bead with get_issue.
            4. Before you change files, reserve them with acquire_lock. When one is held, write to its holder or do something else.
            5. Do the work. What you find on the way becomes a bead of its own: create_issue. Tell what others must know with
               comment_on_issue or send_message. Ask a human with escalate when a decision is not yours, then wait_for the answer.
            6. When it is done and tested: close_issue with what was done, release_lock, and look at fetch_inbox again.
            """),
        (new()
        {
            Name = "hand_over",
            Title = "Hand over",
            Description = "Leave a bead so that somebody else can go on with it",
            Arguments =
            [
                new() { Name = "bead_id", Description = "The bead", Required = true },
                new() { Name = "to", Description = "Alias of who goes on; whoever comes next unless given" },
            ],
        }, argument => $"""
            Hand bead {argument("bead_id")} over.
            1. Read it with get_issue, and what you have reserved with list_locks.
            2. comment_on_issue: what is done, what is left, what was tried and did not work, which files and commits matter.
            3. What is left and stands alone becomes a bead: create_issue with blocked_by or parent_id.
            4. update_issue with status open, release_bead, and release_lock for each of your reservations.
            5. {(argument("to") is { } to ? $"send_message to {to}: what you hand over and what comes next. Then wait_for mail: the answer."
                : "Call list_agents; who is likely to go on with it gets a send_message.")}
            """),
        (new()
        {
            Name = "review",
            Title = "Review",
            Description = "Review the work on a bead",
            Arguments = [new() { Name = "bead_id", Description = "The bead", Required = true }],
        }, argument => $"""
            Review the work on bead {argument("bead_id")}.
            1. get_issue: what was to be done, and when it counts as done. list_claims: who works on it.
            2. join_bead with role reviewer, so that others see it.
            3. Read the change and run its tests. Judge against the bead's acceptance criteria and get_policy with role reviewer.
            4. comment_on_issue with what you found, the most important first. What is beyond this bead becomes one of its own: create_issue.
            5. send_message to who works on it: whether it is good, or what must change. Then release_bead.
            """),
    ];

    public static ListPromptsResult List { get; } = new() { Prompts = [.. All.Select(one => one.Prompt)] };

    /// <summary>A prompt with its arguments filled in.</summary>
    /// <exception cref="CallFailedException">There is no such prompt, or it lacks an argument.</exception>
    public static GetPromptResult Get(string name, Func<string, string?> argument)
    {
        var (prompt, text) = All.FirstOrDefault(one => one.Prompt.Name == name);
        if (prompt is null)
            throw new CallFailedException(McpEndpoint.InvalidParams,
                $"Unknown prompt. There are {string.Join(", ", All.Select(one => one.Prompt.Name))}");
        foreach (var one in prompt.Arguments!)
            if (one.Required is true && string.IsNullOrWhiteSpace(argument(one.Name)))
                throw new CallFailedException(McpEndpoint.InvalidParams, $"{name} needs {one.Name}");
        return new()
        {
            Description = prompt.Description,
            Messages = [new() { Role = Role.User, Content = new TextContentBlock { Text = text(argument) } }],
        };
    }
}
