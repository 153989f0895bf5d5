using System.Text;
using Beadhub.Beads;
using Beadhub.Boards;
using static Beadhub.Grains.Tests.Beads.Make;

namespace Beadhub.Grains.Tests.Boards;

public class IssueLinesTests
{
    private const string Repo = "github.com/o/r";

    private static IssueLines Read(string jsonl, BoardScope? stored = null) => Read(Encoding.UTF8.GetBytes(jsonl), stored);

    private static IssueLines Read(byte[] jsonl, BoardScope? stored = null) =>
        IssueLines.Read(jsonl, Repo, "main", stored ?? BoardScope.None, Noon);

    private static BeadRecord One(string fields) =>
        Read($$"""{"id":"bd-1"{{(fields == "" ? "" : "," + fields)}}}""").Changed.ShouldHaveSingleItem();

    private static string Refusal(string jsonl) => Refusal(Encoding.UTF8.GetBytes(jsonl));

    private static string Refusal(byte[] jsonl)
    {
        var refused = Should.Throw<RefusedException>(() => Read(jsonl));
        refused.Kind.ShouldBe(RefusalKind.Mismatch);
        return refused.Message;
    }

    private static string Nested(int containers, string open = "{\"a\":", string close = "}") =>
        $"{{\"id\":\"bd-1\",\"x\":{string.Concat(Enumerable.Repeat(open, containers))}1"
        + $"{string.Concat(Enumerable.Repeat(close, containers))}}}";

    [Fact]
    public void All_fields_are_read()
    {
        var record = One(
            """
            "title":"T","description":"D","status":"odd","priority":3,"issue_type":"bug","assignee":"bob","created_by":"alice","labels":["x","y"],
            "created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-02T00:00:00+01:00","blocked_by":["bd-2"],"notes":{"deep":[1]}
            """.ReplaceLineEndings(""));
        (record.BeadId, record.Repo, record.Branch, record.Title, record.Status).ShouldBe(("bd-1", Repo, "main", "T", "odd"));
        (record.Priority, record.Type, record.Assignee, record.CreatedBy, record.SyncedAt).ShouldBe((3, "bug", "bob", "alice", Noon));
        record.Labels.ShouldBe(["x", "y"]);
        record.BlockedBy.ShouldBe([Ref("bd-2")]);
        record.CreatedAt.ShouldBe(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        record.UpdatedAt.ShouldBe(new(2026, 1, 1, 23, 0, 0, TimeSpan.Zero));
    }

    [Fact]
    public void Missing_and_null_fields_are_none()
    {
        var nulls = One("""
            "title":null,"description":null,"status":null,"priority":null,"issue_type":null,"assignee":null,"created_by":null,"labels":null,"created_at":null,"updated_at":null,"blocked_by":null,"dependencies":null
            """);
        (nulls with { Digest = default }).SaysTheSameAs(One("") with { Digest = default }).ShouldBeTrue();
        (nulls.Title, nulls.Priority, nulls.CreatedBy, nulls.Labels.Length, nulls.UpdatedAt).ShouldBe((null, null, null, 0, null));
    }

    [Fact]
    public void Names_of_fields_may_be_escaped() =>
        Read("""{"\u0069d":"bd-1","t\u0069tle":"T"}""").Changed.ShouldHaveSingleItem().Title.ShouldBe("T");

    [Fact]
    public void Blank_lines_and_both_line_ends_are_skipped_checklist_129()
    {
        Read("\n\r\n  \t\n{\"id\":\"bd-1\"}\r\n\n{\"id\":\"bd-2\"}").Changed.Select(r => r.BeadId).ShouldBe(["bd-1", "bd-2"]);
        Read(" \n\r\n\n").Count.ShouldBe(0);
        Read("").Count.ShouldBe(0);
    }

    [Fact]
    public void Bad_json_is_named_by_its_line_counting_blank_ones_checklist_131()
    {
        Refusal("{\"id\":\"bd-1\"}\n{nope}").ShouldStartWith("Invalid JSON on line 2: ");
        Refusal("\n\n{\"id\":\"bd-1\"}\r\n\n{\"id\":").ShouldStartWith("Invalid JSON on line 5: ");
    }

    [Theory]
    [InlineData("{\"id\":\"bd-1\"} x")]
    [InlineData("{\"id\":\"bd-1\"}{\"id\":\"bd-2\"}")]
    [InlineData("{\"id\":\"bd-1\",}")]
    [InlineData("{\"id\":\"bd-1\"")]
    [InlineData("{'id':1}")]
    [InlineData("{\"id\":NaN}")]
    [InlineData("{\"a\":01}")]
    [InlineData("{\"a\":\"\t\"}")]
    [InlineData("// {}")]
    [InlineData("[1,2")]
    [InlineData("nul")]
    [InlineData("{\"id\":\"../bad\",\"x\":}")]
    public void What_is_no_json_is_refused(string line) => Refusal(line).ShouldStartWith("Invalid JSON on line 1: ");

    [Theory]
    [InlineData("""{"id":"bd-1","title":"\ud800"}""")]
    [InlineData("""{"id":"bd-1","title":"\uDC00x"}""")]
    [InlineData("""{"id":"bd-1","notes":["\ud800"]}""")]
    [InlineData("""{"id":"bd-1","\udfff":1}""")]
    public void Half_a_surrogate_pair_is_refused_wherever_it_stands(string line) =>
        Refusal(line).ShouldStartWith("Invalid JSON on line 1: ");

    [Fact]
    public void Whole_surrogate_pairs_are_text() => One("""
        "title":"\ud83d\ude00","notes":"\ud83d\ude00"
        """).Title.ShouldBe("😀");

    [Fact]
    public void What_is_no_utf8_is_refused() =>
        Refusal([.. "\n{\"id\":\"bd-1\",\"notes\":\""u8, 0xC3, 0x28, .. "\"}"u8]).ShouldStartWith("Invalid JSON on line 2: ");

    [Theory]
    [InlineData("[]")]
    [InlineData("[[1]]")]
    [InlineData("\"bd-1\"")]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("[[[[[[[[[[[[1]]]]]]]]]]]]")]
    public void A_line_must_be_an_object(string line) => Refusal("\n" + line).ShouldBe("JSON on line 2 must be an object");

