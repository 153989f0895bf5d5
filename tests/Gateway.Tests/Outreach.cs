using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading.Channels;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Hosting;
using Beadhub.Hosting.Outreach;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Escalations and mail to people go out by e-mail, chat, push message or command, and are answered by a link.</summary>
public abstract partial class OutreachContract(Store store) : ContractTests(store)
{
    [Fact]
    public async Task An_escalation_goes_out_by_mail_and_is_answered_once_by_its_link()
    {
        await using var smtp = new SmtpReceiver();
        smtp.RefuseNext();
        await using var server = await Store.Fresh(("BEADHUB_NOTIFY_FILE", Settings(new
        {
            public_url = "https://hub.example.com/",
            channels = new
            {
                mail = new
                {
                    type = "email", host = "127.0.0.1", port = smtp.Port, from = "hub@example.com", to = new[] { "ops@example.com" },
                    member_domains = new[] { "example.org" },
                },
            },
            rules = new object[] { new { channels = new[] { "mail" } } },
        })));
        var project = new Project(server.Api);
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        var person = await project.Init(new { project_slug = project.Slug, alias = "carol", agent_type = "human" }).Ok();

        var id = await Ask(alice, "Deploy?\r\nBcc: evil@example.com", "<script>alert(1)</script>", options: ["yes", "no"]);
        var letter = await smtp.Next();
        letter.To.ShouldBe(["ops@example.com"]);
        letter.Head.ShouldContain("Subject:");
        letter.Head.ShouldNotContain("\r\nBcc:");
        letter.Text.ShouldContain("<script>alert(1)</script>");
        letter.Text.ShouldContain("- yes");
        var path = LinkIn(letter.Text);

        // Scanners of mail fetch links: that changes nothing.
        for (var i = 0; i < 2; i++)
        {
            var page = await server.Api.Get(path);
            page.Status.ShouldBe(200);
            page.Text.ShouldContain("&lt;script&gt;");
            page.Text.ShouldNotContain("<script>");
        }

        (await server.Api.Send(HttpMethod.Head, path)).Status.ShouldBe(200);
        (await alice.Get($"/v1/escalations/{id}").Ok()).Text("status").ShouldBe("pending");
        (await server.Api.Send(HttpMethod.Post, path, Form(("choice", "perhaps")))).Status.ShouldBe(422);
        (await server.Api.Post(path, new { response = "json" })).Status.ShouldBe(415);
        (await server.Api.Get(path[..^3] + "AAA")).Status.ShouldBe(404);

        (await server.Api.Send(HttpMethod.Post, path, Form(("choice", "yes"), ("response", "but carefully")))).Status.ShouldBe(200);
        var answered = await alice.Get($"/v1/escalations/{id}").Ok();
        (answered.Text("status"), answered.Text("response"), answered.Text("response_note"))
            .ShouldBe(("responded", "yes", "but carefully"));
        (await server.Api.Send(HttpMethod.Post, path, Form(("choice", "no")))).Status.ShouldBe(410);
        (await server.Api.Get(path)).Status.ShouldBe(410);
        (await alice.Get($"/v1/escalations/{id}").Ok()).Text("response").ShouldBe("yes");

        // Who is named is written to where the operator allows it.
        await Ask(bob, "named", "s", member: "dave@example.org");
        (await smtp.Next()).To.ShouldBe(["dave@example.org"]);
        await Ask(bob, "elsewhere", "s", member: "dave@evil.example");
        (await smtp.Next()).To.ShouldBe(["ops@example.com"]);

        // Mail to people goes out too.
        await alice.Post("/v1/messages", new { to_alias = "carol", subject = "For you", body = "Grüße" }).Ok();
        letter = await smtp.Next();
        letter.Text.ShouldContain("Grüße");
        person.Text("alias").ShouldBe("carol");

        // What went out is known after a crash: only the last, whose note may be lost with the server, can come again.
        await Ask(bob, "last", "s");
        (await smtp.Next()).Text.ShouldContain("last");
        await server.Kill();
        await server.Restart();
        await Ask(alice.At(server.Api), "after", "s");
        var next = (await smtp.Next()).Text;
        if (next.Contains("last", StringComparison.Ordinal)) next = (await smtp.Next()).Text;
        next.ShouldContain("after");
    }

