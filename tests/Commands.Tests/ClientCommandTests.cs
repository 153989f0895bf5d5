using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Beadhub.Testing;
using ExitCode = Beadhub.Commands.ExitCode;

namespace Beadhub.CommandTests;

/// <summary>The client's commands as two agents use them, each in its folder, with what they print and how they end.</summary>
public sealed class ClientCommandTests(OneServer server) : IDisposable
{
    private readonly User _user = new(server.Url);
    private readonly string _project = "p-" + Guid.NewGuid().ToString("n")[..12];

    public void Dispose() => _user.Dispose();

    [Fact]
    public async Task Two_agents_find_take_and_finish_work()
    {
        var (alice, bob) = await Two();
        alice["issues.jsonl"] = """
            {"id":"bd-1","title":"Fix the lamp","status":"open","priority":1,"issue_type":"bug","custom":{"a":[1.50]},"updated_at":"2026-01-01T00:00:00Z"}
            {"id":"bd-2","title":"Paint the door","status":"open","priority":2,"issue_type":"task","updated_at":"2026-01-01T00:00:00Z"}

            """;
        (await alice.Hub("import", "issues.jsonl")).ShouldBe("2 beads sent: 2 new, 0 changed, 0 as they were.\n");
        (await bob.Hub("export")).ShouldBe(alice["issues.jsonl"]);
        (await alice.Hub("ready")).ShouldBe(
            """
            ID    P  TYPE  TITLE
            bd-1  1  bug   Fix the lamp
            bd-2  2  task  Paint the door

            """);

        (await alice.Hub("next")).ShouldContain("Fix the lamp");
        // What others hold is nothing to begin; whoever wants to see it asks for it.
        (await bob.Hub("ready")).ShouldBe("ID    P  TYPE  TITLE\nbd-2  2  task  Paint the door\n");
        (await bob.Hub("ready", "--limit", "1")).ShouldContain("bd-2");
        Json(await bob.Hub("ready", "--json")).Pluck("beads", "bead_id").ShouldBe(["bd-2"]);
        (await bob.Hub("ready", "--all")).ShouldBe(
            """
            ID    P  TYPE  TITLE           HELD BY
            bd-1  1  bug   Fix the lamp    alice
            bd-2  2  task  Paint the door

            """);
        Json(await bob.Hub("next", "--json")).At("bead").Text("bead_id").ShouldBe("bd-2");
        (await alice.Hub("status")).ShouldContain("holds  bd-1  Fix the lamp");
        Json(await alice.Hub("status", "--json")).Items("workspaces").Length.ShouldBe(2);
        await Fails(bob, ExitCode.Taken, "bd-1 is being worked on by alice", "claim", "bd-1");
        await Fails(bob, ExitCode.Taken, "bd-1 is being worked on by alice; --force closes it all the same", "done", "bd-1");
        await Fails(bob, ExitCode.Nothing, "nothing is ready", "next");

        (await alice.Hub("done", "bd-1", "--reason", "It shines")).ShouldBe("bd-1 is closed: Fix the lamp\n");
        var line = Json((await alice.Hub("export")).Split('\n')[0]);
        line.Text("status").ShouldBe("closed");
        line.Text("close_reason").ShouldBe("It shines");
        line.Text("closed_at").ShouldNotBeEmpty();
        line.At("custom").GetRawText().ShouldBe("""{"a":[1.50]}""");
        (await bob.Hub("release", "bd-2")).ShouldBe("bd-2 is free.\n");
        (await alice.Hub("claim", "bd-2")).ShouldBe("bd-2 is yours: Paint the door\n");
        Json(await bob.Hub("claim", "bd-2", "--join", "--json")).Items("claims").Length.ShouldBe(2);
        await Fails(alice, ExitCode.Nothing, "Task not found", "done", "bd-9");
    }

