using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Beadhub.Beads;
using Beadhub.Boards;
using Beadhub.EventLog;
using static Beadhub.Grains.Tests.Beads.Make;

namespace Beadhub.Grains.Tests.Beads;

public class BeadTests
{
    private static readonly ChangeBead Alice = new("alice-id", "alice", "Alice");
    private static readonly ChangeBead Bob = new("bob-id", "bob", "Bob");

    private Bead _bead = Bead.Empty;

    /// <summary>Changes the bead and folds the events as a grain would.</summary>
    private (ImmutableArray<IEvent> Events, Bead.Outcome Outcome) Do(ChangeBead command, double seconds = 0)
    {
        command = WithLine(command);
        var (decision, after) = _bead.ChangeTo(command, At(seconds));
        foreach (var @event in decision.Events) _bead = _bead.Apply(@event);
        Show(after).ShouldBe(Show(_bead), "the bead that was decided is the one that its events lead to");
        return (decision.Events, decision.Result);
    }

    /// <summary>An issue with the line that it would come in, and that line's digest.</summary>
    private static ChangeBead WithLine(ChangeBead command)
    {
        if (command.Store is not { } issue) return command;
        var line = command.Line ?? StoredLine.Render(issue.Complete());
        return command with { Line = line, Store = issue with { Digest = LineDigest.Of(Encoding.UTF8.GetBytes(line)) } };
    }

    private static ChangeBead Push(string line)
    {
        var (issue, text) = IssueLines.Read(Encoding.UTF8.GetBytes(line), "github.com/o/r", "main", BoardScope.None, Noon).ChangedLines
            .Single();
        return Alice with { Store = issue, Line = text };
    }

    private static string Show(Bead bead) => JsonSerializer.Serialize(bead, Bead.Kind.Snapshot);

