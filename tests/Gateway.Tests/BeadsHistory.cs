using System.Text.Json.Nodes;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Commits of all beads: what they hold, what differs between them, and how one goes back to them.</summary>
public abstract class BeadsHistoryContract(Store store) : ContractTests(store)
{
    [Fact]
    public async Task Fifty_edits_in_ten_commits_are_all_found_again()
    {
        var alice = await NewProject().Agent("alice");
        var random = new Random(7);
        // A real project's file, where one is named (as in IssueFile).
        var path = Environment.GetEnvironmentVariable("BEADHUB_TEST_ISSUES");
        var beads = (string.IsNullOrEmpty(path)
            ? new IssueGenerator(seed: 11).Issues(200)
            : System.IO.File.ReadLines(path).Select(line => JsonNode.Parse(line)!.AsObject())).ToDictionary(issue => (string)issue["id"]!);
        var blamed = new Dictionary<(string Id, string Field), string>();
        var files = new List<(string Commit, string File)>();
        for (var number = 0; number <= 10; number++)
        {
            var edited = new HashSet<string>();
            var before = beads.ToDictionary(bead => bead.Key, bead => bead.Value.DeepClone());
            for (var edit = 0; number > 0 && edit < 5; edit++)
            {
                var issue = beads.Values.ElementAt(random.Next(30));
                var id = (string)issue["id"]!;
                edited.Add(id);
                issue["updated_at"] = $"2027-01-{number:00}T00:00:{edit:00}Z";
                if (random.Next(2) == 0) issue["priority"] = random.Next(5);
                else issue[Pick(random, "title", "notes", "assignee")] = $"{number}.{edit}";
            }

            if (number == 0) await alice.Sync(Jsonl.Of(beads.Values.ToArray<object>())).Ok();
            else await alice.Change(Jsonl.Of(edited.Select(id => (object)beads[id]).ToArray())).Ok();
            var commit = await Commit(alice, $"commit {number}");
            foreach (var (id, issue) in beads)
                foreach (var (field, _) in issue)
                    if (number == 0 || !JsonNode.DeepEquals(before[id]![field], issue[field])) blamed[(id, field)] = commit;
            files.Add((commit, File(beads.Values)));
        }

        var log = (await alice.Get("/v1/beads/commits").Ok()).Items("commits");
        log.Select(commit => commit.Text("id")).ShouldBe(files.Select(file => file.Commit).Reverse());
        foreach (var (commit, file) in files) (await Export(alice, commit)).ShouldBe(file);
        (await Export(alice, "HEAD~10")).ShouldBe(files[0].File);
        foreach (var id in beads.Keys.Take(32))
            foreach (var field in (await alice.Get($"/v1/beads/issues/{id}/blame").Ok()).Items("fields"))
                field.Text("commit").ShouldBe(blamed[(id, field.Text("field"))], $"{id} {field.Text("field")}");

        // A list, what was ready and one issue, as they were.
        var first = JsonNode.Parse(files[0].File.Split('\n')[0])!;
        var then = await alice.Get($"/v1/beads/issues/{first["id"]}?as_of={files[0].Commit[..10]}").Ok();
        then.Text("title").ShouldBe((string)first["title"]!);
        var titles = (await alice.Get("/v1/beads/issues?limit=200&as_of=HEAD~10").Ok()).Items("issues")
            .ToDictionary(issue => issue.Text("bead_id"), issue => issue.Maybe("title"));
        titles.Count.ShouldBe(200);
        foreach (var line in files[0].File.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var issue = JsonNode.Parse(line)!;
            if (titles.TryGetValue((string)issue["id"]!, out var title)) title.ShouldBe((string?)issue["title"]);
        }

        var diff = await alice.Get("/v1/beads/diff?from=HEAD~1&to=HEAD&limit=200").Ok();
        foreach (var bead in diff.Items("beads"))
            bead.Items("fields").ShouldAllBe(field => field.At("old").GetRawText() != field.At("new").GetRawText());
        diff.Number("total").ShouldBe(files[9].File.Split('\n').Except(files[10].File.Split('\n')).Count());
    }

