using Beadhub.EventLog;
using Beadhub.Testing;
using Beadhub.Grains.Tests.Projects;
using Beadhub.Mail;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;

namespace Beadhub.Grains.Tests.Mail;

/// <summary>What a mailbox asks of the log, on the engine, with a log that counts.</summary>
public sealed class MailboxGrainTests : IAsyncLifetime
{
    private readonly FeedLog _log = new() { ExclusiveEpoch = 1 };
    private readonly ManualTime _time = new();
    private ServiceProvider? _services;

    private IMailboxGrain Bob => Box("bob");

    public ValueTask InitializeAsync() => Restart();

    public ValueTask DisposeAsync() => _services!.DisposeAsync();

    [Fact]
    public async Task An_unchanged_inbox_is_the_same_page_without_a_look_at_the_log()
    {
        await Fill("bob", 20);
        var page = await Bob.Inbox(new(true, 10));
        var asked = _log.Asked;

        for (var i = 0; i < 5; i++) (await Bob.Inbox(new(true, 10))).ShouldBeSameAs(page);
        (await Bob.Unread()).ShouldBe(20);
        (await Bob.Inbox(new(false, 500))).Mails.Length.ShouldBe(20);

        _log.Asked.ShouldBe(asked);
        await Bob.Acknowledge("bob-20");
        (await Bob.Inbox(new(true, 10))).Mails[0].MessageId.ShouldBe("bob-19");
    }

