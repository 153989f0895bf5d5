using System.Text;
using Beadhub.History;
using Beadhub.Remotes;
using Beadhub.Testing;

namespace Beadhub.CommandTests.Remotes;

/// <summary>What every remote must do, whatever it is kept in.</summary>
public abstract class RemoteAcceptance : IAsyncLifetime
{
    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected static readonly Beadhub.Remotes.Transfer Transfer = new(static _ => { }, TimeProvider.System);

    private protected abstract IHistorySite Open();

    public abstract ValueTask InitializeAsync();

    public abstract ValueTask DisposeAsync();

    [Fact]
    public async Task What_is_pushed_is_fetched_elsewhere_with_the_same_root()
    {
        var (here, there) = (new MemoryHistory(), new MemoryHistory());
        here.Commit("main", "ada", "first", Lines(100));
        var head = here.Commit("main", "ada", "second", Lines(101, changed: 3));
        (await Transfer.Fetch(Open(), there, "origin", "main", Cancellation)).Commit.ShouldBeNull("nothing is there yet");
        var pushed = await Transfer.Push(here, Open(), "main", Cancellation);
        pushed.Commit.ShouldBe(head);
        pushed.Objects.ShouldBeGreaterThan(100);

        var fetched = await Transfer.Fetch(Open(), there, "origin", "main", Cancellation);
        fetched.Commit.ShouldBe(head);
        there.Tracked["origin/main"].ShouldBe(head);
        (await there.Read(head)).ShouldBe(await here.Read(head));
        (await Transfer.Push(here, Open(), "main", Cancellation)).Packs.ShouldBe(0);
    }

    [Fact]
    public async Task A_push_sends_only_what_is_missing()
    {
        var (here, there) = (new MemoryHistory(), new MemoryHistory());
        here.Commit("main", "ada", "first", Lines(1000));
        var all = await Transfer.Push(here, Open(), "main", Cancellation);
        await Transfer.Fetch(Open(), there, "origin", "main", Cancellation);
        here.Commit("main", "ada", "one line", Lines(1000, changed: 1));
        // A line, a commit, and a chunk a level of the tree.
        (await Transfer.Push(here, Open(), "main", Cancellation)).Objects.ShouldBeLessThan(8);
        all.Objects.ShouldBeGreaterThan(1000);
        var fetched = await Transfer.Fetch(Open(), there, "origin", "main", Cancellation);
        fetched.Objects.ShouldBeLessThan(8);
        (await there.Read(fetched.Commit!.Value)).Count.ShouldBe(1000);
        // And another branch, what neither has.
        here.Branches["topic"] = here.Branches["main"];
        here.Commit("topic", "ada", "on a branch", Lines(1000, changed: 2));
        (await Transfer.Push(here, Open(), "topic", Cancellation)).Objects.ShouldBeLessThan(8);
    }

    [Fact]
    public async Task A_push_that_would_lose_commits_is_refused_and_a_merge_goes_through()
    {
        var (ada, bob) = (new MemoryHistory(), new MemoryHistory());
        ada.Commit("main", "ada", "first", Lines(5));
        await Transfer.Push(ada, Open(), "main", Cancellation);
        bob.Branches["main"] = (await Transfer.Fetch(Open(), bob, "origin", "main", Cancellation)).Commit!.Value;
        bob.Commit("main", "bob", "bob's", Lines(6));
        ada.Commit("main", "ada", "ada's", Lines(5, changed: 1));
        await Transfer.Push(bob, Open(), "main", Cancellation);
        var refused = await Should.ThrowAsync<RemoteException>(() => Transfer.Push(ada, Open(), "main", Cancellation));
        refused.Kind.ShouldBe(RemoteFault.NotForward);
        refused.Message.ShouldContain("pull first");

        var theirs = (await Transfer.Fetch(Open(), ada, "origin", "main", Cancellation)).Commit!.Value;
        var merged = ada.Commit("main", "ada", "merge", Lines(6, changed: 1), theirs);
        (await Transfer.Push(ada, Open(), "main", Cancellation)).Commit.ShouldBe(merged);
        (await Transfer.Fetch(Open(), bob, "origin", "main", Cancellation)).Commit.ShouldBe(merged);
        (await bob.Read(merged)).ShouldBe(await ada.Read(merged));
    }

