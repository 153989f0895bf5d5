using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Contacts;

/// <summary>The addresses that a project knows as contacts; they belong to the project, not to an agent (protocol 10.1). Key: project
/// id.</summary>
[Alias("beadhub.contacts")]
public interface IContactsGrain : IGrainWithStringKey
{
    /// <summary>Adds an address.</summary>
    /// <exception cref="RefusedException">Mismatch: it is the project's own. Conflict: it is there already. Invalid: there are too
    /// many.</exception>
    [AlwaysInterleave]
    Task<ContactView> Add(AddContact command);

    /// <summary>Removes a contact, when the project has it.</summary>
    [AlwaysInterleave]
    Task Remove(string contactId);

    /// <summary>All contacts. The same object is returned while nothing has changed.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ContactBook> List();
}

/// <summary>Adds a contact. Texts are trimmed and checked.</summary>
/// <param name="ContactId">Id for it.</param>
/// <param name="Address">Address: a project's slug, or slug and alias with a slash between.</param>
/// <param name="Label">What the project calls it.</param>
/// <param name="OwnSlug">Slug of the project: its own addresses are no contacts.</param>
[GenerateSerializer, Immutable, Alias("contacts.add.v1")]
public sealed record AddContact(
    [property: Id(0)] string ContactId,
    [property: Id(1)] string Address,
    [property: Id(2)] string? Label,
    [property: Id(3)] string OwnSlug);

/// <summary>A contact.</summary>
[GenerateSerializer, Immutable, Alias("contacts.contact.v1")]
public sealed record ContactView(
    [property: Id(0)] string ContactId,
    [property: Id(1)] string ContactAddress,
    [property: Id(2)] string? Label,
    [property: Id(3)] DateTimeOffset CreatedAt);

/// <summary>The contacts of a project, by address in ordinal order.</summary>
[GenerateSerializer, Immutable, Alias("contacts.book.v1")]
public sealed record ContactBook([property: Id(0)] ImmutableArray<ContactView> Contacts)
{
    /// <summary>No contacts.</summary>
    public static ContactBook Empty { get; } = new(ImmutableArray<ContactView>.Empty);

    /// <summary>Whether a sender is a contact: its address, or what stands before the address's last slash, is in the book (protocol
    /// 10.1).</summary>
    public bool Knows(string address) =>
        IndexOf(address) >= 0 || (address.LastIndexOf('/') is >= 0 and var slash && IndexOf(address.AsSpan(0, slash)) >= 0);

    /// <summary>Index of the contact with exactly this address; otherwise the complement of where it belongs.</summary>
    public int IndexOf(ReadOnlySpan<char> address)
    {
        var (low, high) = (0, Contacts.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = Contacts[middle].ContactAddress.AsSpan().SequenceCompareTo(address);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return ~low;
    }
}

/// <summary>The project knows an address as a contact now.</summary>
[GenerateSerializer, Immutable, Alias("contacts.added.v1")]
public sealed record ContactAdded(
    [property: Id(0)] string ContactId,
    [property: Id(1)] string Address,
    [property: Id(2)] string? Label,
    [property: Id(3)] DateTimeOffset At) : IEvent;

/// <summary>The contact was removed.</summary>
[GenerateSerializer, Immutable, Alias("contacts.removed.v1")]
public sealed record ContactRemoved([property: Id(0)] string ContactId, [property: Id(1)] DateTimeOffset At) : IEvent;