    [Fact]
    public async Task A_terminal_of_40_columns_is_not_overrun_and_a_file_gets_all()
    {
        var (alice, _) = await Two();
        var title = $"Fix the lamp that {string.Join(' ', Enumerable.Repeat("flickers", 12))}";
        alice["issues.jsonl"] = $$"""{"id":"house-with-a-long-name-1","title":"{{title}}","status":"open","issue_type":"bug"}""" + "\n";
        await alice.Hub("import", "issues.jsonl");
        await alice.Hub("mail", "send", "bob", title, "--subject", title);

        foreach (var command in new[] { "ready", "ready --all", "status", "who" })
        {
            // A terminal in fact, by the system's own program for that.
            var run = await alice.Try("script", "-qec", $"stty cols 40; TERM=xterm beadhub {command}", "/dev/null");
            run.ExitCode.ShouldBe(0, run.Output + run.Error);
            run.Output.ShouldContain("\u001b[", customMessage: "colours");
            foreach (var line in run.Output.ReplaceLineEndings("\n").Split('\n'))
                System.Text.RegularExpressions.Regex.Replace(line, "\u001b\\[[0-9;?]*[A-Za-z=]|\u001b[=>]", "").Length
                    .ShouldBeLessThanOrEqualTo(40, $"{command}: {line}");
        }

        var piped = await alice.Hub("ready");
        piped.ShouldContain(title);
        piped.ShouldNotContain("\u001b");
    }

