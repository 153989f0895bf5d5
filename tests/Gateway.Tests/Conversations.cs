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
    [Checklist("aweb", 150)]
    public async Task A_mail_is_one_conversation()
    {
        var (a, b) = await Pair();
        var id = await a.MailId(b, new string('x', 150), "subject");

        foreach (var (agent, unread) in new[] { (a, 0), (b, 1) })
        {
            var item = (await List(agent)).ShouldHaveSingleItem();
            item.Text("conversation_type").ShouldBe("mail");
            item.Text("conversation_id").ShouldBe(id);
            item.Text("subject").ShouldBe("subject");
            item.Texts("participants").ShouldBe(["a", "b"]);
            item.Text("last_message_from").ShouldBe("a");
            item.Text("last_message_at").ShouldBeTimestamp();
            item.Text("last_message_preview").ShouldBe(new string('x', 100));
            item.Number("unread_count").ShouldBe(unread);
        }

        await b.Ack(id).Ok();
        (await List(b))[0].Number("unread_count").ShouldBe(0);
    }

    [Fact]
    [Checklist("aweb", 151)]
    public async Task An_answer_in_the_thread_is_of_the_same_conversation()
    {
        var (a, b) = await Pair();
        var first = await a.MailId(b, "question", "s");
        await b.Mail(a, "answer", "re: s", thread: first).Ok();

        foreach (var agent in new[] { a, b })
        {
            var item = (await List(agent)).ShouldHaveSingleItem();
            item.Text("conversation_id").ShouldBe(first);
            item.Text("last_message_preview").ShouldBe("answer");
            item.Text("last_message_from").ShouldBe("b");
            item.Text("subject").ShouldBe("re: s");
            item.Number("unread_count").ShouldBe(1);
        }
    }

    [Fact]
    [Checklist("aweb", 152)]
    public async Task Mail_and_chat_are_one_list()
    {
        var (a, b) = await Pair();
        var c = await a.Project.Agent("c");
        var first = await c.MailId(a);
        var second = await a.MailId(b);
        var session = (await b.Chat("m", a)).Text("session_id");

        var list = await List(a);
        list.Select(item => (item.Text("conversation_type"), item.Text("conversation_id")))
            .ShouldBe([("chat", session), ("mail", second), ("mail", first)]);
        list[0].Text("subject").ShouldBe("");
        var page = await a.Get("/v1/conversations?limit=2").Ok();
        page.Pluck("conversations", "conversation_id").ShouldBe([session, second]);
        var rest = await a.Get($"/v1/conversations?limit=2&cursor={Uri.EscapeDataString(page.Text("next_cursor"))}").Ok();
        rest.Pluck("conversations", "conversation_id").ShouldBe([first]);
        rest.IsNull("next_cursor").ShouldBeTrue();
        await a.Get("/v1/conversations?limit=101").Invalid("limit", "less_than_equal");
        (await (await NewProject().Agent("a")).Get("/v1/conversations").Ok()).Items("conversations").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_long_past_is_kept_over_restarts()
    {
        await using var server = await Store.Own();
        var project = new Project(server.Api);
        var (a, b) = (await project.Agent("a"), await project.Agent("b"));
        // More than is taken in before the lists are kept as a snapshot.
        foreach (var batch in Enumerable.Range(0, 700).Chunk(50))
        {
            await Task.WhenAll(batch.Select(i => a.Mail(b, $"{i}", $"{i}").Ok()));
            (await b.Get("/v1/chat/pending").Ok()).Number("messages_waiting").ShouldBe(batch[^1] + 1);
        }

        var session = (await a.Chat("m", b)).Text("session_id");
        var before = await All(b, 100);
        before.Count.ShouldBe(701);
        for (var restart = 0; restart < 2; restart++)
        {
            await server.Kill();
            await server.Restart();
            (a, b) = (a.At(server.Api), b.At(server.Api));
            (await All(b, 100)).Select(item => item.GetRawText()).ShouldBe(before.Select(item => item.GetRawText()));
            (await b.Get("/v1/chat/pending").Ok()).Number("messages_waiting").ShouldBe(700);
            (await b.PendingIn(session)).ShouldNotBeNull();
        }

        await b.Ack(before[1].Text("conversation_id")).Ok();
        (await b.Get("/v1/chat/pending").Ok()).Number("messages_waiting").ShouldBe(699);
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

        (await All(a, 3)).Select(item => item.Text("conversation_id")).ShouldBe(sessions);
        (await a.Get("/v1/conversations?limit=7").Ok()).IsNull("next_cursor").ShouldBeTrue();
        var time = (await List(a))[2].Text("last_message_at");
        (await a.Get($"/v1/conversations?cursor={Uri.EscapeDataString(time)}").Ok()).Pluck("conversations", "conversation_id")
            .ShouldBe(sessions.Skip(3));
    }

    [Fact]
    [OnAnyStore]
    public async Task Limits_and_cursors_are_checked()
    {
        var a = await NewProject().Agent("a");

        await a.Get("/v1/conversations?limit=101").Invalid("limit", "less_than_equal");
        await a.Get("/v1/conversations?limit=0").Invalid("limit", "greater_than_equal");
        await Api.Get("/v1/conversations?limit=101").Invalid("limit");
        foreach (var cursor in new[] { "nonsense", "====", "e30", new string('a', 9000) })
            await a.Get($"/v1/conversations?cursor={cursor}").RefusedWith(422, "Invalid cursor");
    }

    private static async Task<List<JsonElement>> All(Agent agent, int limit)
    {
        var seen = new List<JsonElement>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await agent.Get($"/v1/conversations?limit={limit}{cursor}").Ok();
            seen.AddRange(page.Items("conversations"));
            cursor = page.Maybe("next_cursor") is { } next ? $"&cursor={Uri.EscapeDataString(next)}" : null;
        }

        return seen;
    }

    private static async Task<JsonElement[]> List(Agent agent) => (await agent.Get("/v1/conversations").Ok()).Items("conversations");

    private async Task<(Agent A, Agent B)> Pair()
    {
        var project = NewProject();
        return (await project.Agent("a"), await project.Agent("b"));
    }
}
