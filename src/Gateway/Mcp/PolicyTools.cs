using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway.Mcp;

/// <summary>Tools about the project's policy.</summary>
internal sealed class PolicyTools(InnerRequests api, Operations operations)
{
    /// <summary>
    /// What the default policy says in the words of <c>bdh</c>, in those of the tools. It stands beside a project's own rules too, which
    /// name the same commands.
    /// </summary>
    private const string OverMcp = """
        You work over MCP: where the rules name a `bdh` command, use the tool that does the same.

        | the rules say | you call |
        | --- | --- |
        | `bdh ready` | `get_ready_issues`; `claim_next` takes the best of them |
        | `bdh show <id>` | `get_issue` |
        | `bdh update <id> --status in_progress` | `update_issue` with status in_progress, which claims the bead; `join_bead` to work beside its holder |
        | `bdh close <id>` | `close_issue` with the reason; it releases the claim |
        | `bdh create "title" --deps …` | `create_issue`, with `blocked_by` and `parent_id`; what you found on the way is told by `comment_on_issue` |
        | `bdh :status`, `bdh :aweb whoami` | `status`, `list_agents`, `whoami` |
        | `bdh :policy` | `get_policy` with your role |
        | `bdh :aweb mail send`, `list`, `open` | `send_message`, `fetch_inbox`, `mark_message_read`; `reply_message` answers |
        | `bdh :aweb chat send`, `pending`, `open`, `history`, `hang-on` | `chat_send`, `chat_reply` (with hang_on), `chat_pending`, `chat_history`, `chat_mark_read` |
        | waiting for an answer, `chat listen` | `wait_for` mail, chat, a human's answer or a bead |
        | `bdh :aweb lock <path>`, `unlock` | `acquire_lock` (several keys, patterns), `release_lock`; `list_locks` shows what is held, until when |
        | `bdh :escalate "subject" "…"` | `escalate`, then `wait_for` the answer |
        | only ever as yourself | your key says who you are: leave `workspace_id`, `alias`, `sender_name` out |

        Beads that you change here reach those who use `bd` with their next sync.
        """;

    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, operations["getActivePolicy"], "get_policy",
            "The rules that all agents follow, and the playbook of your role.",
            only: ["role", "only_selected"]) is var tool ? tool with
        {
            Run = async call => WithMcpWords(await tool.Run(call)),
            Output = Described(tool.Output),
        } : tool,
    ];

    /// <summary>A policy with what it says to those who work over MCP.</summary>
    public static ReadOnlyMemory<byte> WithMcpWords(ReadOnlyMemory<byte> policy)
    {
        var shown = JsonNode.Parse(policy.Span)!.AsObject();
        shown.Insert(0, "over_mcp", OverMcp.ReplaceLineEndings("\n"));
        return JsonSerializer.SerializeToUtf8Bytes(shown, Wire.Types.JsonNode);
    }

    private static JsonObject? Described(JsonObject? schema)
    {
        (schema?["properties"] as JsonObject)?.Add("over_mcp", new JsonObject { ["type"] = "string" });
        return schema;
    }
}