    [Fact]
    public async Task The_same_beads_have_the_same_root_whatever_way_they_came()
    {
        var (alice, bob) = (await NewProject().Agent("alice"), await NewProject().Agent("bob"));
        var lines = Enumerable.Range(0, 150).Select(i => Line($"bd-{i}", $"T{i}")).ToArray();
        foreach (var some in lines.Chunk(50)) await alice.UploadJsonl(string.Join('\n', some), "github.com/o/same").Ok();
        await bob.UploadJsonl(string.Join('\n', lines.Reverse()), "github.com/o/same").Ok();

        var (one, other) = (await alice.Post("/v1/beads/commits", new { message = "m" }).Ok(),
            await bob.Post("/v1/beads/commits", new { message = "m" }).Ok());

        one.At("commit").Text("root").ShouldBe(other.At("commit").Text("root"));
        one.At("commit").Text("id").ShouldNotBe(other.At("commit").Text("id"));
        // Nothing has changed since: nothing is to be committed.
        (await alice.Post("/v1/beads/commits", new { message = "again" }).Ok()).Flag("committed").ShouldBeFalse();
    }

    [Fact]
    public async Task Versions_have_names_and_those_that_name_none_are_told()
    {
        var (alice, bob) = await Two();
        await alice.Get("/v1/beads/diff?from=HEAD").RefusedWith(404, "There is no commit yet");
        (await alice.Get("/v1/beads/commits").Ok()).Items("commits").ShouldBeEmpty();
        await alice.Sync(Line("bd-1", "A")).Ok();
        var first = await Commit(alice, "first");
        var between = (await alice.Get($"/v1/beads/commits/{first}").Ok()).Text("time");
        await bob.Change(Line("bd-1", "B", day: 2) + "\n" + Line("bd-2", "new"), "update bd-1 --title B").Ok();
        var second = await Commit(bob, "second\nwith a body");
        await bob.Change(null, "delete bd-2", "bd-2").Ok();

        await alice.Post("/v1/beads/tags", new { name = "v1", at = "HEAD~1", message = "what it was" }).Ok();
        await alice.Post("/v1/beads/branches", new { name = "work" }).Ok();
        foreach (var name in new[]
        {
            first, first[..8], "v1", "HEAD~1", "HEAD~", "work~1", $"{second[..12]}~1", Uri.EscapeDataString(between),
        })
            (await alice.Get($"/v1/beads/commits/{name}").Ok()).Text("id").ShouldBe(first, name);
        var shown = await alice.Get("/v1/beads/commits/HEAD").Ok();
        (shown.Text("message"), shown.Text("author"), shown.Texts("parents").Single(), shown.Texts("branches").Length)
            .ShouldBe(("second\nwith a body", "bob", first, 2));
        (await alice.Get("/v1/beads/tags").Ok()).Items("refs").Single().Text("message").ShouldBe("what it was");

        var diff = await alice.Get("/v1/beads/diff?from=v1").Ok();
        diff.Items("beads").Select(bead => (bead.Text("bead_id"), bead.Text("change"))).ShouldBe([("bd-1", "changed")]);
        var title = diff.Items("beads")[0].Find("fields", "field", "title");
        (title.Text("old"), title.Text("new")).ShouldBe(("A", "B"));
        (await alice.Get("/v1/beads/diff?from=HEAD&to=WORKING").Ok()).Items("beads").Single().Text("change").ShouldBe("removed");
        var text = (await alice.Get("/v1/beads/diff/text?from=v1&to=work")).Text;
        text.ShouldContain("- title: \"A\"\n");
        text.ShouldContain("added bd-2");

        foreach (var (name, status, why) in new[]
        {
            ("0000000000", 404, "Unknown version"), ("HEAD~99", 404, "there are only 1 commits"), ("HEAD~x", 422, "Invalid"),
            ("2001-01-01T00:00:00Z", 404, "There is no commit as old"), ("nothing", 404, "Unknown version"),
            ("abc", 404, "Unknown version"),
        })
        {
            var refused = await alice.Get($"/v1/beads/export-jsonl?repo={alice.Repo}&as_of={name}");
            refused.Status.ShouldBe(status, refused.ToString());
            refused.Text.ShouldContain(why);
        }

        await alice.Post("/v1/beads/tags", new { name = "v1", at = "HEAD" })
            .RefusedWith(409, $"Tag v1 is at {first}: a tag does not move");
        (await alice.Post("/v1/beads/tags", new { name = "HEAD" })).Status.ShouldBe(422);
        (await alice.Post("/v1/beads/tags", new { name = "beef" })).Status.ShouldBe(422);
        (await alice.Post("/v1/beads/branches", new { name = "main", at = "v1", move = true })).Status.ShouldBe(409);
        (await alice.Delete("/v1/beads/branches?name=main")).Status.ShouldBe(409);
        await alice.Delete("/v1/beads/tags?name=v1").Ok();
        (await alice.Get("/v1/beads/commits/v1")).Status.ShouldBe(404);
        (await alice.Post("/v1/beads/commits", new { message = new string('m', 1024 * 1024) })).Status.ShouldBe(422);
        (await PublicReader(alice).Get("/v1/beads/commits")).Status.ShouldBe(403);
    }