    [Fact]
    public async Task What_was_on_its_way_when_the_server_was_killed_is_delivered_and_what_was_taken_is_not_repeated()
    {
        await using var smtp = new SmtpReceiver();
        await using var web = new WebReceiver();
        await using var server = await Store.Fresh(("BEADHUB_NOTIFY_FILE", Settings(new
        {
            channels = new
            {
                mail = new
                {
                    type = "email", host = "127.0.0.1", port = smtp.Port, from = "hub@example.com", to = new[] { "ops@example.com" },
                },
                chat = new { type = "slack", url = $"{web.Url}/slack" },
            },
            rules = new object[] { new { channels = new[] { "mail" } }, new { channels = new[] { "chat" } } },
        })));
        var alice = await new Project(server.Api).Agent("alice");
        var (letters, posts) = (new List<SmtpReceiver.Letter>(), new List<string>());
        await Ask(alice, "first", "s");
        await Told("first");

        // The mail server has the second whole, and its answer does not come: the server is killed while it waits.
        smtp.Hold = new();
        await Ask(alice, "second", "s");
        await Letter("second");
        await server.Kill();
        smtp.Hold.SetResult();
        smtp.Hold = null;
        await server.Restart();
        await Told("second");

        // The same with the chat, after the mail of the same escalation was taken.
        web.Hold = new();
        await Ask(alice.At(server.Api), "third", "s");
        await Letter("third");
        await Post("third");
        await server.Kill();
        web.Hold.SetResult();
        web.Hold = null;
        await server.Restart();
        await Post("third");

        // What is sent last ends the wait: whatever was to be repeated would have come before it.
        await Ask(alice.At(server.Api), "last", "s");
        await Told("last");
        string[] subjects = ["first", "second", "third", "last"];
        subjects.Select(subject => letters.Count(letter => Has(letter, subject))).ShouldBe([1, 2, 1, 1]);
        subjects.Select(subject => posts.Count(post => post.Contains($"asks: {subject}"))).ShouldBe([1, 1, 2, 1]);
        // The repeat is the same mail; others are others.
        letters.Select(IdOf).Distinct().Count().ShouldBe(4);
        letters.Where(static letter => Has(letter, "second")).Select(IdOf).Distinct().ShouldHaveSingleItem().ShouldEndWith("@example.com>");

        async Task Told(string subject)
        {
            await Letter(subject);
            await Post(subject);
        }

        async Task Letter(string subject)
        {
            do letters.Add(await smtp.Next());
            while (!Has(letters[^1], subject));
        }

        async Task Post(string subject)
        {
            do posts.Add((await web.Next()).Body);
            while (!posts[^1].Contains($"asks: {subject}"));
        }

        static bool Has(SmtpReceiver.Letter letter, string subject) => letter.Text.Contains(subject);

        static string IdOf(SmtpReceiver.Letter letter) =>
            letter.Head.Split("\r\n").Single(static line => line.StartsWith("Message-ID: ", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    [OnAnyStore]
    public async Task What_is_critical_goes_out_by_chat_push_and_command_and_again_until_it_is_answered()
    {
        await using var web = new WebReceiver();
        var file = Path.Combine(Directory.CreateTempSubdirectory("beadhub-notify").FullName, "told");
        await using var server = await Store.Fresh(("BEADHUB_NOTIFY_FILE", Settings(new
        {
            channels = new
            {
                chat = new { type = "slack", url = $"{web.Url}/slack" },
                phone = new { type = "ntfy", url = $"{web.Url}/topic", token = "secret-of-ntfy" },
                pager = new { type = "command", command = new[] { "/bin/sh", "-c", $"cat >> '{file}'" } },
            },
            rules = new object[]
            {
                new { severities = new[] { "critical" }, channels = new[] { "chat", "phone", "pager" } },
                new { severities = new[] { "critical" }, channels = new[] { "chat" }, repeat = "1s" },
            },
            digests = new object[] { new { hour = 0, channels = new[] { "chat" } } },
        })));
        var alice = await new Project(server.Api).Agent("alice");

        await Ask(alice, "Can wait", "s");
        var id = await Ask(alice, "Now! <!channel>", "s", severity: "critical");
        var told = new List<(string Path, string Body)>();
        while (!(told.Count(one => Is(one, "/slack", "Reminder: ")) > 0 && told.Exists(one => one.Path == "/")
            && told.Exists(one => Is(one, "/slack", "waiting for people")))) told.Add(await web.Next());

        told.ShouldAllBe(one => !one.Body.Contains("<!channel>", StringComparison.Ordinal));
        told.ShouldAllBe(one => !one.Body.Contains("Can wait", StringComparison.Ordinal)
            || one.Body.Contains("waiting for people", StringComparison.Ordinal));
        var push = JsonDocument.Parse(told.First(one => one.Path == "/").Body).RootElement;
        (push.Text("topic"), push.Number("priority")).ShouldBe(("topic", 5));
        // A day has one digest.
        told.Count(one => Is(one, "/slack", "waiting for people")).ShouldBe(1);
        while (!File.Exists(file) || new FileInfo(file).Length == 0) await Task.Delay(50, TestContext.Current.CancellationToken);
        JsonDocument.Parse(File.ReadLines(file).First()).RootElement.Text("severity").ShouldBe("critical");

        await alice.Post($"/v1/escalations/{id}/respond", new { response = "on it" }).Ok();
        // One may be on its way; then it is quiet.
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        while (web.TryNext(out _)) { }
        await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
        web.TryNext(out _).ShouldBeFalse();
        server.Output.ShouldAllBe(line => !line.Contains("secret-of-ntfy", StringComparison.Ordinal));

        static bool Is((string Path, string Body) one, string path, string text) =>
            one.Path == path && one.Body.Contains(text, StringComparison.Ordinal);
    }

    private static async Task<string> Ask(Agent agent, string subject, string situation, string? severity = null, string[]? options = null,
        string? member = null) =>
        (await agent.Post("/v1/escalations", new { workspace_id = agent.Id, alias = agent.Alias, subject, situation, severity, options,
            member_email = member }).Ok()).Text("escalation_id");

    private static string Settings(object settings)
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("beadhub-notify").FullName, "notify.json");
        File.WriteAllText(file, JsonSerializer.Serialize(settings));
        return file;
    }

    private static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    private static string LinkIn(string text) => new Uri(Link().Match(text).Value).AbsolutePath;

    [GeneratedRegex("https://hub.example.com/answer/[A-Za-z0-9_-]+")]
    private static partial Regex Link();

    /// <summary>Takes what is posted to it.</summary>
    private sealed class WebReceiver : IAsyncDisposable
    {
        private readonly HttpListener listener = new();
        private readonly Channel<(string Path, string Body)> posts = Channel.CreateUnbounded<(string, string)>();
        private readonly Task listening;

        public WebReceiver()
        {
            using (var free = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
            {
                free.Start();
                Url = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}";
            }

            listener.Prefixes.Add(Url + "/");
            listener.Start();
            listening = Listen();
        }

        public string Url { get; }

        /// <summary>Until when answers are held back; null for not at all.</summary>
        public TaskCompletionSource? Hold { get; set; }

        public async Task<(string Path, string Body)> Next() => await posts.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));

