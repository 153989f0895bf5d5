using System.Text.Json.Nodes;
using Beadhub.BdDouble;
using Beadhub.Commands;

namespace Beadhub.CommandTests.Transfer;

/// <summary>What <c>bd</c> 0.47 to 1.3 has written is read, from wherever it keeps it.</summary>
public sealed class BdExportTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("beadhub-import-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(BdVersion.Sqlite47)]
    [InlineData(BdVersion.Dolt10)]
    [InlineData(BdVersion.Dolt13)]
    public async Task An_exports_lines_are_taken_as_they_are(BdVersion version)
    {
        var bd = new BdDatabase(version);
        bd.Create("bd-1", "Lamp ✓", Now);
        bd.Create("bd-2", "Door", Now);
        bd.Delete("bd-2", Now);
        var lines = bd.Export().ToArray();
        var file = await Write("issues.jsonl", "\ufeff" + string.Join("\r\n", lines)
            + "\r\n\r\n{\"_type\":\"memory\",\"key\":\"k\",\"value\":\"v\"}\r\n");
        foreach (var path in (string[])[file, _folder.FullName])
        {
            var (read, others) = await BdExport.Read(path, Cancellation);
            read.ShouldBe(lines);
            others.ShouldBe(1);
        }
    }

    [Fact]
    public async Task The_rows_of_a_dolt_working_copy_become_lines()
    {
        await Write(".beads/backup/issues.jsonl", """
            {"id":"bd-1","title":"Lamp","description":"","status":"open","priority":1,"issue_type":"task","pinned":0,"ephemeral":1,"content_hash":"ab","assignee":null,CUT"waiters":"","timeout_ns":0,"source_repo":"."}
            {"id":"bd-2","title":"Door","status":"closed","priority":"2","issue_type":"bug","closed_at":"2026-01-02T03:04:05Z","metadata":"{}"}
            """.Replace("CUT",
            """
            "created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z","metadata":"{\"a\":1}",
            """));
        await Write(".beads/backup/labels.jsonl", """
            {"issue_id":"bd-1","label":"a"}
            {"issue_id":"bd-1","label":"b"}
            {"issue_id":"gone","label":"c"}
            """);
        await Write(".beads/backup/dependencies.jsonl",
            """{"issue_id":"bd-1","depends_on_id":"bd-2","type":"blocks","created_at":"2026-01-02T03:04:05Z","created_by":"ada"}""");
        await Write(".beads/backup/comments.jsonl",
            """{"id":7,"issue_id":"bd-2","author":"ada","text":"ok","created_at":"2026-01-02T03:04:05Z"}""");
        var (lines, _) = await BdExport.Read(_folder.FullName, Cancellation);
        lines.Count.ShouldBe(2);
        JsonNode.DeepEquals(JsonNode.Parse(lines[0]), JsonNode.Parse("""
            {"id":"bd-1","title":"Lamp","status":"open","priority":1,"issue_type":"task","ephemeral":true,
             "created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z","metadata":{"a":1},"timeout":0,"labels":["a","b"],
             "dependencies":[{"issue_id":"bd-1","depends_on_id":"bd-2","type":"blocks","created_at":"2026-01-02T03:04:05Z",
             "created_by":"ada"}]}
            """)).ShouldBeTrue(lines[0]);
        JsonNode.DeepEquals(JsonNode.Parse(lines[1]), JsonNode.Parse("""
            {"id":"bd-2","title":"Door","status":"closed","priority":2,"issue_type":"bug","closed_at":"2026-01-02T03:04:05Z",
             "comments":[{"id":7,"issue_id":"bd-2","author":"ada","text":"ok","created_at":"2026-01-02T03:04:05Z"}]}
            """)).ShouldBeTrue(lines[1]);
        // bd takes them, too.
        var bd = new BdDatabase(BdVersion.Dolt13);
        bd.Import(lines);
        bd.Ids.ShouldBe(["bd-1", "bd-2"]);
    }

    [Fact]
    public async Task What_only_bd_reads_is_refused_with_the_way_that_leads_there()
    {
        Directory.CreateDirectory(Path.Combine(_folder.FullName, ".beads", "dolt"));
        (await Should.ThrowAsync<CommandException>(() => BdExport.Read(_folder.FullName, Cancellation))).Message
            .ShouldContain("bd export -o issues.jsonl");
        Directory.Delete(Path.Combine(_folder.FullName, ".beads", "dolt"));
        (await Should.ThrowAsync<CommandException>(() => BdExport.Read(_folder.FullName, Cancellation))).ExitCode.ShouldBe(3);
    }

    [Theory]
    [InlineData("{\"id\":\"bd-1\"}\n{\"id\":", "line 2")]
    [InlineData("[]", "line 1")]
    [InlineData("{\"title\":\"no id\"}", "without an id")]
    public void A_line_that_cannot_be_read_stops_the_import_before_anything_is_sent(string text, string says) =>
        Should.Throw<CommandException>(() => BdExport.Lines(text, "x.jsonl")).Message.ShouldContain(says);

    private async Task<string> Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, text, Cancellation);
        return path;
    }
}