    [Fact]
    public async Task Of_two_pushes_at_once_one_wins_and_the_other_is_told()
    {
        var histories = new List<MemoryHistory>();
        for (var i = 0; i < 4; i++)
        {
            var history = new MemoryHistory();
            history.Commit("main", $"agent-{i}", $"by {i}", Lines(20 + i));
            histories.Add(history);
        }

        var outcomes = await Task.WhenAll(histories.Select(async history =>
        {
            try
            {
                return (Won: (ObjectHash?)(await Transfer.Push(history, Open(), "main", Cancellation)).Commit, Fault: default(RemoteFault));
            }
            catch (RemoteException e)
            {
                return (null, e.Kind);
            }
        }));
        outcomes.Count(static outcome => outcome.Won is not null).ShouldBe(1);
        outcomes.Where(static outcome => outcome.Won is null)
            .ShouldAllBe(static outcome => outcome.Fault == RemoteFault.Overtaken || outcome.Fault == RemoteFault.NotForward);
        (await Open().Heads(Cancellation))["main"].ShouldBe(outcomes.Single(static outcome => outcome.Won is not null).Won!.Value);
    }

    [Fact]
    public async Task A_push_that_was_cut_off_goes_on_where_it_was()
    {
        var here = new MemoryHistory();
        // Several packs.
        here.Commit("main", "ada", "first", Enumerable.Range(0, 60).ToDictionary(static i => $"bd-{i}",
            static i => $$"""{"id":"bd-{{i}}","title":"T","description":"{{new string((char)('a' + i % 26), 60_000)}}"}"""));
        var cut = new CutSite(Open(), after: 2);
        await Should.ThrowAsync<IOException>(() => Transfer.Push(here, cut, "main", Cancellation));
        (await Open().Heads(Cancellation)).ShouldBeEmpty("a branch moves when all is there");
        var resumed = await Transfer.Push(here, Open(), "main", Cancellation);
        resumed.Skipped.ShouldBe(2);
        resumed.Packs.ShouldBeGreaterThan(0);
        var there = new MemoryHistory();
        await Transfer.Fetch(Open(), there, "origin", "main", Cancellation);
        (await there.Read(here.Branches["main"])).Count.ShouldBe(60);
    }

    [Theory]
    [InlineData(SovereigntyTier.T3)]
    [InlineData(SovereigntyTier.T4)]
    public async Task Nobody_is_named_in_what_arrives_at_a_remote_of_a_higher_tier(SovereigntyTier tier)
    {
        string[] people = ["Ada", "Lovelace", "grace", "hopper", "linus", "example.org", "carol"];
        var here = new MemoryHistory();
        var sent = new SovereignSender(here, tier, [1, 2, 3]);
        here.Commit("main", "Ada Lovelace", "Ada asks grace.hopper@example.org", new Dictionary<string, string>
        {
            ["bd-1"] = """
                {"id":"bd-1","title":"Ask @linus about the lamp","description":"grace knows. So does ADA.","assignee":"grace",
                "comments":[{"author":"grace.hopper@example.org","text":"Ada: hi"}],"created_by":"Ada Lovelace"}
                """.ReplaceLineEndings(""),
            ["bd-2"] = """
                {"id":"bd-2","title":"Plain","notes":"secret words","x":{"owner":"carol"},
                "dependencies":[{"issue_id":"bd-2","depends_on_id":"bd-1","type":"blocks","created_by":"grace"}]}
                """.ReplaceLineEndings(""),
            ["bd-3"] = """{"id":"bd-3","title":"carol's door","status":"open"}""",
        });
        var first = await Transfer.Push(sent, Open(), "main", Cancellation);
        here.Commit("main", "linus", "more", new Dictionary<string, string>(await here.Read(here.Branches["main"]))
        {
            ["bd-4"] = """{"id":"bd-4","title":"Linus was here","assignee":"linus"}""",
        });
        // The same people have the same names as before: this goes forward.
        var second = await Transfer.Push(new SovereignSender(here, tier, [1, 2, 3]), Open(), "main", Cancellation);
        second.Commit.ShouldNotBe(first.Commit);

        var there = new MemoryHistory();
        await Transfer.Fetch(Open(), there, "origin", "main", Cancellation);
        var arrived = string.Join('\n', there.Objects.Values);
        foreach (var name in people) arrived.ShouldNotContain(name, Case.Insensitive);
        arrived.ShouldContain("lamp");
        var lines = await there.Read(second.Commit!.Value);
        lines.Count.ShouldBe(4);
        lines["bd-2"].ShouldContain("bd-1", customMessage: "who waits for what is not about people");
        if (tier == SovereigntyTier.T4) arrived.ShouldNotContain("secret words");
        else arrived.ShouldContain("secret words");
        await Raw(people);
    }

