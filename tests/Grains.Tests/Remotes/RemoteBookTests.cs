using System.Text.Json;
using Beadhub.EventLog;
using Beadhub.Remotes;

namespace Beadhub.Grains.Tests.Remotes;

/// <summary>The remotes that a project keeps.</summary>
public class RemoteBookTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private RemoteBook _book = RemoteBook.Empty;

    private T Do<T>(Decision<T> decision)
    {
        foreach (var e in decision.Events.IsDefault ? [] : decision.Events) _book = _book.Apply(e);
        return decision.Result;
    }

    [Fact]
    public void A_remote_is_replaced_by_name_and_never_shown_with_its_credentials()
    {
        Do(_book.Set(new("origin", "s3://a/b", "T1", "u", "p", "ada"), "sealed", Noon)).HasCredentials.ShouldBeTrue();
        Do(_book.Set(new("backup", "file:///x", "T3", null, null, "ada"), null, Noon)).HasCredentials.ShouldBeFalse();
        _book = JsonSerializer.Deserialize(JsonSerializer.Serialize(_book, RemoteBook.Kind.Snapshot), RemoteBook.Kind.Snapshot)!;
        _book.List().Remotes.Select(static remote => remote.Name).ShouldBe(["backup", "origin"]);
        JsonSerializer.Serialize(_book.List()).ShouldNotContain("sealed");
        Do(_book.Set(new("origin", "s3://c/d", "T4", null, null, "bob"), null, Noon)).Url.ShouldBe("s3://c/d");
        _book.List().Remotes.Length.ShouldBe(2);
        Do(_book.Remove("origin", Noon)).ShouldBeTrue();
        Do(_book.Remove("origin", Noon)).ShouldBeFalse();
    }

    [Fact]
    public void A_projects_key_of_pseudonyms_stays_and_there_are_so_many_remotes()
    {
        _book = _book.Apply(new PseudonymsKeyed("aa", Noon)).Apply(new PseudonymsKeyed("bb", Noon));
        _book.Key.ShouldBe("aa");
        for (var i = 0; i < 100; i++) Do(_book.Set(new($"r{i}", "file:///x", "T1", null, null, "ada"), null, Noon));
        Should.Throw<RefusedException>(() => _book.Set(new("one-more", "file:///x", "T1", null, null, "ada"), null, Noon));
        Do(_book.Set(new("r7", "file:///y", "T1", null, null, "ada"), null, Noon)).Url.ShouldBe("file:///y");
    }
}
