using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.Contacts;

/// <inheritdoc cref="IContactsGrain"/>
public sealed class ContactsGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<ContactList>(log), IContactsGrain
{
    private static readonly Func<ContactList, ContactBook> BookOf = list => list.Book;

    /// <inheritdoc/>
    public Task<ContactView> Add(AddContact command)
    {
        var now = time.Now();
        return Transact(list => list.Add(command, now), result: ContactsJson.Default.ContactView);
    }

    /// <inheritdoc/>
    public Task Remove(string contactId)
    {
        var now = time.Now();
        return Transact(list => list.Remove(contactId, now));
    }

    /// <inheritdoc/>
    public ValueTask<ContactBook> List() => Read(BookOf);
}

/// <summary>The contacts of a project.</summary>
/// <param name="Book">As they are shown.</param>
public sealed record ContactList(ContactBook Book) : IEventSourced<ContactList>
{
    /// <summary>The most contacts that a project may have: every inbox looks at them.</summary>
    public const int MaxContacts = 10_000;

    /// <inheritdoc/>
    public static ContactList Empty { get; } = new(ContactBook.Empty);

    /// <inheritdoc/>
    public static StreamKind<ContactList> Kind { get; } = new("contacts", ContactsJson.Default.ContactList, SnapshotEvery: 64, key => key);

    /// <inheritdoc/>
    public ContactList Apply(IEvent @event) => @event switch
    {
        ContactAdded e => new(new ContactBook(Book.Contacts.Insert(~Book.IndexOf(e.Address), new(e.ContactId, e.Address, e.Label, e.At)))),
        ContactRemoved e => new(new ContactBook(Book.Contacts.RemoveAll(contact => contact.ContactId == e.ContactId))),
        _ => this,
    };

    /// <summary>Adds a contact.</summary>
    public Decision<ContactView> Add(AddContact command, DateTimeOffset now)
    {
        if (command.Address == command.OwnSlug || command.Address.StartsWith(command.OwnSlug + "/", StringComparison.Ordinal))
            throw new RefusedException(RefusalKind.Mismatch, "Cannot add self as contact");
        if (Book.IndexOf(command.Address) >= 0) throw new RefusedException(RefusalKind.Conflict, "Contact already exists");
        if (Book.Contacts.Length >= MaxContacts)
            throw new RefusedException(RefusalKind.Invalid, $"A project has at most {MaxContacts} contacts");
        return Decision.Accept(
            new ContactView(command.ContactId, command.Address, command.Label, now),
            new ContactAdded(command.ContactId, command.Address, command.Label, now));
    }

    /// <summary>Removes a contact, when it is there. The answer says whether it was.</summary>
    public Decision<bool> Remove(string contactId, DateTimeOffset now) => Book.Contacts.Any(contact => contact.ContactId == contactId)
        ? Decision.Accept(true, new ContactRemoved(contactId, now))
        : Decision.None(false);
}

/// <summary>JSON of the snapshots of contacts.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ContactList))]
[JsonSerializable(typeof(ContactView))]
internal sealed partial class ContactsJson : JsonSerializerContext;