    [Fact]
    public async Task A_remote_that_lies_is_found_out_and_nothing_of_it_counts()
    {
        var here = new MemoryHistory();
        here.Commit("main", "ada", "first", Lines(40));
        await Transfer.Push(here, Open(), "main", Cancellation);
        var there = new MemoryHistory();
        var liar = new LyingSite(Open());
        (await Should.ThrowAsync<RemoteException>(() => Transfer.Fetch(liar, there, "origin", "main", Cancellation))).Kind
            .ShouldBe(RemoteFault.Damaged);
        there.Tracked.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_branch_is_removed_and_may_come_again()
    {
        var here = new MemoryHistory();
        here.Commit("main", "ada", "first", Lines(40));
        here.Branches["topic"] = here.Branches["main"];
        here.Commit("topic", "ada", "on a branch", Lines(40, changed: 2));
        await Transfer.Push(here, Open(), "main", Cancellation);
        await Transfer.Push(here, Open(), "topic", Cancellation);

        (await Open().Remove("topic", Cancellation)).ShouldBeTrue();

        (await Open().Remove("topic", Cancellation)).ShouldBeFalse();
        (await Open().Remove("never", Cancellation)).ShouldBeFalse();
        (await Open().Heads(Cancellation)).Keys.ShouldBe(["main"]);
        var there = new MemoryHistory();
        (await Transfer.Fetch(Open(), there, "origin", "topic", Cancellation)).Commit.ShouldBeNull();
        var topic = (await Transfer.Push(here, Open(), "topic", Cancellation)).Commit;
        topic.ShouldBe(here.Branches["topic"]);
        (await Transfer.Fetch(Open(), there, "origin", "topic", Cancellation)).Commit.ShouldBe(topic);
        (await there.Read(topic!.Value)).Count.ShouldBe(40);
    }

    [Fact]
    public async Task A_remote_that_stops_in_the_middle_leaves_nothing_that_counts_and_is_fetched_from_later()
    {
        var here = new MemoryHistory();
        here.Commit("main", "ada", "first", Enumerable.Range(0, 60).ToDictionary(static i => $"bd-{i}",
            static i => $$"""{"id":"bd-{{i}}","title":"T","description":"{{new string((char)('a' + i % 26), 60_000)}}"}"""));
        await Transfer.Push(here, Open(), "main", Cancellation);
        var there = new MemoryHistory();
        await Should.ThrowAsync<IOException>(() =>
            Transfer.Fetch(new StoppingSite(Open(), after: 2), there, "origin", "main", Cancellation));
        there.Tracked.ShouldBeEmpty();
        (await Transfer.Fetch(Open(), there, "origin", "main", Cancellation)).Commit.ShouldBe(here.Branches["main"]);
        (await there.Read(here.Branches["main"])).Count.ShouldBe(60);
    }

    /// <summary>Searches the store itself.</summary>
    private protected virtual Task Raw(string[] absent) => Task.CompletedTask;

    private protected static Dictionary<string, string> Lines(int count, int changed = 0) => Enumerable.Range(0, count)
        .ToDictionary(static i => $"bd-{i}", i => $$"""{"id":"bd-{{i}}","title":"Lamp {{i}}{{(i < changed ? " again" : "")}}"}""");

    /// <summary>Takes so many packs, and breaks off.</summary>
    private sealed class CutSite(IHistorySite site, int after) : IHistorySite
    {
        private int _left = after;

        public Task<IReadOnlyDictionary<string, ObjectHash>> Heads(CancellationToken cancellation) => site.Heads(cancellation);

        public Task<IReadOnlySet<ObjectHash>> Known(IReadOnlyCollection<ObjectHash> commits, CancellationToken cancellation) =>
            site.Known(commits, cancellation);

        public IAsyncEnumerable<Pack> Send(ObjectHash wanted, IHistorySite to, CancellationToken cancellation) =>
            site.Send(wanted, to, cancellation);

        public Task<bool> Take(Pack pack, CancellationToken cancellation) =>
            _left-- > 0 ? site.Take(pack, cancellation) : throw new IOException("cut");

        public Task<MoveOutcome> Move(BranchMove move, CancellationToken cancellation) => site.Move(move, cancellation);
    }

    /// <summary>Sends so many packs, and breaks off.</summary>
    private sealed class StoppingSite(IHistorySite site, int after) : IHistorySite
    {
        public Task<IReadOnlyDictionary<string, ObjectHash>> Heads(CancellationToken cancellation) => site.Heads(cancellation);

        public Task<IReadOnlySet<ObjectHash>> Known(IReadOnlyCollection<ObjectHash> commits, CancellationToken cancellation) =>
            site.Known(commits, cancellation);

        public async IAsyncEnumerable<Pack> Send(ObjectHash wanted, IHistorySite to,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            var sent = 0;
            await foreach (var pack in site.Send(wanted, to, cancellation))
            {
                if (sent++ == after) throw new IOException("stopped");
                yield return pack;
            }
        }

        public Task<bool> Take(Pack pack, CancellationToken cancellation) => site.Take(pack, cancellation);

        public Task<MoveOutcome> Move(BranchMove move, CancellationToken cancellation) => site.Move(move, cancellation);
    }

    /// <summary>Says that its head is a commit of which it sends other objects.</summary>
    private sealed class LyingSite(IHistorySite site) : IHistorySite
    {
        public async Task<IReadOnlyDictionary<string, ObjectHash>> Heads(CancellationToken cancellation) =>
            (await site.Heads(cancellation)).ToDictionary(static pair => pair.Key, static pair => ObjectHash.Of("not " + pair.Value));

        public Task<IReadOnlySet<ObjectHash>> Known(IReadOnlyCollection<ObjectHash> commits, CancellationToken cancellation) =>
            site.Known(commits, cancellation);

        public async IAsyncEnumerable<Pack> Send(ObjectHash wanted, IHistorySite to,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            var real = (await site.Heads(cancellation))["main"];
            await foreach (var pack in site.Send(real, to, cancellation)) yield return pack;
        }

        public Task<bool> Take(Pack pack, CancellationToken cancellation) => site.Take(pack, cancellation);

        public Task<MoveOutcome> Move(BranchMove move, CancellationToken cancellation) => site.Move(move, cancellation);
    }
}

/// <summary>Remotes in folders.</summary>
public sealed class FileRemoteTests : RemoteAcceptance
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("beadhub-remote-");

