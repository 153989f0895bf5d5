using Beadhub.Beads;
using Beadhub.Boards;
using static Beadhub.Grains.Tests.Beads.Make;

namespace Beadhub.Grains.Tests.Boards.Plans;

/// <summary>By what the next bead is chosen.</summary>
public sealed class NextBeadsTests
{
    private static readonly BeadClaim Mine = new("w", "alias", "", Noon, null);

    private static ClaimNextBead By(ClaimStrategy strategy) => new("w", "alias", "", [], [], null, null, null, null, strategy);

    private static Board Of(params BeadRecord[] records) =>
        Board.Empty("p").With(records.Select(record => new BeadView(record.BeadId, 1, [record], [], [])));

    private static string[] Order(Board board, ClaimStrategy strategy) =>
        [.. NextBeads.Of(board, By(strategy)).Among(board.Free).Select(issue => issue.BeadId)];

    private static string Why(Board board, ClaimStrategy strategy) =>
        new FreeBeads().Reserve(board, By(strategy), null).Why!;

    [Fact]
    public void Unblock_begins_the_longest_chain_but_nothing_less_urgent()
    {
        var board = Of(
            Record("a"), Record("b"), Record("c") with { EstimatedMinutes = 5 }, Record("b-2", blockedBy: [Ref("b")]),
            Record("b-3", blockedBy: [Ref("b-2")]) with { EstimatedMinutes = 30 }, Record("urgent", priority: 0));

        Order(board, ClaimStrategy.Priority).ShouldBe(["urgent", "a", "b", "c"]);
        Order(board, ClaimStrategy.Unblock).ShouldBe(["urgent", "b", "c", "a"]);
        Why(board.With([new("urgent", 2, [Record("urgent", "closed", priority: 0)], [], [])]), ClaimStrategy.Unblock)
            .ShouldBe("Of the beads with priority 2 it begins the longest chain: 32 minutes with its own, 1 bead waits for it; "
                + "it is on the critical path");
    }

    [Fact]
    public void Track_stays_near_the_last_bead_of_the_workspace()
    {
        var last = Record("last", parent: Ref("epic")) with { Labels = ["api", "sync"] };
        BeadRecord[] others =
        [
            Record("a"), Record("b") with { Labels = ["api"] }, Record("c") with { Labels = ["sync", "api"] },
            Record("d", parent: Ref("epic")), Record("e", blockedBy: [Ref("last")]), Record("urgent", priority: 0),
        ];
        var working = Of(others).With([new("last", 1, [last with { Status = "in_progress" }], [Mine], [])]);
        Order(working, ClaimStrategy.Track).ShouldBe(["urgent", "d", "c", "b", "a"]);

        var done = working.With([new("last", 2, [last with { Status = "closed" }], [], [new("w", At(60))])]);
        Order(done, ClaimStrategy.Track).ShouldBe(["urgent", "e", "d", "c", "b", "a"]);
        Order(done, ClaimStrategy.Priority).ShouldBe(["urgent", "a", "b", "c", "d", "e"]);

        var calm = done.With([new("urgent", 2, [Record("urgent", "closed", priority: 0)], [], [])]);
        Why(calm, ClaimStrategy.Track).ShouldBe("It waited for last, your last bead");
        Why(Of(others), ClaimStrategy.Track).ShouldBe("Nothing more urgent is ready: priority 0");
    }
}
