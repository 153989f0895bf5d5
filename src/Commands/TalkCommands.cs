using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Commands;

/// <summary><c>mail</c>, <c>chat</c>, <c>ask</c>: words to other agents and to humans.</summary>
internal static class TalkCommands
{
    // An answer that came before its stream was opened is seen by looking again.
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(3);

    private static readonly Argument<string> To = new("to") { Description = "Alias of the agent" };
    private static readonly Argument<string> Body = new("text") { Description = "What you say; - reads it from standard input" };
    private static readonly Option<string?> Subject = new("--subject", "-s") { Description = "Subject" };
    private static readonly Option<string?> Priority = 
        Among("--priority", "How urgent; normal unless given", "low", "normal", "high", "urgent");
    private static readonly Option<string?> Thread = new("--thread") { Description = "Id of the thread to which it belongs" };
    private static readonly Option<bool> All = new("--all") { Description = "Also what was read" };
    private static readonly Option<int> Limit = new("--limit", "-n") { Description = "How many", DefaultValueFactory = _ => 50 };
    private static readonly Argument<string?> MailId = new("message")
    {
        Description = "Id of the mail, or how it begins; all unread mail unless given", Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<bool> Keep = new("--keep") { Description = "Leave it unread" };
    private static readonly Argument<string> With = new("with") { Description = "Alias of the agent" };
    private static readonly Option<int> Wait = new("--wait") { Description = "Seconds to wait for an answer; 0 for none" };
    private static readonly Option<bool> Leaving = new("--leaving") { Description = "Say that no answer is waited for any more" };
    private static readonly Argument<string> Question = new("subject") { Description = "The question, in one line" };
    private static readonly Argument<string?> Situation = new("situation")
    {
        Description = "What the human must know to answer; - reads it from standard input", Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string[]> Choices = 
        new("--option", "-o") { Description = "A possible answer; may be given several times" };
    private static readonly Option<int> Hours = new("--expires") { Description = "After how many hours it is too late",
        DefaultValueFactory = _ => 4 };

    public static IEnumerable<Command> Create()
    {
        var mail = ClientCommand.Make("mail", "Show unread mail.", static call => call.Show(() => Inbox(call)), All, Limit,
            ClientCommand.Watch);
        mail.Subcommands.Add(ClientCommand.Make("send", "Send a mail.", Send, To, Body, Subject, Priority, Thread));
        mail.Subcommands.Add(ClientCommand.Make("read", "Show mail whole and mark it read.", Read, MailId, Keep));

        var chat = ClientCommand.Make("chat", "Show chats with unread messages.", static call => call.Show(() => Pending(call)),
            ClientCommand.Watch);
        chat.Subcommands.Add(ClientCommand.Make("send", "Say something; with --wait, wait for the answer.", Say, To, Body, Wait, Leaving));
        chat.Subcommands.Add(ClientCommand.Make("read", "Show what another agent has said and mark it read.",
            static call => History(call, unread: true), With));
        chat.Subcommands.Add(ClientCommand.Make("history", "Show all that was said with another agent.",
            static call => History(call, unread: false), With, Limit));
        return
        [
            mail, chat,
            ClientCommand.Make("ask", "Ask a human; with --wait, wait for the answer.", Ask, Question, Situation, Choices, Hours, Wait),
        ];
    }

    private static async Task<int> Inbox(Call call)
    {
        var mails = (await call.Ask($"v1/messages/inbox?unread_only={(call.Get(All) ? "false" : "true")}&limit={call.Get(Limit)}"))
            .GetProperty("messages");
        if (call.Json) call.Screen.Json(mails);
        else if (mails.GetArrayLength() == 0) call.Screen.Faint(call.Get(All) ? "There is no mail." : "There is no unread mail.");
        else call.Screen.Table(["ID", "FROM", "PRIORITY", "AGE", "SUBJECT"], mails.EnumerateArray().Select(static mail => new[]
        {
            mail.Show("message_id")[..8], mail.Show("from_alias"), mail.Show("priority"), mail.Ago("created_at"),
            mail.Text("subject") is { Length: > 0 } subject ? subject : mail.Show("body"),
        }));
        return ExitCode.Done;
    }

    private static async Task<int> Send(Call call)
    {
        var mail = new JsonObject { ["to_alias"] = call.Get(To), ["body"] = Said(call.Get(Body)!) };
        if (call.Get(Subject) is { } subject) mail["subject"] = subject;
        if (call.Get(Priority) is { } priority) mail["priority"] = priority;
        if (call.Get(Thread) is { } thread) mail["thread_id"] = thread;
        var sent = await call.Send("v1/messages", mail);
        if (call.Json) call.Screen.Json(sent);
        else call.Screen.Line($"Sent to {call.Get(To)}.");
        return ExitCode.Done;
    }

    private static async Task<int> Read(Call call)
    {
        var id = call.Get(MailId);
        var mails = (await call.Ask($"v1/messages/inbox?unread_only={(id is null ? "true" : "false")}&limit=500")).Items("messages")
            .Where(mail => id is null || mail.Show("message_id").StartsWith(id, StringComparison.OrdinalIgnoreCase)).ToArray();
        if (id is not null && mails.Length == 0) throw new CommandException($"there is no mail {id}", ExitCode.Nothing);
        if (id is not null && mails.Length > 1)
            throw new CommandException($"the ids of {mails.Length} mails begin with {id}", ExitCode.Usage);
        if (!call.Get(Keep))
            foreach (var mail in mails)
                if (mail.Text("read_at") is null) await call.Send($"v1/messages/{mail.Show("message_id")}/ack", null);
        if (call.Json)
        {
            call.Screen.Json(json =>
            {
                json.WriteStartArray();
                foreach (var mail in mails) mail.WriteTo(json);
                json.WriteEndArray();
            });
            return ExitCode.Done;
        }

        if (mails.Length == 0) call.Screen.Faint("There is no unread mail.");
        foreach (var mail in mails)
        {
            call.Screen.Title(mail.Text("subject") is { Length: > 0 } subject ? subject : "(no subject)");
            call.Screen.Faint($"from {mail.Show("from_alias")}, {mail.Ago("created_at")} ago, {mail.Show("priority")}"
                + (mail.Text("thread_id") is { } thread ? $", thread {thread}" : ""));
            call.Screen.Out.WriteLine(Screen.CleanLines(mail.Show("body")));
            call.Screen.Line();
        }

        return ExitCode.Done;
    }

    private static async Task<int> Pending(Call call)
    {
        var pending = (await call.Ask("v1/chat/pending")).GetProperty("pending");
        if (call.Json) call.Screen.Json(pending);
        else if (pending.GetArrayLength() == 0) call.Screen.Faint("Nobody has said anything new.");
        else call.Screen.Table(["FROM", "NEW", "WAITS", "AGE", "LAST"], pending.EnumerateArray().Select(static chat => new[]
        {
            chat.Show("last_from"), chat.Show("unread_count"), chat.Is("sender_waiting") ? "yes" : "no", chat.Ago("last_activity"),
            chat.Show("last_message"),
        }));
        return ExitCode.Done;
    }

    private static async Task<int> Say(Call call)
    {
        var (to, began) = (call.Get(To)!, DateTimeOffset.UtcNow);
        var said = await call.Send("v1/chat/sessions", new JsonObject
        {
            ["to_aliases"] = new JsonArray([.. to.Split(',').Select(static alias => JsonValue.Create(alias.Trim()))]),
            ["message"] = Said(call.Get(Body)!),
            ["leaving"] = call.Get(Leaving),
        });
        if (call.Get(Wait) is not (> 0 and var seconds))
        {
            if (call.Json) call.Screen.Json(said);
            else call.Screen.Line($"Said to {to}.");
            return ExitCode.Done;
        }

        var (session, own) = (said.Show("session_id"), said.Show("message_id"));
        var alias = (await call.Self()).Alias;
        var deadline = DateTimeOffset.UtcNow.AddSeconds(seconds);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(seconds + 5));
        call.Screen.Progress($"{to} has {seconds} s to answer …");
        var isPast = false;
        try
        {
            var stream = $"v1/chat/sessions/{session}/stream?deadline={Iso(deadline)}&after={Iso(began.AddSeconds(-1))}";
            await foreach (var e in call.Hub.Events(stream, null, patience.Token))
            {
                if (e.Type != "message") continue;
                using var document = JsonDocument.Parse(e.Data);
                var message = document.RootElement.Clone();
                if (message.Text("message_id") == own) isPast = true;
                var from = message.Text("from_agent") ?? message.Show("from");
                // What the other said before this was said answers nothing.
                if (!isPast || from == alias) continue;
                if (message.Is("hang_on"))
                {
                    call.Screen.Progress($"{from} needs more time: {message.Show("body")}");
                    continue;
                }

                call.Screen.EndProgress();
                await call.Send($"v1/chat/sessions/{session}/read", new JsonObject { ["up_to_message_id"] = message.Show("message_id") });
                if (call.Json) call.Screen.Json(message);
                else call.Screen.Out.WriteLine($"{from}: {Screen.CleanLines(message.Show("body"))}");
                return ExitCode.Done;
            }
        }
        catch (OperationCanceledException) when (!call.Cancellation.IsCancellationRequested)
        {
            // As long as was to be waited.
        }

        throw new CommandException($"{to} has not answered in {seconds} s", ExitCode.Nothing);
    }

    private static async Task<int> History(Call call, bool unread)
    {
        var with = call.Get(With)!;
        var sessions = (await call.Ask(unread ? "v1/chat/pending" : "v1/chat/sessions")).Items(unread ? "pending" : "sessions")
            .Where(session => session.Items("participants").Any(one => one.ToString() == with))
            .OrderBy(static session => session.Items("participants").Count()).ToArray();
        if (sessions.Length == 0)
            throw new CommandException(unread ? $"{with} has said nothing new" : $"nothing was said with {with}", ExitCode.Nothing);
        var id = sessions[0].Show("session_id");
        var limit = unread ? 1000 : call.Get(Limit);
        var messages = (await call.Ask($"v1/chat/sessions/{id}/messages?unread_only={(unread ? "true" : "false")}&limit={limit}"))
            .GetProperty("messages");
        if (call.Json) call.Screen.Json(messages);
        else
            foreach (var message in messages.EnumerateArray())
            {
                call.Screen.Faint($"{message.Show("from_agent")}, {message.Ago("timestamp")} ago");
                call.Screen.Out.WriteLine(Screen.CleanLines(message.Show("body")));
            }

        if (unread && messages.GetArrayLength() > 0)
            await call.Send($"v1/chat/sessions/{id}/read",
                new JsonObject { ["up_to_message_id"] = messages[messages.GetArrayLength() - 1].Show("message_id") });
        return ExitCode.Done;
    }

    private static async Task<int> Ask(Call call)
    {
        var self = await call.Self();
        var subject = call.Get(Question)!;
        var body = new JsonObject
        {
            ["workspace_id"] = self.Id, ["alias"] = self.Alias, ["subject"] = subject,
            ["situation"] = call.Get(Situation) is { } situation ? Said(situation) : subject, ["expires_in_hours"] = call.Get(Hours),
        };
        if (call.Get(Choices) is { Length: > 0 } choices)
            body["options"] = new JsonArray([.. choices.Select(static choice => JsonValue.Create(choice))]);
        var asked = await call.Send("v1/escalations", body);
        var (id, seconds) = (asked.Show("escalation_id"), call.Get(Wait));
        if (seconds <= 0)
        {
            if (call.Json) call.Screen.Json(asked);
            else call.Screen.Line($"Asked: {id}, to be answered within {call.Get(Hours)} h.");
            return ExitCode.Done;
        }

        call.Screen.Progress($"A human has {seconds} s to answer …");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(seconds));
        string? last = null;
        try
        {
            while (true)
            {
                var answer = await call.Hub.Get($"v1/escalations/{id}", patience.Token);
                if (answer.Text("status") == "responded")
                {
                    call.Screen.EndProgress();
                    if (call.Json) call.Screen.Json(answer);
                    else
                    {
                        call.Screen.Out.WriteLine(Screen.CleanLines(answer.Show("response")));
                        if (answer.Text("response_note") is { Length: > 0 } note) call.Screen.Faint(note);
                    }

                    return ExitCode.Done;
                }

                if (answer.Text("status") == "expired") break;
                last = await call.Hub.Next("v1/status/stream?event_types=escalation", last, Look, patience.Token);
            }
        }
        catch (OperationCanceledException) when (!call.Cancellation.IsCancellationRequested)
        {
            // As long as was to be waited.
        }

        throw new CommandException($"nobody has answered {id} yet", ExitCode.Nothing);
    }

    private static string Said(string text) => text == "-" ? Console.In.ReadToEnd() : text;

    private static string Iso(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture).Escaped();

    private static Option<string?> Among(string name, string description, params string[] values)
    {
        var option = new Option<string?>(name) { Description = description };
        option.AcceptOnlyFromAmong(values);
        return option;
    }
}