        public bool TryNext(out (string Path, string Body) post) => posts.Reader.TryRead(out post);

        public async ValueTask DisposeAsync()
        {
            listener.Stop();
            await listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            listener.Close();
        }

        private async Task Listen()
        {
            while (listener.IsListening)
            {
                var context = await listener.GetContextAsync();
                using var reader = new StreamReader(context.Request.InputStream);
                var (hold, body) = (Hold, await reader.ReadToEndAsync());
                posts.Writer.TryWrite((context.Request.Url!.AbsolutePath, body));
                if (hold is not null) await hold.Task;
                try
                {
                    context.Response.Close();
                }
                catch (HttpListenerException)
                {
                    // Who asked is gone.
                }
            }
        }
    }
}

/// <summary>The file that says how people are reached.</summary>
public sealed class OutreachSettingsTests
{
    [Theory]
    [InlineData("""{"chanels":{}}""", "chanels")]
    [InlineData("""{"channels":{"a":{"type":"fax"}}}""", "other than email")]
    [InlineData("""{"channels":{"a":{"type":"email","host":"h","from":"x","to":["a@b.c"]}}}""", "no mail address")]
    [InlineData("""{"rules":[{"channels":["nowhere"]}]}""", "no channel 'nowhere'")]
    [InlineData("""{"rules":[{"hours":"9 to 5"}]}""", "hours are such as 9-18")]
    [InlineData("""{"rules":[{"repeat":"often"}]}""", "repeat is such as 30m")]
    [InlineData("""{"rules":[{"severities":["fatal"]}]}""", "no severity 'fatal'")]
    [InlineData("""{"time_zone":"Mars/Base"}""", "time_zone 'Mars/Base' is not known")]
    [InlineData("{", "cannot be read")]
    public void What_is_wrong_is_said(string json, string says)
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, json);
        Should.Throw<SettingsException>(() => OutreachSettings.Load(file)).Message.ShouldContain(says);
        File.Delete(file);
        Should.Throw<SettingsException>(() => OutreachSettings.Load(file)).Message.ShouldContain("BEADHUB_NOTIFY_FILE");
    }

    [Fact]
    public void Hours_may_go_over_midnight()
    {
        OutreachSettings.HoursOf("22-7").ShouldBe((22, 7));
        OutreachSettings.HoursOf("0-24").ShouldBe((0, 24));
        OutreachSettings.HoursOf("25-3").ShouldBeNull();
        OutreachSettings.LengthOf("90m").ShouldBe(TimeSpan.FromMinutes(90));
    }
}
