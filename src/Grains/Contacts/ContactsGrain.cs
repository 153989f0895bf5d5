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
