using Beadhub.Boards;

namespace Beadhub.Grains.Tests.Boards;

public class CommandLineTests
{
    [Theory]
    [InlineData("update bd-1 --status in_progress", "update", "bd-1", "in_progress")]
    [InlineData("update bd-1 --status=in_progress", "update", "bd-1", "in_progress")]
    [InlineData("update --status in_progress", "update", null, "in_progress")]
    [InlineData("update --status in_progress bd-1", "update", null, "in_progress")]
    [InlineData("close bd-42", "close", "bd-42", null)]
    [InlineData("delete bd-5", "delete", "bd-5", null)]
    [InlineData("reopen bd-5 --status x", "reopen", "bd-5", null)]
    [InlineData("ready", "ready", null, null)]
    [InlineData("", "", null, null)]
    [InlineData("  \t ", "", null, null)]
    [InlineData(null, "", null, null)]
    [InlineData("show bd-1", "show", null, null)]
    [InlineData("update", "update", null, null)]
    [InlineData("update bd-1 -s in_progress", "update", "bd-1", null)]
    [InlineData("update bd-1 --status", "update", "bd-1", null)]
    [InlineData("update bd-1 --status=", "update", "bd-1", null)]
    [InlineData("update bd-1 --status=open --status in_progress", "update", "bd-1", "open")]
    [InlineData(" update\tbd-1\n--status  in_progress ", "update", "bd-1", "in_progress")]
    [InlineData("update \"bd-1\" --status 'in_progress'", "update", "\"bd-1\"", "'in_progress'")]
    public void A_line_is_read_as_contract_8_1_says(string? line, string command, string? bead, string? status) =>
        CommandLine.Parse(line).ShouldBe(new CommandLine(command, bead, status));

    [Theory]
    [InlineData("update bd-1 --status in_progress", true, false)]
    [InlineData("update bd-1 --status blocked", false, true)]
    [InlineData("update bd-1 --status open", false, true)]
    [InlineData("update bd-1 --assignee x", false, false)]
    [InlineData("update bd-1", false, false)]
    [InlineData("update --status in_progress", false, false)]
    [InlineData("update --status open", false, false)]
    [InlineData("close bd-1", false, true)]
    [InlineData("delete bd-1", false, true)]
    [InlineData("close", false, false)]
    [InlineData("reopen bd-1", false, false)]
    [InlineData("create bd-1 --status in_progress", false, false)]
    public void A_line_claims_or_releases_as_contract_9_2_says_checklist_180_181(string line, bool claims, bool releases) =>
        (CommandLine.Parse(line).Claims, CommandLine.Parse(line).Releases).ShouldBe((claims, releases));
}