    [Fact]
    public void A_new_issue_with_a_status_changes_status_from_none_checklist_195()
    {
        var (events, outcome) = Do(Alice with { Store = Record(status: "open") });
        outcome.ShouldBe(new Bead.Outcome(StoreResult.Added, StatusChanged: true, Removed: false, HeldBy: null));
        var stored = events.ShouldHaveSingleItem().ShouldBeOfType<IssueStored>();
        (stored.OldStatus, stored.WorkspaceId, stored.Alias, stored.At).ShouldBe((null, "alice-id", "alice", Noon));
        _bead.Records.ShouldHaveSingleItem().Title.ShouldBe("Title");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void A_new_issue_without_status_changes_no_status(string? status) =>
        Do(Alice with { Store = Record(status: status) }).Outcome.StatusChanged.ShouldBeFalse();

    [Fact]
    public void An_issue_whose_status_is_cleared_changes_no_status()
    {
        Do(Alice with { Store = Record(status: "open") });
        Do(Alice with { Store = Record(status: null) }).Outcome.ShouldBe(new Bead.Outcome(StoreResult.Updated, false, false, null));
        _bead.Records[0].Status.ShouldBeNull();
    }

    [Fact]
    public void A_changed_status_names_the_stored_one_as_old()
    {
        Do(Alice with { Store = Record(status: "open") });
        var (events, outcome) = Do(Bob with { Store = Record(status: "closed") });
        outcome.StatusChanged.ShouldBeTrue();
        events.ShouldHaveSingleItem().ShouldBeOfType<IssueStored>().OldStatus.ShouldBe("open");
    }

    [Fact]
    public void An_older_issue_is_a_conflict_and_leaves_the_record_untouched_checklist_155()
    {
        Do(Alice with { Store = Record(title: "New", updatedAt: At(10)) });
        var (events, outcome) = Do(Bob with { Store = Record(title: "Old", status: "closed", updatedAt: At(9)) });
        outcome.ShouldBe(new Bead.Outcome(StoreResult.Conflict, false, false, null));
        events.ShouldBeEmpty();
        _bead.Records[0].Title.ShouldBe("New");
    }

    [Theory]
    [InlineData(10.0, 10.0)]
    [InlineData(10.0, null)]
    [InlineData(null, 10.0)]
    [InlineData(null, null)]
    public void An_issue_of_equal_or_missing_age_replaces_the_stored_one_checklist_156(double? stored, double? pushed)
    {
        Do(Alice with { Store = Record(title: "One", updatedAt: stored is { } s ? At(s) : null) });
        Do(Bob with { Store = Record(title: "Two", updatedAt: pushed is { } p ? At(p) : null) }).Outcome.Stored
            .ShouldBe(StoreResult.Updated);
        _bead.Records[0].Title.ShouldBe("Two");
    }

    [Fact]
    public void A_missing_creator_keeps_the_stored_one_checklist_139()
    {
        Do(Alice with { Store = Record(createdBy: "alice") });
        Do(Alice with { Store = Record(title: "Other", createdBy: null) });
        _bead.Records[0].CreatedBy.ShouldBe("alice");
        Do(Alice with { Store = Record(createdBy: "bob") });
        _bead.Records[0].CreatedBy.ShouldBe("bob");
    }

    [Fact]
    public void The_same_issue_again_is_updated_without_an_event_checklist_187()
    {
        var record = Record(blockedBy: [Ref("bd-2")]) with { Labels = ["a"], BlocksIds = ["bd-2", "bd-3"], ElidedIds = ["bd-3"] };
        Do(Alice with { Store = record with { CreatedBy = "alice" } });
        Do(Alice with { Store = record }).Events.ShouldHaveSingleItem().ShouldBeOfType<IssueStored>().CreatedBy.ShouldBe("alice");
        var again = record with { SyncedAt = At(60), Labels = ["a"], BlockedBy = [Ref("bd-2")], BlocksIds = ["bd-2", "bd-3"],
            ElidedIds = ["bd-3"] };
        var (events, outcome) = Do(Alice with { Store = again });
        (outcome.Stored, events.Length).ShouldBe((StoreResult.Updated, 0));
    }

    [Fact]
    public void The_same_line_with_another_blocker_left_out_is_stored()
    {
        Do(Alice with { Store = Record() with { BlocksIds = ["bd-3"], ElidedIds = ["bd-3"] } });
        Do(Alice with { Store = Record(blockedBy: [Ref("bd-3")]) with { BlocksIds = ["bd-3"] } }).Events.ShouldHaveSingleItem();
        _bead.Records[0].BlockedBy.ShouldBe([Ref("bd-3")]);
    }

    [Fact]
    public void A_line_that_differs_in_nothing_that_is_kept_is_stored_for_its_digest()
    {
        Do(Push("""{"id":"bd-1","title":"Title"}"""));
        var line = """{"id":"bd-1","title":"Title",  "notes":"ü😀\u00fc","n":1.50e+1}""";
        var stored = Do(Push(line)).Events.ShouldHaveSingleItem().ShouldBeOfType<IssueStored>();
        stored.Line.ShouldBe(line);
        var data = EventTypes.Serialize(stored);
        data.ShouldContain(line, Case.Sensitive, "the line stands in the log as it is");
        ((IssueStored)EventTypes.Parse("bead.stored.v2", data)!).ShouldBe(stored);
    }

    [Fact]
    public void What_was_stored_without_its_line_counts_as_changed_once()
    {
        const string line =
            """{"id":"bd-1","title":"Title","status":"open","priority":2,"issue_type":"task","description":"Description"}""";
        _bead = _bead.Apply(new BeadStored(Push(line).Store!, null, "w", "alias", Noon));
        _bead.Records[0].ShouldSatisfyAllConditions(r => r.Digest.ShouldBe(default), r => r.Description.ShouldBeNull(), r =>
            r.Version.ShouldBe(1));
        Board.Empty("p").With([_bead.View("bd-1", 1)]).Scope("github.com/o/r", "main").ByDigest().ShouldBeEmpty();
        Do(Push(line)).Events.ShouldHaveSingleItem().ShouldBeOfType<IssueStored>().Line.ShouldBe(line);
        Do(Push(line)).Events.ShouldBeEmpty();
        _bead.Records[0].Version.ShouldBe(2);
    }

    [Fact]
    public void A_snapshot_of_a_version_that_kept_no_line_knows_no_digest_and_no_place()
    {
        var bead = JsonSerializer.Deserialize(
            """{"records":[{"bead_id":"bd-1","repo":"r","branch":"main","description":"D","digest":"AAAAAAAAAAAAAAAAAAAAAA==","synced_at":"2026-01-01T00:00:00+00:00"}]}""", Bead.Kind.Snapshot)!;
        (bead.Records[0].Digest, bead.Records[0].Description, bead.Records[0].Version).ShouldBe((default, null, 0));
    }

    [Fact]
    public void Issues_of_one_id_stand_by_repository_and_branch_checklist_151()
    {
        Do(Alice with { Store = Record(repo: "b", branch: "main") });
        Do(Alice with { Store = Record(repo: "a", branch: "z") });
        Do(Alice with { Store = Record(repo: "a", branch: "B") });
        _bead.Records.Select(r => r.Repo + "@" + r.Branch).ShouldBe(["a@B", "a@z", "b@main"]);
    }

    [Fact]
    public void A_removed_issue_is_gone_and_the_others_stay()
    {
        Do(Alice with { Store = Record(repo: "a") });
        Do(Alice with { Store = Record(repo: "b") });
        var (events, outcome) = Do(Alice with { Remove = Ref("bd-1", "a") });
        outcome.Removed.ShouldBeTrue();
        events.ShouldHaveSingleItem().ShouldBe(new BeadRemoved("a", "main", "alice-id", "alice", Noon));
        _bead.Records.ShouldHaveSingleItem().Repo.ShouldBe("b");
        var (again, nothing) = Do(Alice with { Remove = Ref("bd-1", "a") });
        (again.Length, nothing.Removed).ShouldBe((0, false));
    }

    [Fact]
    public void A_claim_carries_who_and_the_title_checklist_191()
    {
        var (events, outcome) = Do(Alice with { Store = Record(title: "Fix it"), Claim = true, Apex = Ref("bd-0") }, 1);
        outcome.HeldBy.ShouldBeNull();
        events[1].ShouldBe(new BeadClaimed("alice-id", "alice", "Alice", Ref("bd-0"), "Fix it", At(1)));
        _bead.Claims.ShouldHaveSingleItem().ShouldBe(new BeadClaim("alice-id", "alice", "Alice", At(1), Ref("bd-0"), "Fix it"));
    }

    [Fact]
    public void A_bead_that_is_not_stored_can_be_claimed()
    {
        Do(Alice with { Claim = true }).Events.ShouldHaveSingleItem().ShouldBeOfType<BeadClaimed>().Title.ShouldBeNull();
    }

    [Fact]
    public void A_claim_on_what_another_holds_is_refused_but_the_issue_is_stored_checklist_177()
    {
        Do(Alice with { Claim = true });
        var (events, outcome) = Do(Bob with { Store = Record(), Claim = true }, 1);
        outcome.Stored.ShouldBe(StoreResult.Added);
        outcome.HeldBy.ShouldBe(new BeadClaim("alice-id", "alice", "Alice", Noon, null));
        events.ShouldHaveSingleItem().ShouldBeOfType<IssueStored>();
        _bead.Claims.ShouldHaveSingleItem().Alias.ShouldBe("alice");
    }

    [Fact]
    public void Ones_own_claim_is_renewed_with_an_event()
    {
        Do(Alice with { Claim = true });
        var (events, _) = Do(Alice with { Claim = true, Alias = "alice2", Apex = Ref("bd-9") }, 5);
        events.ShouldHaveSingleItem().ShouldBeOfType<BeadClaimed>();
        _bead.Claims.ShouldHaveSingleItem().ShouldBe(new BeadClaim("alice-id", "alice2", "Alice", At(5), Ref("bd-9")));
    }

    [Fact]
    public void Who_joins_holds_it_beside_the_others()
    {
        Do(Alice with { Claim = true });
        var (events, outcome) = Do(Bob with { Claim = true, Terms = new(ClaimKind.Joining, Role: "reviewer", Note: "n") }, 1);
        events.ShouldHaveSingleItem().ShouldBe(new BeadClaimed("bob-id", "bob", "Bob", null, null, At(1), null, "reviewer", "n"));
        outcome.Granted.ShouldBe(new BeadClaim("bob-id", "bob", "Bob", At(1), null, null, "reviewer", "n"));
        _bead.Claims.Select(c => c.Alias).ShouldBe(["alice", "bob"]);

        Do(Alice with { Claim = true }, 2).Outcome.HeldBy.ShouldBeNull();
        Do(Bob with { Claim = true }, 3).Outcome.HeldBy.ShouldBeNull();
        Do(new("carol-id", "carol", "", Claim: true), 4).Outcome.HeldBy!.Alias.ShouldBe("bob");
    }

    [Fact]
    public void A_free_bead_is_one_that_nobody_holds_and_whose_issue_is_open()
    {
        var take = Alice with { Claim = true, Terms = new(ClaimKind.Free, Ref("bd-1")) };
        Do(take).Outcome.ShouldBe(new Bead.Outcome(StoreResult.None, false, false, null));
        Do(Alice with { Store = Record(status: "closed") });
        Do(take).Events.ShouldBeEmpty();
        Do(Alice with { Store = Record(status: "open") });
        var (events, outcome) = Do(take, 1);
        events.ShouldHaveSingleItem().ShouldBeOfType<BeadClaimed>().Issue.ShouldBe(Ref("bd-1"));
        outcome.Granted!.ClaimedAt.ShouldBe(At(1));
        Do(take, 2).Outcome.ShouldBe(new Bead.Outcome(StoreResult.None, false, false, outcome.Granted));
        Do(take with { WorkspaceId = "bob-id" }, 2).Outcome.HeldBy.ShouldBe(outcome.Granted);
    }

    [Fact]
    public void Ones_own_claim_is_released_under_ones_alias_and_the_others_stay()
    {
        Do(Alice with { Store = Record(title: "T"), Claim = true });
        Do(Bob with { Claim = true, Terms = new(ClaimKind.Joining) });
        Do(Alice with { Alias = "", ReleaseOwn = true }, 2).Events.ShouldHaveSingleItem()
            .ShouldBe(new BeadReleased("alice-id", "alice", "T", At(2)));
        _bead.Claims.ShouldHaveSingleItem().Alias.ShouldBe("bob");
        Do(Alice with { ReleaseOwn = true }).Events.ShouldBeEmpty();
    }

    [Fact]
    public void What_subscribers_want_to_hear_of_is_told_apart()
    {
        Do(Alice with { Store = Record(status: "open", priority: 2) }).Outcome.NewsFromEnd.ShouldBeNull();
        Do(Alice with { Store = Record(status: "open", priority: 2, title: "Other") }).Outcome.NewsFromEnd.ShouldBeNull();
        Do(Alice with { Store = Record(status: "closed", priority: 2) }).Outcome.NewsFromEnd.ShouldBe(0);
        var (events, outcome) = Do(Alice with { Store = Record(status: "open", priority: 1), Claim = true });
        outcome.NewsFromEnd.ShouldBe(1);
        events[0].ShouldBeOfType<IssueStored>().Before.ShouldBe(new BeadBefore(2, null));
        (events, outcome) = Do(Alice with { Store = Record(status: "open", priority: 1) with { Assignee = "ann" } });
        outcome.NewsFromEnd.ShouldBe(0);
        ((IIssueStored)events[0]).ChangesStatus.ShouldBeFalse();
        Do(Alice with { Store = Record(status: null, priority: 1) with { Assignee = "ann" } }).Outcome.NewsFromEnd.ShouldBeNull();
        Do(Alice with { Store = Record(status: "open", priority: 1) with { Assignee = "ann" } }).Outcome.NewsFromEnd.ShouldBeNull();
    }

    [Fact]
    public void Claims_of_older_versions_are_read()
    {
        var old = """{"workspace_id":"alice-id","alias":"alice","human_name":"","at":"2026-03-08T12:00:00+00:00"}""";
        EventTypes.Parse("bead.claimed.v1", old).ShouldBe(new BeadClaimed("alice-id", "alice", "", null, null, Noon));
        EventTypes.Serialize(new BeadClaimed("alice-id", "alice", "", null, null, Noon)).ShouldBe(old);
    }

    [Fact]
    public void Nobody_without_a_workspace_claims() => Do(new(null, "", "", Claim: true)).Events.ShouldBeEmpty();

    [Fact]
    public void Closing_releases_every_claimant_under_its_own_alias_checklist_193()
    {
        Do(Alice with { Store = Record(title: "T"), Claim = true });
        _bead = _bead.Apply(new BeadClaimed("carol-id", "carol", "", null, null, At(1)));
        var (events, _) = Do(Bob with { ReleaseAll = true }, 2);
        events.ShouldBe([new BeadReleased("alice-id", "alice", "T", At(2)), new BeadReleased("carol-id", "carol", "T", At(2))]);
        _bead.Claims.ShouldBeEmpty();
        _bead.Releases.ShouldBe([new BeadRelease("alice-id", At(2)), new BeadRelease("carol-id", At(2))]);
    }

    [Fact]
    public void A_deleted_issue_still_lends_its_title_to_the_releases_checklist_194()
    {
        Do(Alice with { Store = Record(title: "Gone"), Claim = true });
        var (events, _) = Do(Bob with { Remove = Ref("bd-1"), ReleaseAll = true });
        events[0].ShouldBeOfType<BeadRemoved>();
        events[1].ShouldBeOfType<BeadReleased>().Title.ShouldBe("Gone");
    }

    [Fact]
    public void A_claim_and_a_deletion_in_one_sync_leave_no_claim()
    {
        var (events, _) = Do(Alice with { Claim = true, ReleaseAll = true });
        events.Select(e => e.GetType()).ShouldBe([typeof(BeadClaimed), typeof(BeadReleased)]);
        _bead.Claims.ShouldBeEmpty();
    }

    [Fact]
    public void The_title_is_that_of_the_issue_synced_last()
    {
        Do(Alice with { Store = Record(repo: "z", title: "Older", syncedAt: At(1)) });
        Do(Alice with { Store = Record(repo: "a", title: "Newer", syncedAt: At(2)) });
        Do(Alice with { Claim = true }).Events.ShouldHaveSingleItem().ShouldBeOfType<BeadClaimed>().Title.ShouldBe("Newer");
    }

    [Fact]
    public void A_deleted_workspace_loses_its_claim_without_an_alias_and_no_one_else_does()
    {
        Do(Alice with { Claim = true });
        _bead = _bead.Apply(new BeadClaimed("carol-id", "carol", "", null, null, At(1)));
        Do(new(null, "", "", ReleaseOf: "alice-id"), 2).Events.ShouldHaveSingleItem()
            .ShouldBe(new BeadReleased("alice-id", "", null, At(2)));
        _bead.Claims.ShouldHaveSingleItem().Alias.ShouldBe("carol");
        Do(new(null, "", "", ReleaseOf: "alice-id")).Events.ShouldBeEmpty();
    }

    [Fact]
    public void Of_each_workspace_only_the_last_release_is_kept()
    {
        for (var round = 0; round < 3; round++)
        {
            Do(Alice with { Claim = true }, round);
            Do(Alice with { ReleaseAll = true }, round + 0.5);
        }

        _bead.Releases.ShouldHaveSingleItem().ShouldBe(new BeadRelease("alice-id", At(2.5)));
    }

    [Fact]
    public void The_log_and_the_snapshot_lead_to_the_same_bead()
    {
        var events = new List<IEvent>();
        events.AddRange(
            Do(Alice with { Store = Record(parent: Ref("bd-0"), blockedBy: [Ref("bd-2", "github.com/x/y")],
            updatedAt: At(0.000001)) with { Labels = ["ü"] }, Claim = true }).Events);
        events.AddRange(Do(Bob with { ReleaseAll = true, Store = Record(repo: "other") }).Events);
        var tail = events.Select((e, i) => new StoredEvent(i + 1, EventTypes.NameOf(e), EventTypes.Serialize(e), Noon))
            .Append(new(events.Count + 1, "bead.dreamt.v1", "{}", Noon)).ToList();
        var snapshot = Bead.Kind.Save(_bead);
        var expected = Show(_bead);
        Show(new StoredStream("p/bd-1", tail.Count, 0, null, tail).Fold<Bead>()).ShouldBe(expected);
        Show(new StoredStream("p/bd-1", tail.Count, tail.Count, snapshot, []).Fold<Bead>()).ShouldBe(expected);
        snapshot.ShouldContain("\"bead_id\":\"bd-1\"");
        snapshot.ShouldContain("ü");
        snapshot.ShouldNotContain("null");

        static string Show(Bead bead) => JsonSerializer.Serialize(bead with { Events = 0 }, Bead.Kind.Snapshot);
    }

    [Fact]
    public void Lists_that_old_json_lacks_are_empty()
    {
        var bead = JsonSerializer.Deserialize(
            """{"records":[{"bead_id":"bd-1","repo":"r","branch":"main","synced_at":"2026-01-01T00:00:00+00:00"}]}""", Bead.Kind.Snapshot)!;
        (bead.Claims.Length, bead.Releases.Length, bead.Records[0].Labels.Length, bead.Records[0].BlockedBy.Length,
            bead.Records[0].ElidedIds.Length).ShouldBe((0, 0, 0, 0, 0));
        var stored = EventTypes.Parse("bead.stored.v1", """{"record":{"bead_id":"bd-1","repo":"r","branch":"main"},"alias":"a"}""")!;
        Bead.Empty.Apply(stored).Records[0].BlocksIds.ShouldBeEmpty();
    }

    [Fact]
    public void A_command_without_lists_can_be_stored()
    {
        Do(Alice with { Store = Record() with { Labels = default, BlockedBy = default, BlocksIds = default, ElidedIds = default } }).Events
            .ShouldHaveSingleItem();
        _bead.Records[0].Labels.ShouldBeEmpty();
    }

    [Fact]
    public void A_bead_is_named_by_project_and_id()
    {
        Bead.Kind.Name.ShouldBe("bead");
        Bead.Kind.ProjectOf("11111111-1111-1111-1111-111111111111/bd-1").ShouldBe("11111111-1111-1111-1111-111111111111");
        Bead.IdOf("p/bd-1.2").ShouldBe("bd-1.2");
    }
}
