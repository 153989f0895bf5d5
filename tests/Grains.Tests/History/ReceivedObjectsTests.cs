using System.Collections.Immutable;
using Beadhub.History;

namespace Beadhub.Grains.Tests.History;

/// <summary>What other sites send is what its hash says, or nothing of it is taken.</summary>
public class ReceivedObjectsTests
{
    private const string Line = """{"id":"bd-1","title":"Lamp"}""";

    private static readonly TreeNode Chunk = TreeNode.Of([TreeEntry.Of(new("github.com/a/b", "main", "bd-1"), ObjectHash.Of(Line))]);
    private static readonly CommitObject Commit = new([], Chunk.Hash, "ada", DateTimeOffset.UnixEpoch, "first");

    [Fact]
    public void Commits_are_told_from_chunks_and_lines()
    {
        var (commits, others) = HistoryObjects.Checked([Of(Line), Of(Chunk.Text()), Of(Commit.Text())]);
        commits.ShouldHaveSingleItem().Id.ShouldBe(Commit.Id());
        others.Select(static other => other.Item1).ShouldBe([ObjectHash.Of(Line), Chunk.Hash]);
    }

    [Theory]
    [InlineData("line")]
    [InlineData("chunk")]
    [InlineData("commit")]
    public void An_object_under_another_ones_hash_is_refused_with_all_that_came_with_it(string kind)
    {
        var text = kind switch { "line" => Line, "chunk" => Chunk.Text(), _ => Commit.Text() };
        // The hash of something that is good by itself, so that only the comparison can find it.
        ImmutableArray<HistoryObject> sent = [Of(Line), new(ObjectHash.Of(text + " "), text)];
        var refused = Should.Throw<RefusedException>(() => HistoryObjects.Checked(sent));
        refused.Kind.ShouldBe(RefusalKind.Invalid);
        refused.Message.ShouldBe($"Object {ObjectHash.Of(text + " ")} is not what its hash says");
    }

    [Theory]
    [InlineData("", "is neither commit, chunk nor line")]
    [InlineData("[1]", "is neither commit, chunk nor line")]
    [InlineData("commit\nroot nowhere\n\n", "is no commit")]
    public void What_is_of_no_known_form_is_refused_whatever_its_hash(string text, string says) =>
        Should.Throw<RefusedException>(() => HistoryObjects.Checked([Of(text)])).Message.ShouldEndWith(says);

    private static HistoryObject Of(string text) => new(ObjectHash.Of(text), text);
}