    [Fact]
    public async Task An_issue_tells_who_has_done_what_to_it()
    {
        var (alice, bob) = await Two();
        await alice.Sync(Line("bd-1", "A"), "create A").Ok();
        await Commit(alice, "one");
        await bob.Change(Line("bd-1", "B", day: 2, status: "in_progress"), "update bd-1 --status in_progress").Ok();
        await bob.Change(null, "delete bd-1", "bd-1").Ok();

        var events = (await alice.Get("/v1/beads/issues/bd-1/history").Ok()).Items("events");

        events.Select(one => (one.Text("change"), one.Text("by"), one.Maybe("command"))).ShouldBe(
        [
            ("added", "alice", "create A"), ("changed", "bob", "update bd-1 --status in_progress"), ("claimed", "bob", null),
            ("removed", "bob", "delete bd-1"), ("released", "bob", null),
        ]);
        events[1].Items("fields").Select(field => field.Text("field")).Order().ShouldBe(["status", "title", "updated_at"]);
        var page = await alice.Get("/v1/beads/issues/bd-1/history?limit=2").Ok();
        (await alice.Get($"/v1/beads/issues/bd-1/history?cursor={page.Text("next_cursor")}").Ok()).Items("events").Length.ShouldBe(3);
        (await alice.Get("/v1/beads/issues/bd-77/history")).Status.ShouldBe(404);

        await alice.Sync(Line("bd-2", "A")).Ok();
        await Commit(alice, "two");
        await bob.Change(Line("bd-2", "B", day: 2), "update bd-2 --title B").Ok();
        var blame = await alice.Get("/v1/beads/issues/bd-2/blame").Ok();
        var title = blame.Find("fields", "field", "title");
        (title.IsNull("commit"), title.Text("by"), title.Text("command")).ShouldBe((true, "bob", "update bd-2 --title B"));
        var status = blame.Find("fields", "field", "status");
        (status.Text("author"), status.Text("by")).ShouldBe(("alice", "alice"));
    }