    private string Root => Path.Combine(_folder.FullName, "remote");

    private protected override IHistorySite Open() => new StoredHistory(new FileStore(Root));

    public override ValueTask InitializeAsync() => default;

    public override ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return default;
    }

    [Fact]
    public async Task Each_damage_is_told_and_nothing_of_it_is_taken_for_good()
    {
        var here = new MemoryHistory();
        here.Commit("main", "ada", "first", Lines(40));
        await Transfer.Push(here, Open(), "main", Cancellation);
        var pack = Directory.GetFiles(Path.Combine(Root, "packs")).Single();
        var good = await File.ReadAllBytesAsync(pack, Cancellation);
        foreach (var bad in (byte[][])[good[..^10], [.. good, 32], "[\"{}\"]"u8.ToArray(), "[1]"u8.ToArray(), []])
        {
            await File.WriteAllBytesAsync(pack, bad, Cancellation);
            var there = new MemoryHistory();
            (await Should.ThrowAsync<RemoteException>(() => Transfer.Fetch(Open(), there, "origin", "main", Cancellation))).Kind
                .ShouldBe(RemoteFault.Damaged);
            there.Tracked.ShouldBeEmpty();
        }

        File.Delete(pack);
        (await Should.ThrowAsync<RemoteException>(() => Transfer.Fetch(Open(), new MemoryHistory(), "origin", "main", Cancellation)))
            .Message.ShouldContain("lacks pack");
        await File.WriteAllTextAsync(Path.Combine(Root, "refs", "main"), "../../etc/passwd\n", Cancellation);
        (await Should.ThrowAsync<RemoteException>(() => Open().Heads(Cancellation))).Message.ShouldContain("leads nowhere");
        await File.WriteAllTextAsync(Path.Combine(Root, "refs", "main"), new string('a', 64) + "\n", Cancellation);
        (await Should.ThrowAsync<RemoteException>(() => Open().Heads(Cancellation))).Message.ShouldContain("lacks push");
    }

    [Fact]
    public async Task Of_a_project_with_many_branches_the_one_that_is_pushed_is_made_pseudonymous()
    {
        var here = new MemoryHistory();
        here.Commit("main", "ada", "first", Lines(10));
        here.Branches["topic"] = here.Branches["main"];
        here.Commit("topic", "ada", "second", Lines(10, changed: 1));
        (await new SovereignSender(here, SovereigntyTier.T3, [1], "topic").Heads(Cancellation)).Keys.ShouldBe(["topic"]);
        (await new SovereignSender(here, SovereigntyTier.T3, [1]).Heads(Cancellation)).Count.ShouldBe(2);
        await Transfer.Push(new SovereignSender(here, SovereigntyTier.T3, [1], "topic"), Open(), "topic", Cancellation);
        (await Open().Heads(Cancellation)).Keys.ShouldBe(["topic"]);
    }

    private protected override async Task Raw(string[] absent)
    {
        foreach (var file in Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories))
        {
            var text = await File.ReadAllTextAsync(file, Cancellation);
            foreach (var name in absent) text.ShouldNotContain(name, Case.Insensitive, file);
        }
    }
}