    [Fact]
    public void The_first_bad_line_decides() =>
        Refusal("[]\n{nope}").ShouldBe("JSON on line 1 must be an object");

    [Fact]
    public void Exactly_10000_records_pass_and_one_more_does_not_checklist_132_137()
    {
        var lines = Enumerable.Range(0, 10_000).Select(i => $"{{\"id\":\"bd-{i}\"}}").ToList();
        Read(string.Join('\n', lines)).Count.ShouldBe(10_000);
        Refusal(string.Join('\n', lines.Append("").Append("not parsed"))).ShouldBe("Too many issues: exceeds limit of 10000");
    }

    [Fact]
    public void Records_are_counted_even_when_they_are_skipped() =>
        Refusal(string.Join('\n', Enumerable.Repeat("{}", 10_001))).ShouldBe("Too many issues: exceeds limit of 10000");

    [Theory]
    [InlineData("{\"a\":", "}")]
    [InlineData("[", "]")]
    public void A_scalar_in_8_containers_passes_and_in_9_does_not_checklist_133_134(string open, string close)
    {
        Read(Nested(8, open, close)).Count.ShouldBe(1);
        Refusal("\n" + Nested(9, open, close)).ShouldBe("JSON nesting depth exceeds limit (10) on line 2");
        Refusal(Nested(100, open, close)).ShouldBe("JSON nesting depth exceeds limit (10) on line 1");
    }

    [Theory]
    [InlineData("""{"id":"bd-1","labels":[[[[[[[[[[1]]]]]]]]]]}""")]
    [InlineData("""{"id":"bd-1","blocked_by":[{"repo":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}]}""")]
    [InlineData("""{"id":"bd-1","dependencies":[{"x":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}]}""")]
    [InlineData("""{"id":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}}}""")]
    public void Depth_counts_in_fields_that_are_read_too(string line) =>
        Refusal(line).ShouldBe("JSON nesting depth exceeds limit (10) on line 1");

    [Fact]
    public void Empty_containers_are_no_deeper_than_themselves_checklist_135()
    {
        Read("""{"id":"bd-1","x":[[[[[[[[[]]]]]]]]],"y":{},"labels":[]}""").Count.ShouldBe(1);
        Refusal("""{"id":"bd-1","x":[[[[[[[[[[]]]]]]]]]]}""").ShouldContain("nesting");
    }