    [Fact]
    public async Task What_an_agent_has_spoilt_is_restored_and_the_client_is_an_authority_too()
    {
        var (alice, bob) = await Two();
        await alice.Sync(string.Join('\n', Line("bd-1", "A"), Line("bd-2", "B"), Line("bd-3", "C"))).Ok();
        var good = await Commit(alice, "good");
        var spoilt = Line("bd-1", "spoilt", day: 5);
        await bob.Change(spoilt + "\n" + Line("bd-4", "made by bob"), null, "bd-2").Ok();
        await alice.Change(Line("bd-3", "C by alice", day: 3)).Ok();

        var outcome = await alice.Post("/v1/beads/restore", new { version = good, changed_by = "bob", message = "undo bob" }).Ok();

        (outcome.Number("restored"), outcome.Number("removed")).ShouldBe((2, 1));
        var lines = (await Export(alice, null)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)
            .ToDictionary(line => (string)line["id"]!);
        lines.ToDictionary(line => line.Key, line => (string)line.Value["title"]!)
            .ShouldBe(new Dictionary<string, string> { ["bd-1"] = "A", ["bd-2"] = "B", ["bd-3"] = "C by alice" }, ignoreOrder: true);
        // The tool of whoever has the spoilt line takes this one, which is newer; and the spoilt one is a conflict when it comes again.
        Time(lines["bd-1"]).ShouldBeGreaterThan(Time(JsonNode.Parse(spoilt)!));
        var again = await bob.Change(spoilt).Ok();
        again.Texts("conflicts").ShouldBe(["bd-1"]);
        (await alice.Get("/v1/beads/issues/bd-1").Ok()).Text("title").ShouldBe("A");
        (await alice.Get("/v1/beads/commits/HEAD").Ok()).Text("message").ShouldBe("undo bob");
        // Twice is once.
        (await alice.Post("/v1/beads/restore", new { version = good, bead_ids = new[] { "bd-1" } }).Ok()).Number("restored").ShouldBe(0);
        (await alice.Post("/v1/beads/restore", new { version = "WORKING" })).Status.ShouldBe(422);
        await alice.Post("/v1/beads/restore", new { version = good }).Ok();
        (await alice.Get($"/v1/beads/diff?from={good}").Ok()).Items("beads")
            .ShouldAllBe(bead => bead.Items("fields").All(field => field.Text("field") == "updated_at"));
    }