/// <summary>Another Beadhub as a remote: a project of its own for each test.</summary>
public sealed class HubRemoteTests(OneServer server) : RemoteAcceptance
{
    private readonly SocketsHttpHandler _http = new() { AllowAutoRedirect = false, UseProxy = false };
    private Agent _owner = null!;

    private protected override IHistorySite Open() => new HubHistory(new(server.Url), _owner.Key, _http);

    public override async ValueTask InitializeAsync() => _owner = await new Project(server.Api).Agent("owner");

    public override ValueTask DisposeAsync()
    {
        _http.Dispose();
        return default;
    }

    [Fact]
    public async Task What_arrives_stands_there_line_by_line_and_what_is_not_committed_is_not_pushed_over()
    {
        var here = new MemoryHistory();
        here.Commit("main", "ada", "first", Lines(3));
        await Transfer.Push(here, Open(), "main", Cancellation);
        (await _owner.Get("/v1/beads/export-jsonl?repo=github.com/ada/lamps&branch=main")).Text
            .ShouldBe(string.Concat(Lines(3).Values.Select(static line => line + "\n")));

        (await _owner.Patch("/v1/beads/issues/bd-1", new { title = "Changed there" })).Ok();
        here.Commit("main", "ada", "second", Lines(3, changed: 1));
        var refused = await Should.ThrowAsync<RemoteException>(() => Transfer.Push(here, Open(), "main", Cancellation));
        refused.Message.ShouldContain("not committed");
        (await _owner.Get("/v1/beads/issues/bd-0")).Ok().Text("title").ShouldBe("Lamp 0");
        (await Should.ThrowAsync<RemoteException>(() => Open().Remove("main", Cancellation))).Message.ShouldContain("main");
    }

