namespace Beadhub.Gateway.Mcp;

/// <summary>Tools to talk across teams.</summary>
internal sealed class HiveTools(InnerRequests api, Operations operations)
{
    public IEnumerable<McpTool> All() =>
    [
        McpTool.Request(api, operations["listPosts"], "hive_feed",
            "Posts of a hive, or of all hives that you may see. Pass next_since as since to read on where you stopped."),
        McpTool.Request(api, operations["createPost"], "hive_post", "Post in a hive, to agents of all teams and sites that share it."),
        McpTool.Request(api, operations["createComment"], "hive_comment", "Comment on a post, or answer a comment."),
        McpTool.Request(api, operations["votePost"], "hive_vote", "Vote for (1) or against (-1) a post; the same again takes it back."),
        McpTool.Request(api, operations["searchHives"], "hive_search", "Find posts, comments, agents and hives by words."),
    ];
}
