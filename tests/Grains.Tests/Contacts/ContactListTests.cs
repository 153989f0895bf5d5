using System.Text.Json;
using Beadhub.Contacts;

namespace Beadhub.Grains.Tests.Contacts;

/// <summary>Contacts of a project (protocol 10.1).</summary>
public class ContactListTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private ContactList _list = ContactList.Empty;

    private ContactView Add(string address, string? id = null)
    {
        var decision = _list.Add(new(id ?? $"id of {address}", address, "label", "own"), Noon);
        foreach (var e in decision.Events) _list = _list.Apply(e);
        return decision.Result;
    }

    private bool Remove(string id)
    {
        var decision = _list.Remove(id, Noon);
        foreach (var e in decision.Events) _list = _list.Apply(e);
        return decision.Result;
    }

    [Theory]
    [InlineData("org/agent", true)]
    [InlineData("org/other", false)]
    [InlineData("org", false)]
    [InlineData("team/anybody", true)]
    [InlineData("team", true)]
    [InlineData("team/sub/anybody", false)]
    [InlineData("deep/slug/anybody", true)]
    [InlineData("deep/slug/sub/anybody", false)]
    [InlineData("Team/anybody", false)]
    [InlineData("tea", false)]
    [InlineData("team2/x", false)]
    [InlineData("alice", false)]
    [InlineData("", false)]
    public void A_sender_is_known_by_address_or_by_what_stands_before_the_last_slash_checklist_148(string address, bool known)
    {
        foreach (var contact in new[] { "org/agent", "team", "deep/slug", "zoo", "A" }) Add(contact);

        _list.Book.Knows(address).ShouldBe(known);
    }

    [Fact]
    public void The_book_is_in_ordinal_order()
    {
        foreach (var address in new[] { "b/x", "a", "B", "b-c", "b/a", "a-" }) Add(address);

        _list.Book.Contacts.Select(contact => contact.ContactAddress).ShouldBe(["B", "a", "a-", "b-c", "b/a", "b/x"]);
        JsonSerializer.Deserialize(JsonSerializer.Serialize(_list, ContactList.Kind.Snapshot), ContactList.Kind.Snapshot)!.Book.Contacts
            .ShouldBe(_list.Book.Contacts);
    }

    [Fact]
    public void An_address_is_added_once()
    {
        Add("org", "c1");

        Should.Throw<RefusedException>(() => Add("org", "c2")).Kind.ShouldBe(RefusalKind.Conflict);
        _list.Book.Contacts.ShouldHaveSingleItem();
    }

    [Fact]
    public void The_projects_own_addresses_are_no_contacts()
    {
        Should.Throw<RefusedException>(() => Add("own")).Kind.ShouldBe(RefusalKind.Mismatch);
        Should.Throw<RefusedException>(() => Add("own/alice")).Kind.ShouldBe(RefusalKind.Mismatch);
        Add("own2");
    }

    [Fact]
    public void Removing_is_done_once()
    {
        Add("a", "c1");
        Add("b", "c2");

        (Remove("c1"), Remove("c1"), Remove("other")).ShouldBe((true, false, false));
        _list.Book.Contacts.ShouldHaveSingleItem().ContactAddress.ShouldBe("b");
        Add("a", "c3");
    }

    [Fact]
    public void There_is_an_end_to_contacts()
    {
        for (var i = 0; i < ContactList.MaxContacts; i++) Add($"{i:D5}");

        Should.Throw<RefusedException>(() => Add("more")).Kind.ShouldBe(RefusalKind.Invalid);
    }
}