    [Fact]
    public async Task Objects_are_taken_only_when_all_that_they_name_is_there_and_says_what_it_must()
    {
        var here = new MemoryHistory();
        var head = here.Commit("main", "ada", "first", Lines(100));
        here.Commit("main", "ada", "second", Lines(100, changed: 1));
        var commit = CommitObject.Parse(here.Objects[head])!;
        var objects = here.Objects.Where(one => one.Value.StartsWith('{') || one.Value.StartsWith("leaf", StringComparison.Ordinal)
            || one.Value.StartsWith("node", StringComparison.Ordinal)).ToDictionary();
        var node = objects.Values.First(static text => text.StartsWith("node", StringComparison.Ordinal));
        foreach (var (bad, why) in new (string[] Objects, string Why)[]
        {
            // The tree is not there; a line of it is not; its parent is not; it is older than its parent; no object at all.
            ([commit.Text()], "is not here"),
            ([.. objects.Where(one => !one.Value.Contains("\"bd-7\"", StringComparison.Ordinal)).Select(static one => one.Value),
                commit.Text()], "is not here"),
            ([.. objects.Values, (commit with { Parents = [ObjectHash.Of("nothing")] }).Text()], "which is not here"),
            ([.. objects.Values, (commit with { Parents = [default] }).Text()], "which is not here"),
            ([node.Replace("\t", " ", StringComparison.Ordinal)], "neither commit, chunk nor line"),
            (["commit\nroot x\n\nm"], "is no commit"),
            (["hello"], "neither commit, chunk nor line"),
        })
        {
            var answer = await _owner.Post("/v1/beads/exchange/objects", new { objects = bad });
            answer.Status.ShouldBeInRange(409, 422, answer.Text);
            answer.Text.ShouldContain(why);
            // What is whole may be kept; no commit is known that is not.
            (await Open().Known([head, commit.Id()], Cancellation)).ShouldBeEmpty();
        }

        (await _owner.Post("/v1/beads/exchange/objects", new { objects = (string[])[.. objects.Values, commit.Text()] })).Ok();
        (await Open().Known([head], Cancellation)).ShouldBe([head]);
        var back = commit with { Parents = [head], Time = commit.Time.AddDays(-1) };
        (await _owner.Post("/v1/beads/exchange/objects", new { objects = (string[])[back.Text()] })).Text.ShouldContain("is older than");

        // Commits that are not there are told as such, the one of zeros too.
        foreach (var unknown in (string[])[new string('0', 64), ObjectHash.Of("x").ToString()])
            foreach (var path in (string[])["missing", "ancestors"])
                (await _owner.Post($"/v1/beads/exchange/{path}", new { commit = unknown })).Status.ShouldBe(404);
        (await _owner.Post("/v1/beads/exchange/track", new { remote = "o", branch = "m", commit = ObjectHash.Of("x").ToString() })).Status
            .ShouldBe(409);
    }

    [Fact]
    public async Task A_large_commit_is_sent_in_pages_that_together_hold_each_object_once()
    {
        var here = new MemoryHistory();
        var head = here.Commit("main", "ada", "first", Enumerable.Range(0, 700).ToDictionary(static i => $"bd-{i}",
            static i => $$"""{"id":"bd-{{i}}","title":"T","description":"{{new string((char)('a' + i % 26), 4_000)}}"}"""));
        await Transfer.Push(here, Open(), "main", Cancellation);
        var objects = new List<string>();
        var pages = 0;
        for (string? after = ""; after is not null; pages++)
        {
            var page = (await _owner.Post("/v1/beads/exchange/missing", new { commit = head.ToString(), after })).Ok();
            objects.AddRange(page.Texts("objects"));
            after = page.Maybe("next");
        }

        pages.ShouldBeGreaterThan(2);
        objects.Select(ObjectHash.Of).ShouldBeUnique();
        objects.Select(ObjectHash.Of).ShouldBe(here.Objects.Keys.Where(static id => id != TreeNode.Empty.Hash), ignoreOrder: true);
        objects[^1].ShouldBe(here.Objects[head]);
    }