    [Theory]
    [InlineData("{\"a\":", "}")]
    [InlineData("[", "]")]
    [InlineData("[", "")]
    public void Endless_nesting_is_refused_and_nothing_crashes_checklist_136(string open, string close)
    {
        Refusal(Nested(15_000, open, close)).ShouldContain("nesting");
        Refusal(string.Concat(Enumerable.Repeat(open, 15_000))).ShouldContain("nesting");
    }

    [Theory]
    [InlineData("""{"title":"no id"}""")]
    [InlineData("""{"id":null}""")]
    [InlineData("""{"id":7}""")]
    [InlineData("""{"id":["bd-1"]}""")]
    [InlineData("""{"id":"../bad"}""")]
    [InlineData("""{"id":"-x","priority":"high"}""")]
    public void A_record_without_valid_id_is_skipped_checklist_126(string line) => Read(line + "\n{\"id\":\"bd-1\"}").Count.ShouldBe(1);

    [Theory]
    [InlineData("\"title\":1", "title")]
    [InlineData("\"description\":[]", "description")]
    [InlineData("\"status\":true", "status")]
    [InlineData("\"issue_type\":{}", "issue_type")]
    [InlineData("\"assignee\":0", "assignee")]
    [InlineData("\"priority\":\"high\"", "priority")]
    [InlineData("\"priority\":1.5", "priority")]
    [InlineData("\"priority\":true", "priority")]
    [InlineData("\"priority\":9223372036854775808", "priority")]
    [InlineData("\"priority\":1e400", "priority")]
    [InlineData("\"labels\":\"x\"", "labels")]
    [InlineData("\"labels\":[1]", "labels")]
    [InlineData("\"labels\":[null]", "labels")]
    [InlineData("\"blocked_by\":\"bd-2\"", "blocked_by")]
    [InlineData("\"blocked_by\":[1]", "blocked_by")]
    [InlineData("\"blocked_by\":[[\"bd-2\"]]", "blocked_by")]
    [InlineData("\"dependencies\":{}", "dependencies")]
    [InlineData("\"dependencies\":[\"bd-2\"]", "dependencies")]
    [InlineData("\"created_by\":{}", "created_by")]
    public void A_field_of_the_wrong_type_is_refused_by_name(string field, string name) =>
        Refusal($"\n{{\"id\":\"bd-1\",{field},\"x\":1}}").ShouldStartWith($"Invalid issue on line 2: {name} ");