    /// <summary>How a box came to be: everything unread, all read as it came, all read at the end, or every second one read.</summary>
    [Theory]
    [InlineData("unread")]
    [InlineData("read at once")]
    [InlineData("read at the end")]
    [InlineData("every second read")]
    public async Task A_large_box_asks_no_more_of_the_log_than_a_small_one(string history)
    {
        // Sizes after which the tail since the last snapshot is equally long.
        var costs = new List<string>();
        foreach (var (agent, size) in new[] { ("small", 1280), ("large", 12_800) })
        {
            await Fill(agent, size, history);
            foreach (var query in new[] { new InboxQuery(true, 50), new InboxQuery(false, 50), new InboxQuery(false, 500) })
            {
                await Restart();
                var before = (_log.Asked, _log.EventsRead);
                var mails = (await Box(agent).Inbox(query)).Mails;
                costs.Add(
                    $"{query}: {mails.Length} mails, {_log.Asked - before.Asked} look-ups, {_log.EventsRead - before.EventsRead} events");
                (_log.EventsRead - before.EventsRead).ShouldBeLessThan(1100);
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', costs));
        costs.Skip(costs.Count / 2).ShouldBe(costs.Take(costs.Count / 2));
    }

    [Fact]
    public async Task Old_mail_is_read_from_the_log()
    {
        await Fill("bob", 1000);
        await Restart();

        var unread = (await Bob.Inbox(new(true, 500))).Mails;
        unread.Select(mail => mail.MessageId).ShouldBe(Enumerable.Range(501, 500).Reverse().Select(i => $"bob-{i}"));
        foreach (var mail in unread) await Bob.Acknowledge(mail.MessageId);

        (await Bob.Inbox(new(true, 500))).Mails.Select(mail => mail.MessageId)
            .ShouldBe(Enumerable.Range(1, 500).Reverse().Select(i => $"bob-{i}"));
        (await Bob.Find("bob-1"))!.Body.ShouldBe("body 1");
        (await Bob.Inbox(new(false, 3))).Mails.ShouldAllBe(mail => mail.ReadAt == _time.Current);
    }

    [Fact]
    public async Task An_old_acknowledgement_is_found_again()
    {
        await Fill("bob", 3);
        var first = await Bob.Acknowledge("bob-1");
        _time.Pass(60);
        await Fill("bob", 700, from: 4);
        await Restart();

        (await Bob.Acknowledge("bob-1")).ShouldBe(first);
        (await Bob.Find("bob-1")).ShouldNotBeNull();
        (await Bob.Acknowledge("bob-2")).At.ShouldBe(first.At.AddSeconds(60));
    }

    [Fact]
    public async Task Acknowledging_is_for_the_recipient()
    {
        await Fill("bob", 1);

        (await Should.ThrowAsync<RefusedException>(() => Box("carol").Acknowledge("bob-1"))).Kind.ShouldBe(RefusalKind.Forbidden);
        (await Should.ThrowAsync<RefusedException>(() => Bob.Acknowledge("other"))).Kind.ShouldBe(RefusalKind.NotFound);
        (await Should.ThrowAsync<RefusedException>(() => Box("bob", "q").Acknowledge("bob-1"))).Kind.ShouldBe(RefusalKind.NotFound);
        (await Box("carol").Find("bob-1")).ShouldBeNull();
    }

    [Fact]
    public async Task A_call_that_is_made_again_because_its_answer_was_lost_is_answered_as_the_first_time()
    {
        var receipt = await Bob.Deliver(Mail("m"));
        (await Should.ThrowAsync<RefusedException>(() => Bob.Deliver(Mail("m")))).Message.ShouldBe("message_id already exists");
        (await Again(() => Bob.Deliver(Mail("m")))).ShouldBe(receipt);
        (await Should.ThrowAsync<RefusedException>(() => Again(() => Box("carol").Deliver(Mail("m"))))).Kind.ShouldBe(RefusalKind.Conflict);
        (await Bob.Inbox(new(false, 10))).Mails.Length.ShouldBe(1);

        static async Task<MailReceipt> Again(Func<Task<MailReceipt>> deliver)
        {
            RepeatedCall.Begin();
            return await deliver();
        }
    }

    [Fact]
    public async Task An_id_that_a_chat_message_has_is_no_mails()
    {
        await _log.Append(new("p", new("chat", "p/session"), 0, [new("chat.sent.v1", "{}", _time.Current, Mailbox.MarkOf("taken"))], null),
            TestContext.Current.CancellationToken);

        (await Should.ThrowAsync<RefusedException>(() => Bob.Deliver(Mail("taken")))).Message.ShouldBe("message_id already exists");
        (await Should.ThrowAsync<RefusedException>(() => Bob.Acknowledge("taken"))).Kind.ShouldBe(RefusalKind.NotFound);
    }

    [Fact]
    public async Task A_mail_is_delivered_once()
    {
        await Bob.Deliver(Mail("m"));
        _time.Pass(60);

        (await Should.ThrowAsync<RefusedException>(() => Bob.Deliver(Mail("m")))).Kind.ShouldBe(RefusalKind.Conflict);
        (await Should.ThrowAsync<RefusedException>(() => Box("carol").Deliver(Mail("m")))).Kind.ShouldBe(RefusalKind.Conflict);
        (await Box("bob", "q").Deliver(Mail("m"))).At.ShouldBe(_time.Current);
        (await Bob.Inbox(new(false, 10))).Mails.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task What_another_node_writes_is_seen()
    {
        _log.ExclusiveEpoch = 0;
        await Fill("bob", 2);
        (await Bob.Inbox(new(true, 10))).Mails.Length.ShouldBe(2);
        await using var other = await Start();
        var there = other.GetRequiredService<IGrainFactory>().GetGrain<IMailboxGrain>(IMailboxGrain.Key("p", "bob"));

        await there.Deliver(Mail("third"));
        (await Bob.Inbox(new(true, 10))).Mails[0].MessageId.ShouldBe("third");
        var read = await Bob.Acknowledge("third");
        _time.Pass(60);
        (await there.Acknowledge("third")).ShouldBe(read);
        (await there.Unread()).ShouldBe(2);
    }

    [Fact]
    public async Task Who_mails_from_two_nodes_at_once_is_in_nobodys_way()
    {
        _log.ExclusiveEpoch = 0;
        await Fill("bob", 1);
        await using var other = await Start();
        var there = other.GetRequiredService<IGrainFactory>().GetGrain<IMailboxGrain>(IMailboxGrain.Key("p", "bob"));
        (await there.Unread()).ShouldBe(1);

        // All decide on a box with one mail; who comes second finds two, and asks nobody.
        var (gate, asked) = (_log.Gate = new(), 0);
        var deliveries = new[] { Bob.Deliver(Mail("here")), there.Deliver(Mail("there")) };
        asked = _log.Asked;
        gate.SetResult();
        await Task.WhenAll(deliveries);
        _log.Asked.ShouldBe(asked);

        var order = (await Bob.Inbox(new(true, 10))).Mails.Select(mail => mail.MessageId).ToArray();
        order.Order().ShouldBe(["bob-1", "here", "there"]);
        order[2].ShouldBe("bob-1");
        (await there.Inbox(new(true, 10))).Mails.Select(mail => mail.MessageId).ShouldBe(order);
        await Fill("bob", 100, from: 2);
        await there.Acknowledge("there");
        await Restart();
        (await Bob.Unread()).ShouldBe(102);
        (await Bob.Inbox(new(false, 500))).Mails.Where(mail => mail.ReadAt is not null).ShouldHaveSingleItem().MessageId.ShouldBe("there");
    }

    private static DeliverMail Mail(string id, string body = "b") => new(id, "alice", "alice", "bob", "s", body);

    private IMailboxGrain Box(string agent, string project = "p") =>
        _services!.GetRequiredService<IGrainFactory>().GetGrain<IMailboxGrain>(IMailboxGrain.Key(project, agent));

    private async Task Fill(string agent, int count, string history = "unread", int from = 1)
    {
        var box = Box(agent);
        for (var i = from; i < from + count; i++)
        {
            await box.Deliver(Mail($"{agent}-{i}", $"body {i}"));
            if (history == "read at once" || (history == "every second read" && i % 2 == 0)) await box.Acknowledge($"{agent}-{i}");
        }

        for (var i = from; i < from + count && history == "read at the end"; i++) await box.Acknowledge($"{agent}-{i}");
    }

    private async ValueTask Restart()
    {
        if (_services is not null) await _services.DisposeAsync();
        _services = await Start();
    }

    private async Task<ServiceProvider> Start()
    {
        var services = new ServiceCollection()
            .AddSingleton<IEventLog>(_ => _log)
            .AddSingleton<TimeProvider>(_time)
            .AddLocalGrains(typeof(IEventLog).Assembly)
            .BuildServiceProvider();
        foreach (var hosted in services.GetServices<IHostedService>()) await hosted.StartAsync(TestContext.Current.CancellationToken);
        return services;
    }
}