    [Fact]
    public async Task A_redirect_is_not_followed_and_gets_no_key()
    {
        using var redirecting = new Redirecting(new($"{server.Url}/"));
        using var hub = new HubHistory(new("http://127.0.0.1:1/"), _owner.Key, redirecting);
        (await Should.ThrowAsync<RemoteException>(() => hub.Heads(Cancellation))).Message.ShouldContain("not followed");
        redirecting.Asked.ShouldBe(1);
    }

    /// <summary>Answers every request with a redirect.</summary>
    private sealed class Redirecting(Uri to) : HttpMessageHandler
    {
        public int Asked { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked++;
            return Task.FromResult(new HttpResponseMessage(System.Net.HttpStatusCode.TemporaryRedirect) { Headers = { Location = to } });
        }
    }
}

/// <summary>Remotes in buckets.</summary>
public sealed class BucketRemoteTests : RemoteAcceptance
{
    private S3Double _store = null!;
    private SocketsHttpHandler _http = null!;

    private protected override IHistorySite Open() => Open(S3Double.SecretKey);

    public override async ValueTask InitializeAsync()
    {
        _store = await S3Double.Start();
        _http = new() { AllowAutoRedirect = false, UseProxy = false };
    }

    public override async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task Wrong_credentials_are_told_and_never_shown()
    {
        var refused = await Should.ThrowAsync<RemoteException>(() => Open("sesame-hunter2").Heads(Cancellation));
        refused.Message.ShouldContain("does not accept these credentials");
        refused.Message.ShouldNotContain("sesame-hunter2");
        _store.Refused.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        _store.Fails = static _ => 307;
        (await Should.ThrowAsync<RemoteException>(() => Open().Heads(Cancellation))).Message.ShouldContain("not followed");
    }

    [Fact]
    public async Task Transient_errors_are_tried_again_and_others_are_not()
    {
        var here = new MemoryHistory();
        here.Commit("main", "ada", "first", Lines(40));
        var failures = 0;
        _store.Fails = request => request.Method == "PUT" && Interlocked.Increment(ref failures) is 1 ? 503 : failures == 2 ? 0 : null;
        (await Transfer.Push(here, Open(), "main", Cancellation)).Commit.ShouldBe(here.Branches["main"]);
        failures.ShouldBeGreaterThan(2);
        var asked = 0;
        _store.Fails = _ => Interlocked.Increment(ref asked) > 0 ? 400 : null;
        await Should.ThrowAsync<RemoteException>(() => Transfer.Push(here, Open(), "main", Cancellation));
        asked.ShouldBe(1);
    }

    [Fact]
    public async Task A_store_that_ignores_conditions_is_not_pushed_to()
    {
        _store.IgnoresConditions = true;
        var here = new MemoryHistory();
        here.Commit("main", "ada", "first", Lines(4));
        (await Should.ThrowAsync<RemoteException>(() => Transfer.Push(here, Open(), "main", Cancellation))).Message
            .ShouldContain("does not honour conditional writes");
        (await Open().Heads(Cancellation)).ShouldBeEmpty();
    }

    private protected override Task Raw(string[] absent)
    {
        foreach (var (name, content) in _store.Objects)
        foreach (var person in absent) Encoding.UTF8.GetString(content).ShouldNotContain(person, Case.Insensitive, name);
        return Task.CompletedTask;
    }