    [Fact]
    public async Task A_server_of_an_older_version_is_named_as_one_and_serves_what_it_can()
    {
        var (alice, _) = await Two();
        using var older = new HttpListener();
        var port = ServerProcess.FreePort();
        older.Prefixes.Add($"http://127.0.0.1:{port}/");
        older.Start();
        // The reference, before there was anything to list of claims, history or the next bead.
        var serving = Task.Run(async () =>
        {
            try
            {
                while (true)
                {
                    var context = await older.GetContextAsync();
                    var text = context.Request.Url!.AbsolutePath switch
                    {
                        "/v1/beads/ready" => """{"issues":[{"bead_id":"bd-1","title":"Fix","priority":1,"type":"bug"}],"count":1}""",
                        "/v1/tasks/ready" => """{"tasks":[],"unknown":7}""",
                        "/v1/auth/introspect" => (await server.Api.With(("Authorization", $"Bearer {Key(alice)}"))
                            .Get("/v1/auth/introspect")).Text,
                        _ => null,
                    };
                    if (text is null) context.Response.StatusCode = 404;
                    context.Response.ContentType = "application/json";
                    await context.Response.OutputStream.WriteAsync(
                        System.Text.Encoding.UTF8.GetBytes(text ?? """{"detail":"Not Found"}"""), TestContext.Current.CancellationToken);
                    context.Response.Close();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // The test is over.
            }
        }, TestContext.Current.CancellationToken);

        var url = $"http://127.0.0.1:{port}";
        (await alice.Hub("ready", "--url", url, "--key", Key(alice))).ShouldContain("bd-1");
        foreach (var command in new[] { "next", "history log" })
        {
            var run = await alice.Try("beadhub", [.. command.Split(' '), "--url", url, "--key", Key(alice)]);
            run.Error.ShouldContain("does not know this request: it may be of an older version", customMessage: command);
            run.ExitCode.ShouldBe(ExitCode.Nothing);
        }

        older.Stop();
        await serving;
    }

    [Fact]
    public async Task Tasks_of_the_server_are_work_too()
    {
        var (alice, bob) = await Two();


        await server.Api.With(("Authorization", $"Bearer {Key(alice)}")).Post("/v1/tasks", new { title = "Sweep" }).Ok();

        (await bob.Hub("ready")).ShouldContain("Sweep");
        var reference = Json(await bob.Hub("next", "--json")).Text("task_ref");
        await Fails(alice, ExitCode.Taken, "", "claim", reference);
        (await bob.Hub("done", reference)).ShouldBe($"{reference} is closed: Sweep\n");
    }

    [Fact]
    public async Task Words_and_files_are_exchanged()
    {
        var (alice, bob) = await Two();
        (await alice.Hub("mail", "send", "bob", "Please look\nat \u001b[31mbd-1.", "--subject", "Lamp", "--priority", "high"))
            .ShouldBe("Sent to bob.\n");
        var mail = await bob.Hub("mail");
        mail.ShouldContain("Lamp");
        mail.ShouldContain("high");
        var read = await bob.Hub("mail", "read");
        read.ShouldContain("Please look\nat ?[31mbd-1.");
        (await bob.Hub("mail")).ShouldBe("There is no unread mail.\n");
        Json(await bob.Hub("mail", "--all", "--json")).GetArrayLength().ShouldBe(1);
        await Fails(bob, ExitCode.Nothing, "there is no mail 0000", "mail", "read", "0000");

        var asked = alice.Try("beadhub", "chat", "send", "bob", "Red or green?", "--wait", "30");
        await Until(async () => (await bob.Hub("chat")).Contains("Red or green?"));
        (await bob.Hub("chat", "read", "alice")).ShouldContain("Red or green?");
        await bob.Hub("chat", "send", "alice", "Green.");
        (await asked).ShouldSatisfyAllConditions(run => run.ExitCode.ShouldBe(0), run => run.Output.ShouldBe("bob: Green.\n"));
        await Fails(alice, ExitCode.Nothing, "bob has not answered in 1 s", "chat", "send", "bob", "And?", "--wait", "1");

        (await alice.Hub("lock", "acquire", "src/a.cs", "--reason", "lamp")).ShouldStartWith("Reserved src/a.cs for 60 min");
        (await alice.Hub("lock", "acquire", "--pattern", "api/**")).ShouldContain("api/**");
        (await bob.Hub("lock")).ShouldContain("lamp");
        await Fails(bob, ExitCode.Taken, "src/a.cs is reserved by alice", "lock", "acquire", "src/a.cs");
        await Fails(bob, ExitCode.Taken, "api/** is reserved by alice", "lock", "check", "api/x/y.cs");
        await bob.Hub("lock", "check", "src/b.cs");
        await alice.Hub("lock", "check", "src/a.cs");
        (await alice.Hub("lock", "release", "--all")).ShouldBe("Gave back 2.\n");

        var human = alice.Try("beadhub", "ask", "May I?", "I would like to", "--option", "yes", "--wait", "30");
        JsonElement[] pending = [];
        var api = server.Api.With(("Authorization", $"Bearer {Key(bob)}"));
        await Until(async () => (pending = (await api.Get("/v1/escalations").Ok()).Items("escalations")).Length == 1);
        await api.Post($"/v1/escalations/{pending[0].Text("escalation_id")}/respond", new { response = "yes" }).Ok();
        (await human).Output.ShouldBe("yes\n");
    }

    [Fact]
    public async Task What_goes_on_is_followed()
    {
        var (alice, bob) = await Two();
        var watch = bob.Try("beadhub", "watch", "--count", "1", "--type", "message.delivered", "--json");
        // The stream shows what comes after it was opened: say it until it was heard.
        while (!watch.IsCompleted) await alice.Hub("mail", "send", "bob", "now");
        Json((await watch).Output).Text("type").ShouldBe("message.delivered");
    }

    [Fact]
    public async Task What_is_wrong_is_one_sentence_and_an_exit_code()
    {
        var (alice, _) = await Two();
        var stranger = await _user.Folder("stranger");
        await Fails(stranger, ExitCode.Refused, "there is no API key for this folder", "status");
        await Fails(alice, ExitCode.Refused, "Invalid API key", "whoami", "--key", "aw_sk_" + new string('0', 64));
        await Fails(alice, ExitCode.Unreachable, "http://127.0.0.1:9 cannot be reached", "whoami", "--url", "http://127.0.0.1:9");
        await Fails(alice, ExitCode.Usage, "ftp://x is not the address of a server", "whoami", "--url", "ftp://x");
        await Fails(alice, ExitCode.Usage, "Unrecognized command or argument '--bogus'", "whoami", "--bogus");
        await Fails(alice, ExitCode.Failed, "says that this folder is a workspace", "init");
        (await alice.Hub("help", "lock", "acquire")).ShouldContain("Reserve files, all or none.");
        (await alice.Hub("[suggest:11]", "beadhub sta")).Trim().ShouldBe("status");
        foreach (var shell in new[] { "bash", "zsh", "fish", "powershell" })
            (await alice.Hub("completion", shell)).ShouldContain("[suggest:");
        (await alice.Run("bash", "-c",
            "eval \"$(beadhub completion bash)\"; COMP_LINE='beadhub sta' COMP_POINT=11 COMP_WORDS=(beadhub sta) COMP_CWORD=1; _beadhub; "
            + "echo ${COMPREPLY[@]}")).ShouldBe("status\n");
    }

    [Theory]
    [InlineData("fish", """beadhub completion fish | source; complete -C "beadhub sta"; complete -C "beadhub status --js" """)]
    [InlineData("zsh", """
        zmodload zsh/zpty; zpty z 'zsh -f -i'
        zpty -w z 'autoload -Uz compinit; compinit -u -D; eval "$(beadhub completion zsh)"; print LOA''DED'
        zpty -r -m z out '*LOADED*'
        zpty -n -w z $'beadhub sta\t'; zpty -r -m z out '*beadhub status*' && print status
        zpty -n -w z $'--js\t'; zpty -r -m z out '*--json*' && print -- --json
        zpty -d z
        """)]
    public async Task Shells_complete(string shell, string script)
    {
        var folder = await _user.Folder(shell);
        if ((await folder.Try("sh", "-c", $"command -v {shell}")).ExitCode != 0) Assert.Skip($"There is no {shell}.");
        (await folder.Run(shell, shell == "zsh" ? "-fc" : "-c", script)).Split('\n')
            .ShouldBe(["status", "--json", ""]);
    }

    [Fact]
    public async Task The_address_may_have_a_path_and_bdh_s_files_are_read()
    {
        using var listener = new HttpListener();
        var port = ServerProcess.FreePort();
        listener.Prefixes.Add($"http://127.0.0.1:{port}/i/CODE/");
        listener.Start();
        var asked = new ConcurrentBag<string>();
        var serving = Task.Run(async () =>
        {
            while (listener.IsListening)
            {
                try
                {
                    var context = await listener.GetContextAsync();
                    asked.Add($"{context.Request.RawUrl} {context.Request.Headers["Authorization"]}");
                    await context.Response.OutputStream.WriteAsync("""{"alias":"carol","slug":"lamps"}"""u8.ToArray());
                    context.Response.Close();
                }
                catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
                {
                    // The test is over.
                }
            }
        }, TestContext.Current.CancellationToken);
        var folder = await _user.Folder("carol");
        // As bdh and aw write them.
        folder[".beadhub"] = $"""
            workspace_id: 3f0c7f2e-0000-4000-8000-000000000000
            beadhub_url: http://127.0.0.1:{port}/i/CODE
            project_slug: lamps
            alias: carol
            human_name: Ada
            """;
        folder[".aw/context"] = $"""
            default_account: acct-other
            server_accounts:
                127.0.0.1:{port}: acct-mine
            """;
        folder["../.config/aw/config.yaml"] = $"""
            servers:
                127.0.0.1:{port}:
                    url: http://127.0.0.1:{port}
            accounts:
                acct-other:
                    api_key: aw_sk_other
                acct-mine:
                    server: 127.0.0.1:{port}
                    api_key: aw_sk_mine
            """;
        var run = await _user.Run(folder.Path, "beadhub", ["whoami"], ("BEADHUB_URL", ""));
        listener.Close();
        await serving;
        run.ExitCode.ShouldBe(0, run.Error);
        run.Output.ShouldContain("carol");
        asked.ShouldContain("/i/CODE/v1/auth/introspect Bearer aw_sk_mine");
        asked.ShouldContain("/i/CODE/v1/projects/current Bearer aw_sk_mine");
    }

    private async Task<(Folder Alice, Folder Bob)> Two()
    {
        var (alice, bob) = (await _user.Folder("alice"), await _user.Folder("bob", git: false));
        foreach (var (folder, alias) in new[] { (alice, "alice"), (bob, "bob") })
            (await folder.Hub("init", "--project", _project, "--alias", alias, "--origin", $"https://github.com/acme/{_project}.git"))
                .ShouldStartWith($"{alias} works on github.com/acme/{_project} in project {_project}");
        return (alice, bob);
    }

    private static string Key(Folder folder) => folder["../.config/aw/config.yaml"].Split('\n').Select(static line => line.Trim())
        .SkipWhile(line => !line.EndsWith($"__{System.IO.Path.GetFileName(folder.Path)}:", StringComparison.Ordinal))
        .First(static line => line.StartsWith("api_key: ", StringComparison.Ordinal))[9..];

    private static async Task Fails(Folder folder, int exitCode, string reason, params string[] arguments)
    {
        var run = await folder.Try("beadhub", arguments);
        run.ExitCode.ShouldBe(exitCode, run.Output + run.Error);
        run.Error.ShouldContain(reason);
        run.Error.Trim().Split('\n').Length.ShouldBe(1, run.Error);
    }

    private static async Task Until(Func<Task<bool>> holds)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        while (!await holds()) await Task.Delay(50, patience.Token);
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
