using Beadhub.Beads;
using Beadhub.Boards;
using static Beadhub.Grains.Tests.Beads.Make;

namespace Beadhub.Grains.Tests.Boards;

public class FreeBeadsTests
{
    private static readonly ClaimNextBead Anything = new("w", "alias", "", [], [], null, null, null, null);

    private readonly FreeBeads _free = new();

    private static Board Of(params BeadRecord[] records) =>
        Board.Empty("p").With(records.GroupBy(r => r.BeadId).Select(g => new BeadView(g.Key, 1, [.. g], [], [])));

    [Fact]
    public void Each_who_asks_is_sent_to_another_bead_the_best_first()
    {
        var board = Of(Record("b", priority: 1), Record("c", priority: null), Record("a", priority: 1),
            Record("a", priority: 0, repo: "other"));

        Enumerable.Range(0, 3).Select(_ => _free.Reserve(board, Anything, null).Issue!).Select(i => (i.BeadId, i.Repo))
            .ShouldBe([("a", "other"), ("b", "github.com/o/r"), ("c", "github.com/o/r")]);
        var (none, _, busy) = _free.Reserve(board, Anything, null);
        none.ShouldBeNull();
        busy!.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public void What_is_given_back_unclaimed_is_not_skipped()
    {
        var board = Of(Record("a"));
        _free.Reserve(board, Anything, null).Issue!.BeadId.ShouldBe("a");
        var busy = _free.Reserve(board, Anything, null).Busy!;

        _free.Return("a");

        busy.IsCompletedSuccessfully.ShouldBeTrue();
        _free.Reserve(board, Anything, null).Issue!.BeadId.ShouldBe("a");
    }

    [Fact]
    public void What_has_refused_is_passed_over()
    {
        var board = Of(Record("a"), Record("b"));
        _free.Reserve(board, Anything, ["a"]).Issue!.BeadId.ShouldBe("b");
        _free.Reserve(board, Anything, ["a", "b"]).ShouldBe((null, null, null));
        _free.Reserve(Of(), Anything, null).ShouldBe((null, null, null));
    }

    [Fact]
    public void A_bead_that_somebody_holds_is_not_free()
    {
        var board = Of(Record("a"), Record("b")).With([new BeadView("a", 2, [Record("a")], [new BeadClaim("x", "x", "", Noon, null)], [])]);
        board.Ready.Count.ShouldBe(2);
        _free.Reserve(board, Anything, null).Issue!.BeadId.ShouldBe("b");

        board = board.With([new BeadView("a", 3, [Record("a")], [], [])]);
        _free.Reserve(board, Anything, null).Issue!.BeadId.ShouldBe("a");
        board.Free.ShouldBeSameAs(board.Ready);
    }
}