    private StoredHistory Open(string secret)
    {
        var address = RemoteAddress.Parse(_store.Url("team/lamps"));
        return new(new S3Store(address.Name, address.Prefix, address.Endpoint, address.Region, new(S3Double.AccessKey, secret), _http));
    }
}

/// <summary>Addresses of remotes, and tiers.</summary>
public sealed class RemoteAddressTests
{
    [Theory]
    [InlineData("beadhub+https://hub.example.com/lamps", RemoteKind.Hub, "https://hub.example.com/", "lamps", "")]
    [InlineData("beadhub+http://127.0.0.1:8000/lamps", RemoteKind.Hub, "http://127.0.0.1:8000/", "lamps", "")]
    [InlineData("beadhub+http://10.1.2.3/lamps", RemoteKind.Hub, "http://10.1.2.3/", "lamps", "")]
    [InlineData("s3://bucket/a/b", RemoteKind.Bucket, null, "bucket", "a/b")]
    [InlineData("s3://bucket/a?endpoint=http://127.0.0.1:9000&region=x-1", RemoteKind.Bucket, "http://127.0.0.1:9000/", "bucket", "a")]
    [InlineData("gs://bucket/a", RemoteKind.Bucket, "https://storage.googleapis.com/", "bucket", "a")]
    [InlineData("file:///var/lib/remotes/lamps/", RemoteKind.Folder, null, "/var/lib/remotes/lamps", "")]
    public void Addresses_are_read(string text, RemoteKind kind, string? endpoint, string name, string prefix)
    {
        var address = RemoteAddress.Parse(text);
        (address.Kind, address.Endpoint?.ToString(), address.Name, address.Prefix).ShouldBe((kind, endpoint, name, prefix));
    }

    [Theory]
    [InlineData("dolthub://org/beads", "bd export")]
    [InlineData("doltremoteapi://x/y", "bd export")]
    [InlineData("beadhub+http://hub.example.com/lamps", "beadhub+https")]
    [InlineData("beadhub+https://ada:sesame@hub.example.com/lamps", "BEADHUB_REMOTE_USER")]
    [InlineData("beadhub+https://hub.example.com/", "beadhub+https://host/project")]
    [InlineData("https://hub.example.com/lamps", "no remote that Beadhub knows")]
    [InlineData("file:///a/../etc", "..")]
    [InlineData("file:///a/%2e%2e/etc", "..")]
    [InlineData("file://host/a", "absolute")]
    [InlineData("file:///", "absolute")]
    [InlineData("s3://bucket/../x/../..?endpoint=http://example.com", "endpoint")]
    [InlineData("s3://bucket/a?endpoint=https://u:sesame@x", "endpoint")]
    [InlineData("s3://bucket/a?token=sesame", "endpoint")]
    [InlineData("", "none")]
    [InlineData("s3://bucket/a b", "none")]
    public void What_is_none_is_refused_in_a_sentence_that_repeats_no_secret(string text, string says)
    {
        var refused = Should.Throw<RemoteException>(() => RemoteAddress.Parse(text));
        refused.Message.ShouldContain(says);
        refused.Message.ShouldNotContain("sesame");
    }

    [Fact]
    public void A_tier_that_nobody_knows_and_a_host_that_is_not_allowed_are_refused()
    {
        Sovereignty.Parse(null).ShouldBe(SovereigntyTier.T1);
        Sovereignty.Parse("t3").ShouldBe(SovereigntyTier.T3);
        foreach (var name in (string[])["T5", "T0", "public", "T1 T2"]) Should.Throw<RemoteException>(() => Sovereignty.Parse(name));
        var remote = RemoteAddress.Parse("beadhub+https://hub.example.com/lamps");
        SovereigntyTier.T1.MustAllow(remote, []);
        SovereigntyTier.T2.MustAllow(remote, ["HUB.example.com"]);
        SovereigntyTier.T2.MustAllow(remote, ["*.example.com"]);
        Should.Throw<RemoteException>(() => SovereigntyTier.T2.MustAllow(remote, ["example.com", "*.ample.com", "*.hub.example.com"]));
    }
}