    [Theory]
    [InlineData("1", 1)]
    [InlineData("-3", -3)]
    [InlineData("2.0", 2)]
    [InlineData("1e2", 100)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void A_priority_is_any_whole_number(string json, long priority) => One($"\"priority\":{json}").Priority.ShouldBe(priority);

    [Theory]
    [InlineData("123", "123")]
    [InlineData("1.50", "1.50")]
    [InlineData("true", "True")]
    [InlineData("false", "False")]
    [InlineData("\"  alice \"", "alice")]
    [InlineData("\"  \"", null)]
    [InlineData("\"\"", null)]
    public void A_creator_is_any_scalar_as_text_checklist_138(string json, string? creator) =>
        One($"\"created_by\":{json}").CreatedBy.ShouldBe(creator);

    [Fact]
    public void A_creator_is_cut_to_255_characters_checklist_139()
    {
        One($"\"created_by\":\"{new string('x', 300)}\"").CreatedBy.ShouldBe(new string('x', 255));
        One($"\"created_by\":\"{string.Concat(Enumerable.Repeat("😀", 300))}\"").CreatedBy
            .ShouldBe(string.Concat(Enumerable.Repeat("😀", 255)));
    }

    [Theory]
    [InlineData("\"soon\"")]
    [InlineData("17")]
    [InlineData("[1]")]
    [InlineData("\"0001-01-01T00:00:00+01:00\"")]
    public void A_time_that_cannot_be_read_is_none(string json) => One($"\"updated_at\":{json},\"title\":\"T\"").ShouldSatisfyAllConditions(
        record => record.UpdatedAt.ShouldBeNull(), record => record.Title.ShouldBe("T"));

    [Fact]
    public void References_are_read_as_contract_7_2_says_checklist_158()
    {
        var record = One("""
            "blocked_by":["bd-2"," bd-3 ","","  ","other-repo:bd-4","a/b:bd-5","../x:bd-6","a:b:bd-7","a:","bad id",
            {"bead_id":"bd-8"},{"bead_id":"bd-9","repo":"x/y","branch":"dev"},{"bead_id":"bd-10","repo":null,"branch":null},
            {"bead_id":"../x"},{"repo":"x"},{"bead_id":7},{"bead_id":"bd-11","repo":"../x"},{"bead_id":"bd-12","branch":"-x"},{"bead_id":"bd-13","repo":7},{"bead_id":"bd-14","z":[1]}]
            """.ReplaceLineEndings(""));
        record.BlockedBy.ShouldBe([
            Ref("bd-2"), Ref("bd-3"), Ref("bd-4", "other-repo"), Ref("bd-5", "a/b"), Ref("bd-8"), Ref("bd-9", "x/y", "dev"), Ref("bd-10"),
            Ref("bd-14"),
        ]);
    }

    [Fact]
    public void Dependencies_give_the_parent_and_blockers_after_those_of_blocked_by_checklist_154()
    {
        var record = One("""
            "dependencies":[{"depends_on_id":"bd-2","type":"blocks"},{"type":"parent-child","depends_on_id":"../x"},{"issue_id":"bd-1","depends_on_id":"bd-3","type":"parent-child"},
            {"depends_on_id":"bd-4","type":"parent-child"},{"depends_on_id":"bd-5","type":"related"},{"depends_on_id":"bd-6"},{"type":"blocks"},{"depends_on_id":7,"type":"blocks"},
            {"depends_on_id":"o/p:bd-7","type":"blocks"},{"depends_on_id":"bd-2","type":"blocks"},{"depends_on_id":"bd-9","type":3}],"blocked_by":["bd-8","bd-2"]
            """.ReplaceLineEndings(""));
        record.Parent.ShouldBe(Ref("bd-3"));
        record.BlockedBy.ShouldBe([Ref("bd-8"), Ref("bd-2"), Ref("bd-2"), Ref("bd-7", "o/p"), Ref("bd-2")]);
        record.BlocksIds.ShouldBe(["bd-2", "bd-2"]);
        record.ElidedIds.ShouldBeEmpty();
    }

    [Fact]
    public void The_last_record_with_an_id_wins()
    {
        var lines = Read("""
            {"id":"bd-1","title":"One","status":"closed"}
            {"id":"bd-2","dependencies":[{"depends_on_id":"bd-1","type":"blocks"}]}
            {"id":"bd-1","title":"Two","status":"open"}
            """);
        lines.Count.ShouldBe(2);
        lines.Changed.Select(r => r.Title).ShouldBe(["Two", null]);
        lines.Find("bd-2")!.BlockedBy.ShouldBe([Ref("bd-1")]);
    }

    [Fact]
    public void The_last_field_of_a_name_wins()
    {
        var record =
            Read("""{"id":"bd-9","title":"One","labels":["a"],"blocked_by":["bd-2"],"id":"bd-1","title":null,"labels":["b"],"blocked_by":[]}""").Changed.ShouldHaveSingleItem();
        (record.BeadId, record.Title, record.BlockedBy.Length).ShouldBe(("bd-1", null, 0));
        record.Labels.ShouldBe(["b"]);
    }

    [Fact]
    public void A_blocker_that_the_payload_closes_is_left_out_checklist_157()
    {
        var record = Read("""
            {"id":"bd-1","blocked_by":["bd-2"],"dependencies":[{"depends_on_id":"bd-2","type":"blocks"},{"depends_on_id":"bd-3","type":"blocks"},{"depends_on_id":"bd-4","type":"blocks"}]}
            {"id":"bd-2","status":"closed"}
            {"id":"bd-3","status":"Closed"}
            """).Find("bd-1")!;
        record.BlockedBy.ShouldBe([Ref("bd-2"), Ref("bd-3"), Ref("bd-4")]);
        record.BlocksIds.ShouldBe(["bd-2", "bd-3", "bd-4"]);
        record.ElidedIds.ShouldBe(["bd-2"]);
    }

    /// <summary>What a board holds after these lines were stored.</summary>
    private static BoardScope Stored(string jsonl) =>
        Board.Empty("p").With(Read(jsonl).Changed.Select(r => new BeadView(r.BeadId, 1, [r], [], []))).Scope(Repo, "main");

    [Fact]
    public void A_line_that_is_stored_is_recognised_and_not_parsed_again()
    {
        var stored = Stored("{\"id\":\"bd-1\",\"title\":\"T\"}\n{\"id\":\"bd-2\"}");
        var lines = Read("  {\"id\":\"bd-1\",\"title\":\"T\"}\t\r\n{\"id\":\"bd-2\",\"title\":\"changed\"}\n", stored);
        (lines.Count, lines.ChangedCount).ShouldBe((2, 1));
        lines.Changed.ShouldHaveSingleItem().BeadId.ShouldBe("bd-2");
        ReferenceEquals(lines.Find("bd-1"), stored.ByDigest().Values.Single(r => r.BeadId == "bd-1")).ShouldBeTrue();
    }

    [Fact]
    public void Of_a_few_lines_among_many_stored_those_are_unchanged_that_are_stored()
    {
        var stored = Stored(string.Join('\n', Enumerable.Range(1, 100).Select(i => $"{{\"id\":\"bd-{i}\",\"title\":\"T\"}}")));
        var lines = Read("{\"id\":\"bd-1\",\"title\":\"T\"}\n{\"id\":\"bd-2\",\"title\":\"changed\"}\n{\"id\":\"bd-101\",\"title\":\"T\"}",
            stored);
        (lines.Count, lines.ChangedCount).ShouldBe((3, 2));
        lines.Changed.Select(issue => issue.BeadId).ShouldBe(["bd-2", "bd-101"]);
        ReferenceEquals(lines.Find("bd-1"), stored.Find("bd-1")).ShouldBeTrue();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void A_line_that_was_stored_before_it_would_be_refused_is_unchanged(int others)
    {
        var line = $$"""{"id":"bd-0","title":"{{new string('x', 501)}}"}""";
        Refusal(line).ShouldContain("title");
        var record = Record("bd-0", repo: Repo, digest: LineDigest.Of(Encoding.UTF8.GetBytes(line)));
        var stored = Board.Empty("p")
            .With(Enumerable.Range(0, others).Select(i =>
            new BeadView($"bd-{i}", 1, [record with { BeadId = $"bd-{i}", Digest = i == 0 ? record.Digest : default }], [], [])))
            .Scope(Repo, "main");
        (Read(line, stored).Count, Read(line, stored).ChangedCount).ShouldBe((1, 0));
    }

    [Fact]
    public void Words_that_issues_repeat_are_one_object()
    {
        var (one, two) = (One("\"assignee\":\"bob\",\"labels\":[\"x\"]"), One("\"assignee\":\"b\\u006fb\",\"labels\":[\"x\"]"));
        ReferenceEquals(one.Assignee, two.Assignee).ShouldBeTrue();
        ReferenceEquals(one.Labels[0], two.Labels[0]).ShouldBeTrue();
    }

    [Fact]
    public void Of_a_stored_and_a_changed_line_with_one_id_the_last_wins()
    {
        var stored = Stored("""{"id":"bd-1","title":"T"}""");
        Read("{\"id\":\"bd-1\",\"title\":\"T\"}\n{\"id\":\"bd-1\",\"title\":\"U\"}", stored).Changed.ShouldHaveSingleItem().Title
            .ShouldBe("U");
        var reverted = Read("{\"id\":\"bd-1\",\"title\":\"U\"}\n{\"id\":\"bd-1\",\"title\":\"T\"}", stored);
        (reverted.Count, reverted.ChangedCount).ShouldBe((1, 0));
    }

    private const string Blocked = """{"id":"bd-1","status":"open","dependencies":[{"depends_on_id":"bd-2","type":"blocks"}]}""";

    [Fact]
    public void A_stored_line_is_stored_again_when_the_payload_now_closes_its_blocker_checklist_157()
    {
        var stored = Stored(Blocked + "\n{\"id\":\"bd-2\",\"status\":\"open\"}");
        var lines = Read(Blocked + "\n{\"id\":\"bd-2\",\"status\":\"closed\"}", stored);
        lines.ChangedCount.ShouldBe(2);
        lines.Find("bd-1")!.ShouldSatisfyAllConditions(r => r.BlockedBy.ShouldBeEmpty(), r => r.ElidedIds.ShouldBe(["bd-2"]));
    }

    [Fact]
    public void A_stored_line_is_stored_again_when_the_payload_no_longer_closes_its_blocker_checklist_157()
    {
        var stored = Stored(Blocked + "\n{\"id\":\"bd-2\",\"status\":\"closed\"}");
        Read(Blocked + "\n{\"id\":\"bd-2\",\"status\":\"closed\"}", stored).ChangedCount.ShouldBe(0);
        Read(Blocked + "\n{\"id\":\"bd-2\",\"status\":\"open\"}", stored).Find("bd-1")!.BlockedBy.ShouldBe([Ref("bd-2")]);

        // An incremental sync without the blocker: the contract asks what is closed in this payload.
        var alone = Read(Blocked, stored);
        alone.ChangedCount.ShouldBe(1);
        alone.Find("bd-1")!.BlockedBy.ShouldBe([Ref("bd-2")]);
    }

    [Fact]
    public void Another_repository_does_not_lend_its_lines()
    {
        var board = Board.Empty("p").With([new BeadView("bd-1", 1, [Read("""{"id":"bd-1"}""").Changed.Single()], [], [])]);
        IssueLines.Read("""{"id":"bd-1"}"""u8, "other", "main", board.Scope("other", "main"), Noon).Changed.ShouldHaveSingleItem().Repo
            .ShouldBe("other");
    }

    [Fact]
    public void A_digest_is_read_back()
    {
        var digest = new LineDigest(0x0123456789ABCDEF, 42);
        LineDigest.Parse(digest.ToString()).ShouldBe(digest);
        LineDigest.Parse("").ShouldBe(default);
        LineDigest.Parse("not base64!").ShouldBe(default);
        LineDigest.Parse(Convert.ToBase64String(new byte[17])).ShouldBe(default);
        default(LineDigest).ToString().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("\"title\":\"{0}\"", 500, "title must have at most 500 characters")]
    [InlineData("\"status\":\"{0}\"", 255, "status must have at most 255 characters")]
    [InlineData("\"issue_type\":\"{0}\"", 255, "issue_type must have at most 255 characters")]
    [InlineData("\"assignee\":\"{0}\"", 255, "assignee must have at most 255 characters")]
    [InlineData("\"labels\":[\"a\",\"{0}\"]", 255, "labels must have at most 255 characters")]
    public void Texts_that_lists_show_have_a_longest_length_which_is_told_with_line_and_field(string field, int most, string refusal)
    {
        One(field.Replace("{0}", string.Concat(Enumerable.Repeat("😀", most))));
        Refusal("\n{\"id\":\"bd-1\"," + field.Replace("{0}", new string('x', most + 1)) + "}")
            .ShouldBe("Invalid issue on line 2: " + refusal);
    }

    [Theory]
    [InlineData("labels", "\"l\"", 1000)]
    [InlineData("blocked_by", "\"bd-2\"", 2000)]
    [InlineData("dependencies", "{\"depends_on_id\":\"bd-2\",\"type\":\"related\"}", 2000)]
    public void Lists_have_a_greatest_length(string field, string element, int most)
    {
        One($"\"{field}\":[{string.Join(',', Enumerable.Repeat(element, most))}]");
        Refusal($"{{\"id\":\"bd-1\",\"{field}\":[{string.Join(',', Enumerable.Repeat(element, most + 1))}]}}")
            .ShouldBe($"Invalid issue on line 1: {field} must have at most {most} elements");
    }

    [Fact]
    public void A_line_is_a_mebibyte_at_most()
    {
        var frame = "{\"id\":\"bd-1\",\"notes\":\"\"}".Length;
        One($"\"notes\":\"{new string('x', 1024 * 1024 - frame)}\"");
        Refusal($"{{\"id\":\"bd-1\",\"notes\":\"{new string('x', 1024 * 1024 - frame + 1)}\"}}")
            .ShouldBe("Issue on line 1 is too long: at most 1048576 bytes");
    }
}
