using Beadhub.Hosting.Search;
using Beadhub.Search;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Search;

/// <summary>What every store of the search index must do.</summary>
public abstract class SearchIndexAcceptance : IAsyncLifetime
{
    private const string Project = "5b1c0fd2-6b0a-4c38-8a5c-0d5f0e6f8a11", Other = "6b1c0fd2-6b0a-4c38-8a5c-0d5f0e6f8a12";
    private static readonly DateTimeOffset Noon = new(2026, 3, 8, 12, 0, 0, TimeSpan.Zero);

    private ISearchIndex _index = null!;

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected abstract Task<ISearchIndex> Open();

    private protected virtual Task Remove() => Task.CompletedTask;

    public async ValueTask InitializeAsync() => _index = await Open();

    public async ValueTask DisposeAsync()
    {
        await SearchIndexes.Close(_index);
        await Remove();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Words_are_found_by_their_beginnings_in_any_order_and_spelling()
    {
        await Put(0, 3,
            Bead("bd-1", "Größe der Fenster", "The <b>Café</b> closes at 12:30, see src/search_box.ts"),
            Bead("bd-2", "Other", "nothing to see \ud83d\ude00"),
            Bead("bd-3", "日本語 テスト", ""));

        foreach (var text in new[] { "fenster", "café", "Caf", "search box", "box café", "ts 30", "bd 1", "GRÖßE" })
            (await Find(text)).ShouldBe(["bd-1"], text);
        (await Find("see")).ShouldBe(["bd-1", "bd-2"], ignoreOrder: true);
        (await Find("日本")).ShouldBe(["bd-3"]);
        (await Find("see absent")).ShouldBeEmpty();
        (await Find("afé")).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("\" OR 1")]
    [InlineData("title : bd")]
    [InlineData("a* NEAR(b) -c ^d")]
    [InlineData("' & | ! <-> :*")]
    [InlineData("x'); DROP TABLE search_documents; --")]
    public async Task What_means_something_to_a_store_are_words_or_nothing(string text)
    {
        await Put(0, 1, Bead("bd-1", "a", "b"));
        if (SearchWords.Of(text).Count > 0) await Find(text);
        (await Find("b")).ShouldBe(["bd-1"]);
    }

    [Fact]
    public async Task Titles_come_first_and_then_the_newest()
    {
        await Put(0, 4,
            Bead("bd-1", "lock", "", 1), Bead("bd-2", "x", "lock", 9), Bead("bd-3", "Locks held", "", 5), Bead("bd-4", "y", "lock", 3));

        (await Find("lock")).ShouldBe(["bd-3", "bd-1", "bd-2", "bd-4"]);
        (await Find("lock", limit: 2)).ShouldBe(["bd-3", "bd-1"]);
    }

    [Fact]
    public async Task A_document_is_replaced_and_forgotten()
    {
        await Put(0, 1, Bead("bd-1", "old", "first"));
        await Put(1, 2, Bead("bd-1", "new", "second"));
        (await Find("first")).ShouldBeEmpty();
        (await Find("second")).ShouldBe(["bd-1"]);
        await Put(2, 3, Bead("bd-1", "", "") with { IsGone = true });
        (await Find("second")).ShouldBeEmpty();

        await Put(3, 4, Bead("bd-2", "left", ""));
        await _index.Forget(Project, Cancellation);
        ((await Find("left")).Length, await _index.Cursor(Project, Cancellation)).ShouldBe((0, new SearchCursor(0, "")));
    }

    [Fact]
    public async Task A_page_is_taken_in_once()
    {
        (await Put(0, 5, Bead("bd-1", "one", ""))).ShouldBeTrue();
        (await _index.Cursor(Project, Cancellation)).ShouldBe(new SearchCursor(5, "s5"));
        (await Put(0, 5, Bead("bd-2", "two", ""))).ShouldBeFalse();
        (await Put(4, 6, Bead("bd-2", "two", ""))).ShouldBeFalse();
        (await Find("two")).ShouldBeEmpty();
        (await Put(5, 6, Bead("bd-2", "two", ""))).ShouldBeTrue();
        (await Find("two")).ShouldBe(["bd-2"]);
    }

    [Fact]
    public async Task Mail_is_its_participants_and_projects_are_apart()
    {
        await Put(0, 1, Bead("bd-1", "plan", ""), new SearchDocument(
            "mail/1", "mail", "m1", "", "", "The plan", "secret\0text", "alice", "a1", "b1", Noon));
        await _index.Put(Other, new(0, ""), new(1, "x"), [Bead("bd-9", "plan", "")], Cancellation);

        (await Find("plan")).ShouldBe(["bd-1"]);
        (await Find("plan", agent: "c1")).ShouldBe(["bd-1"]);
        foreach (var agent in new[] { "a1", "b1" }) (await Find("plan", agent: agent)).ShouldBe(["m1", "bd-1"], ignoreOrder: true);
        (await Find("secret", agent: "b1", kind: "mail")).ShouldBe(["m1"]);
        (await Find("plan", agent: "b1", kind: "bead")).ShouldBe(["bd-1"]);
    }

    [Fact]
    public async Task A_very_long_text_is_found_by_its_beginning()
    {
        var body = string.Join(' ', Enumerable.Range(0, 200_000).Select(i => $"word{i}"));
        await Put(0, 1, Bead("bd-1", new string('x', 3000), body));
        (await Find("word7")).ShouldBe(["bd-1"]);
        (await Find(new string('x', 3000))).ShouldBe(["bd-1"]);
    }

    private static SearchDocument Bead(string id, string title, string body, int hour = 0) =>
        new($"bead/{id}", "bead", id, "o/r", "main", title, body, null, null, null, Noon.AddHours(hour));

    private ValueTask<bool> Put(long from, long to, params SearchDocument[] documents) =>
        _index.Put(Project, new(from, $"s{from}"), new(to, $"s{to}"), documents, Cancellation);

    private async Task<string[]> Find(string text, string? kind = null, string? agent = null, int limit = 20) =>
        [.. (await _index.Find(Project, SearchWords.Of(text), kind, agent, limit, Cancellation)).Select(found => found.Name)];
}

public sealed class SqliteSearchIndexTests : SearchIndexAcceptance
{
    private readonly string _folder = Directory.CreateTempSubdirectory("beadhub-search-").FullName;

    private protected override Task<ISearchIndex> Open() => Task.FromResult(SearchIndexes.Of($"sqlite:{_folder}/beadhub.db"));

    private protected override Task Remove()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }
}

public sealed class PostgresSearchIndexTests(PostgresCluster cluster) : SearchIndexAcceptance
{
    private protected override async Task<ISearchIndex> Open() => SearchIndexes.Of(await cluster.CreateDatabase(Cancellation));
}
