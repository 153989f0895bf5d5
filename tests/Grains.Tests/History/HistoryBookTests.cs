using System.Collections.Immutable;
using Beadhub.History;

namespace Beadhub.Grains.Tests.History;

/// <summary>Commits and their names, without a host.</summary>
public class HistoryBookTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly HistoryAuthor Alice = new("alice");

    [Fact]
    public void A_beginning_that_several_commits_have_is_told_with_their_names()
    {
        var book = HistoryBook.Empty;
        for (ulong i = 1; i <= 5; i++) book = book.Apply(Added(new(0xabcd_0000_0000_0000 + i, 0, 0, 0), []));
        book = book.Apply(Added(new(0xabce_0000_0000_0000, 0, 0, 0), []));

        var refused = Assert.Throws<RefusedException>(() => book.CommitOf("abcd"));

        Assert.Equal(RefusalKind.Invalid, refused.Kind);
        Assert.StartsWith("Ambiguous commit abcd: abcd", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith(" …", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0xabce_0000_0000_0000, book.CommitOf("abce").A);
        Assert.Equal(3UL, book.CommitOf("abcd000000000003").A & 0xf);
        Assert.Equal(RefusalKind.NotFound, Assert.Throws<RefusedException>(() => book.CommitOf("abcf")).Kind);
        Assert.Equal(RefusalKind.NotFound, Assert.Throws<RefusedException>(() => book.CommitOf("abc")).Kind);
    }

    [Fact]
    public void A_clock_that_jumps_back_makes_no_commit_older_than_what_it_follows()
    {
        var book = Commit(HistoryBook.Empty, "a", Start, out var first);
        book = Commit(book, "b", Start.AddHours(-5), out var second);
        Assert.Equal(Start, book.Commits[second].Time);
        Assert.NotEqual(first, second);
        Assert.Equal(second, book.CommitOf("2026-01-01T00:00:00Z"));
        Assert.Equal(first, book.CommitOf($"{second}~1"));
    }

    [Fact]
    public void Branches_that_were_merged_into_each_other_have_nearest_ancestors_and_walks_end()
    {
        // Each of two branches merges the other, again and again.
        var (one, other) = (Id(1), Id(2));
        var book = HistoryBook.Empty.Apply(Added(Id(0), [])).Apply(Added(one, [Id(0)])).Apply(Added(other, [Id(0)]));
        for (ulong i = 3; i < 203; i += 2)
        {
            var (nextOne, nextOther) = (Id(i), Id(i + 1));
            book = book.Apply(Added(nextOne, [one, other])).Apply(Added(nextOther, [other, one]));
            (one, other) = (nextOne, nextOther);
        }

        Assert.Equal(203, book.Ancestors(one, other).Count());
        Assert.Contains(book.MergeBase(one, other), (ObjectHash?[])[.. book.Commits[one].Parents]);
        Assert.Equal(other, book.MergeBase(other, other));
        // A parent that is itself, or follows it, cannot be named: ids are hashes. Were there one all the same, walks end.
        var circle = HistoryBook.Empty.Apply(Added(Id(7), [Id(8)])).Apply(Added(Id(8), [Id(7)]));
        Assert.Equal(2, circle.Ancestors(Id(7)).Count());
    }

    [Fact]
    public void What_stands_is_followed_from_the_newest_commit_that_was_made_of_it_here()
    {
        var book = Commit(HistoryBook.Empty, "a", Start, out var first, position: 10);
        Assert.Equal(10, book.Followed!.Position);
        // Moved forward to one that came from elsewhere.
        book = book.Apply(Added(Id(9), [first])).Apply(new HistoryBranchSet(HistoryBook.Main, Id(9), "alice", Start));
        Assert.Equal(10, book.Followed!.Position);
        Assert.Equal(Id(9), book.Head);
        Assert.Null(HistoryBook.Empty.Followed);
    }

    private static ObjectHash Id(ulong number) => new(number << 32, 0, 0, number);

    private static CommitAdded Added(ObjectHash id, ImmutableArray<ObjectHash> parents) =>
        new(id, parents, ObjectHash.Of($"{id}"), "alice", Start, "m", null, 0, null);

    private static HistoryBook Commit(HistoryBook book, string root, DateTimeOffset now, out ObjectHash id, long position = 0)
    {
        var decision = book.Commit(ObjectHash.Of(root), position, HistoryBook.Main, null, null, Alice, "m", now);
        id = decision.Result!.Id();
        return decision.Events.Aggregate(book, static (book, @event) => book.Apply(@event));
    }
}
