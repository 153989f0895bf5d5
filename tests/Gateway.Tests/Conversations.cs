using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>GET /v1/conversations: mail threads and chat sessions in one list (protocol 10.2).</summary>
public abstract class ConversationsContract(Store store) : ContractTests(store)
{
    [Fact]
    [Checklist("aweb", 149)]
    public async Task Who_is_new_has_none()
    {
        var a = await NewProject().Agent("a");

        (await a.Get("/v1/conversations").Ok()).GetRawText().ShouldBe("""{"conversations":[],"next_cursor":null}""");
    }

    [Fact]
    public async Task A_chat_is_one_conversation()
    {
        var (a, b) = await Pair();
        var session = (await a.Chat("hello", b)).Text("session_id");
        await a.Say(session, string.Concat(Enumerable.Repeat("é🎯", 60)));

        var item = (await List(b)).ShouldHaveSingleItem();
        item.Text("conversation_type").ShouldBe("chat");
        item.Text("conversation_id").ShouldBe(session);
        item.Texts("participants").ShouldBe(["a", "b"]);
        item.Text("subject").ShouldBe("");
        item.Text("last_message_at").ShouldBeTimestamp();
        item.Text("last_message_from").ShouldBe("a");
        item.Text("last_message_preview").ShouldBe(string.Concat(Enumerable.Repeat("é🎯", 50)));
        item.Number("unread_count").ShouldBe(2);
        (await List(a))[0].Number("unread_count").ShouldBe(0);
    }

    [Fact]
    public async Task Pages_miss_nothing()
    {
        var project = NewProject();
        var a = await project.Agent("a");
        var sessions = new List<string>();
        for (var i = 0; i < 7; i++)
            sessions.Insert(0, (await a.Chat("m", await project.Agent($"b{i}"))).Text("session_id"));

        var (seen, cursor) = (new List<string>(), "");
        do
        {
            var page = await a.Get($"/v1/conversations?limit=3{cursor}").Ok();
            seen.AddRange(page.Pluck("conversations", "conversation_id"));
            cursor = page.Maybe("next_cursor") is { } next ? $"&cursor={Uri.EscapeDataString(next)}" : null;
        }
        while (cursor is not null);

        seen.ShouldBe(sessions);
        (await a.Get("/v1/conversations?limit=7").Ok()).IsNull("next_cursor").ShouldBeTrue();
        var time = (await List(a))[2].Text("last_message_at");
        (await a.Get($"/v1/conversations?cursor={Uri.EscapeDataString(time)}").Ok()).Pluck("conversations", "conversation_id").ShouldBe(sessions.Skip(3));
    }

    [Fact]
    public async Task Limits_and_cursors_are_checked()
    {
        var a = await NewProject().Agent("a");

        await a.Get("/v1/conversations?limit=101").Invalid("limit", "less_than_equal");
        await a.Get("/v1/conversations?limit=0").Invalid("limit", "greater_than_equal");
        await Api.Get("/v1/conversations?limit=101").Invalid("limit");
        foreach (var cursor in new[] { "nonsense", "====", "e30", new string('a', 9000) })
            await a.Get($"/v1/conversations?cursor={cursor}").RefusedWith(422, "Invalid cursor");
    }

    private static async Task<JsonElement[]> List(Agent agent) => (await agent.Get("/v1/conversations").Ok()).Items("conversations");

    private async Task<(Agent A, Agent B)> Pair()
    {
        var project = NewProject();
        return (await project.Agent("a"), await project.Agent("b"));
    }
}