    [Fact]
    public async Task A_restore_while_agents_write_leaves_nothing_half()
    {
        var (alice, bob) = await Two();
        await alice.Sync(string.Join('\n', Enumerable.Range(0, 120).Select(i => Line($"bd-{i}", "good")))).Ok();
        await Commit(alice, "good");
        await bob.Change(string.Join('\n', Enumerable.Range(0, 120).Select(i => Line($"bd-{i}", "spoilt", day: 2)))).Ok();

        var writes = Task.WhenAll(Enumerable.Range(0, 8).Select(i =>
            bob.Patch($"/v1/beads/issues/bd-{i}", new { title = $"bob's {i}" }).Ok()));
        await alice.Post("/v1/beads/restore", new { version = "HEAD" }).Ok();
        await writes;

        var titles = (await alice.Get("/v1/beads/issues?limit=200").Ok()).Items("issues")
            .ToDictionary(issue => issue.Text("bead_id"), issue => issue.Text("title"));
        titles.Where(title => title.Value != "good" && title.Value != $"bob's {title.Key[3..]}").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_branch_is_merged_field_by_field_and_waits_where_both_have_changed_one()
    {
        var (alice, bob) = await Two();
        await alice.Sync(string.Join('\n', Line("bd-1", "A", labels: ["x"]), Line("bd-2", "B"), Line("bd-3", "C"))).Ok();
        await Commit(alice, "base");
        var ours = Line("bd-1", "ours", day: 3, labels: ["x", "mine"], assignee: "bob");
        await OnBranch(bob, "proposal", string.Join('\n', Line("bd-1", "theirs", day: 2, labels: ["x", "theirs"], priority: 1),
            Line("bd-2", "B changed", day: 2), Line("bd-5", "new")), "bd-3");
        await alice.Change(ours).Ok();

        var merged = await alice.Post("/v1/beads/merge", new { from = "proposal" }).Ok();
        (merged.Text("result"), merged.Number("conflicts")).ShouldBe(("conflicts", 1));
        // Nothing is done yet, and no other merge may begin.
        (await alice.Get("/v1/beads/issues/bd-2").Ok()).Text("title").ShouldBe("B");
        await OnBranch(bob, "other", Line("bd-9", "other"));
        (await alice.Post("/v1/beads/merge", new { from = "other" })).Status.ShouldBe(409);
        var conflict = (await alice.Get("/v1/beads/merge").Ok()).Items("conflicts").Single();
        (conflict.Text("bead_id"), conflict.Text("field"), conflict.Text("base"), conflict.Text("ours"), conflict.Text("theirs"))
            .ShouldBe(("bd-1", "title", "A", "ours", "theirs"));
        (await alice.Post("/v1/beads/merge/resolve", new { bead_id = "bd-1", field = "notes", take = "ours" })).Status.ShouldBe(404);
        (await alice.Post("/v1/beads/merge/resolve", new { bead_id = "bd-1", field = "title", take = "value" })).Status.ShouldBe(422);
        (await alice.Post("/v1/beads/merge/complete").Ok()).Text("result").ShouldBe("conflicts");
        await alice.Post("/v1/beads/merge/resolve", new { bead_id = "bd-1", field = "title", take = "value", value = "both" }).Ok();

        var done = await alice.Post("/v1/beads/merge/complete").Ok();

        done.Text("result").ShouldBe("merged");
        var one = await alice.Get("/v1/beads/issues/bd-1").Ok();
        (one.Text("title"), one.Text("assignee"), one.Number("priority")).ShouldBe(("both", "bob", 1));
        one.Texts("labels").Order().ShouldBe(["mine", "theirs", "x"]);
        (await alice.Get("/v1/beads/issues?limit=200").Ok()).Pluck("issues", "bead_id").Order().ShouldBe(["bd-1", "bd-2", "bd-5"]);
        var head = await alice.Get("/v1/beads/commits/HEAD").Ok();
        (head.Text("id"), head.Texts("parents").Length).ShouldBe((done.Text("commit"), 2));
        (await alice.Get("/v1/beads/diff?from=HEAD").Ok()).Number("total").ShouldBe(0);
        // An agent that has not seen the merge meets a conflict with its copy.
        (await alice.Change(ours).Ok()).Texts("conflicts").ShouldBe(["bd-1"]);
        (await alice.Post("/v1/beads/merge", new { from = "proposal" }).Ok()).Text("result").ShouldBe("up_to_date");
        (await alice.Get("/v1/beads/merge")).Status.ShouldBe(404);
        (await alice.Get("/v1/beads/issues/bd-2/blame").Ok()).Find("fields", "field", "title").Text("author").ShouldBe("bob");
    }

    [Fact]
    public async Task A_merge_takes_a_side_moves_forward_or_is_given_up()
    {
        var (alice, bob) = await Two();
        await alice.Sync(Line("bd-1", "A") + "\n" + Line("bd-2", "B")).Ok();
        await Commit(alice, "base");
        var tip = await OnBranch(bob, "ahead", Line("bd-2", "newer", day: 2));

        var forward = await alice.Post("/v1/beads/merge", new { from = "ahead" }).Ok();

        (forward.Text("result"), forward.Text("commit")).ShouldBe(("fast_forward", tip));
        (await alice.Get("/v1/beads/issues/bd-2").Ok()).Text("title").ShouldBe("newer");
        (await alice.Get("/v1/beads/diff?from=HEAD").Ok()).Number("total").ShouldBe(0);
        (await alice.Get("/v1/beads/commits/HEAD").Ok()).Text("id").ShouldBe(tip);

        // One removes what the other changes.
        await OnBranch(bob, "removes", "", "bd-1");
        await alice.Change(Line("bd-1", "changed", day: 4)).Ok();
        (await alice.Post("/v1/beads/merge", new { from = "removes" }).Ok()).Number("conflicts").ShouldBe(1);
        (await alice.Get("/v1/beads/merge").Ok()).Items("conflicts").Single().IsNull("field").ShouldBeTrue();
        (await alice.Delete("/v1/beads/merge").Ok()).Flag("merging").ShouldBeFalse();
        (await alice.Delete("/v1/beads/merge")).Status.ShouldBe(404);
        (await alice.Post("/v1/beads/merge", new { from = "removes", prefer = "theirs" }).Ok()).Text("result").ShouldBe("merged");
        (await alice.Get("/v1/beads/issues/bd-1")).Status.ShouldBe(404);
        (await alice.Post("/v1/beads/merge", new { from = "nothing" })).Status.ShouldBe(404);
        (await alice.Post("/v1/beads/commits", new { message = "m", on = "main", repo = alice.Repo })).Status.ShouldBe(422);
        (await alice.Post("/v1/beads/commits", new { message = "m", on = "b" })).Status.ShouldBe(422);
        (await alice.Post("/v1/beads/commits", new { message = "m", on = "b", repo = alice.Repo, issues_jsonl = "{" })).Status
            .ShouldBeInRange(400, 422);
    }

    [Fact]
    public async Task A_project_may_commit_after_each_command()
    {
        var (alice, bob) = await Two();
        (await alice.Get("/v1/beads/history").Ok()).Text("commit_mode").ShouldBe("manual");
        await alice.Sync(Line("bd-1", "A"), "create A").Ok();
        (await alice.Get("/v1/beads/history").Ok()).Number("commits").ShouldBe(0);
        (await bob.Patch("/v1/beads/history", new { commit_mode = "command" })).Status.ShouldBe(403);
        const string Begun = "What stood before each command is committed";
        await alice.Project.Give(alice, "lead");
        await alice.Patch("/v1/beads/history", new { commit_mode = "command" }).Ok();

        await bob.Change(Line("bd-1", "B", day: 2) + "\n" + Line("bd-2", "new"), "update bd-1 --title B").Ok();
        await bob.Change(Line("bd-1", "B", day: 2), "list").Ok();
        await alice.UploadJsonl(Line("bd-3", "up"), alice.Repo).Ok();
        await alice.Change(null, "delete bd-3", "bd-3").Ok();

        (await alice.Get("/v1/beads/commits").Ok()).Items("commits").Select(commit => (commit.Text("message"), commit.Text("author")))
            .ShouldBe([("delete bd-3", "alice"), ($"upload {alice.Repo} main", "alice"), ("update bd-1 --title B", "bob"),
                (Begun, "alice")]);
    }

    [Fact]
    public async Task Commands_that_meet_have_commits_of_their_own_and_so_have_edits()
    {
        var project = NewProject();
        var agents = new List<Agent>();
        for (var i = 0; i < 6; i++) agents.Add(await project.Agent($"agent-{i}", human: "A"));
        await agents[0].Sync(string.Join('\n', Enumerable.Range(0, 20).Select(i => Line($"bd-{i}", "A")))).Ok();
        await project.Give(agents[0], "lead");
        await agents[0].Patch("/v1/beads/history", new { commit_mode = "command" }).Ok();

        // Each changes beads of its own, and all of them one.
        await Task.WhenAll(agents.Select(async (agent, i) =>
        {
            await agent.Change(Line($"bd-{i}", $"by {i}", day: 2) + "\n" + Line("bd-19", $"by {i}", day: 2 + i), $"update bd-{i}");
            await agent.Patch($"/v1/beads/issues/bd-{6 + i}", new { title = $"edited by {i}" }).Ok();
        }));
        await agents[1].Post("/v1/beads/issues", new { title = "created" }).Ok();
        await agents[2].Post("/v1/beads/issues/bd-18/close").Ok();

        (await agents[0].Get("/v1/beads/diff?from=HEAD").Ok()).Number("total").ShouldBe(0);
        var commits = (await agents[0].Get("/v1/beads/commits?limit=200").Ok()).Items("commits").ToList();
        for (var i = 0; i < 6; i++)
        {
            foreach (var (bead, message) in new[] { ($"bd-{i}", $"update bd-{i}"), ($"bd-{6 + i}", $"update bd-{6 + i}") })
            {
                var title = (await agents[0].Get($"/v1/beads/issues/{bead}/blame").Ok()).Find("fields", "field", "title");
                (title.Text("author"), title.Text("by")).ShouldBe(($"agent-{i}", $"agent-{i}"), bead);
                commits.Single(commit => commit.Text("id") == title.Text("commit")).Text("message")
                    .ShouldBeOneOf(message, $"change {bead}");
            }
        }

        // Nobody's commit holds what another has changed.
        foreach (var commit in commits.Where(commit => commit.Texts("parents").Length == 1))
        {
            var id = commit.Text("id");
            foreach (var bead in (await agents[0].Get($"/v1/beads/diff?from={id}~1&to={id}&limit=200").Ok()).Items("beads"))
            {
                var by = (await agents[0].Get($"/v1/beads/issues/{bead.Text("bead_id")}/history?limit=500").Ok()).Items("events")
                    .Select(one => one.Text("by"));
                by.ShouldContain(commit.Text("author"), bead.Text("bead_id"));
            }
        }

        commits[0].Text("message").ShouldBe("close bd-18");
        commits[1].Text("message").ShouldStartWith("create ");
    }

    [Fact]
    public async Task A_server_that_was_started_again_goes_on_from_the_last_commit()
    {
        await using var server = await Store.Fresh();
        var project = new Project(server.Api);
        var alice = await project.Agent("alice");
        await alice.Sync(string.Join('\n', Enumerable.Range(0, 300).Select(i => Line($"bd-{i}", "A")))).Ok();
        var first = await Commit(alice, "first");
        await alice.Change(Line("bd-1", "B", day: 2) + "\n" + Line("bd-900", "new"), null, "bd-2").Ok();
        var second = await Commit(alice, "second");
        // Enough is removed for parts of the tree to fall together.
        await alice.Change(Line("bd-3", "C", day: 2), null, [.. Enumerable.Range(10, 285).Select(i => $"bd-{i}")]).Ok();
        var stands = await Export(alice, null);
        await server.Restart();
        alice = alice.At(server.Api);

        (await alice.Get("/v1/beads/diff?from=HEAD").Ok()).Number("total").ShouldBe(286);
        (await Export(alice, second)).ShouldContain("\"bd-900\"");
        (await Export(alice, first)).Split('\n').Length.ShouldBe(301);
        await Commit(alice, "third");
        (await Export(alice, "HEAD")).ShouldBe(stands);
        // The same lines, put in at once, are the same tree.
        var bob = await new Project(server.Api).Agent("bob");
        await bob.UploadJsonl(stands, alice.Repo).Ok();
        await Commit(bob, "all");
        (await bob.Get("/v1/beads/commits/HEAD").Ok()).Text("root").ShouldBe((await alice.Get("/v1/beads/commits/HEAD").Ok()).Text("root"));
    }

    private async Task<(Agent Alice, Agent Bob)> Two()
    {
        var project = NewProject();
        return (await project.Agent("alice", human: "Alice"), await project.Agent("bob", human: "Bob"));
    }

    private static async Task<string> Commit(Agent agent, string message) =>
        (await agent.Post("/v1/beads/commits", new { message }).Ok()).At("commit").Text("id");

    private static async Task<string> OnBranch(Agent agent, string on, string lines, params string[] deleted) =>
        (await agent.Post("/v1/beads/commits", new { message = $"on {on}", on, repo = agent.Repo, issues_jsonl = lines,
            deleted_ids = deleted }).Ok()).At("commit").Text("id");

    private static async Task<string> Export(Agent agent, string? version)
    {
        var answer = await agent.Get($"/v1/beads/export-jsonl?repo={agent.Repo}{(version is null ? "" : $"&as_of={version}")}");
        return answer.Status == 200 ? answer.Text : throw new InvalidOperationException(answer.ToString());
    }

    private static string File(IEnumerable<JsonObject> issues) => string.Concat(issues
        .OrderBy(issue => (string)issue["id"]!, StringComparer.Ordinal).Select(issue => Jsonl.Of(issue).TrimEnd('\n') + "\n"));

    private static DateTimeOffset Time(JsonNode line) => DateTimeOffset.Parse((string)line["updated_at"]!,
        System.Globalization.CultureInfo.InvariantCulture);

    private static string Pick(Random random, params string[] names) => names[random.Next(names.Length)];

    private static string Line(string id, string title, int day = 1, string status = "open", string[]? labels = null,
        string? assignee = null, int priority = 2)
    {
        var line = new JsonObject
        {
            ["id"] = id, ["title"] = title, ["status"] = status, ["priority"] = priority, ["issue_type"] = "task",
            ["created_at"] = "2026-01-01T00:00:00Z", ["updated_at"] = $"2026-01-{day:00}T00:00:00Z",
        };
        if (labels is not null) line["labels"] = new JsonArray([.. labels.Select(label => JsonValue.Create(label))]);
        if (assignee is not null) line["assignee"] = assignee;
        return line.ToJsonString();
    }
}
