using Beadhub.Contacts;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/contacts</c>: addresses that the project knows (protocol 10.1).</summary>
internal sealed class Contacts(IGrainFactory grains)
{
    private const int MaxLabel = 4096;

    private static readonly Field<string> Address = InBody.Required("contact_address", "Slug of a project, or slug/alias of an agent")
        .Example("acme/alice")
        .To<string>(static (string text, out string? trimmed) => (trimmed = text.Trim()).Length > 0, "contact_address must not be empty")
        .Must(Names.IsSlug, "Invalid contact_address format");

    private static readonly Field<string?> Label = InBody.Prose("label", "What the project calls it", MaxLabel);
    private static readonly Field<string> ContactId = InPath.Uuid("contactId", "Id of the contact");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Contacts>();
        var requests = new RequestGroup("/v1/contacts", "contacts", "Addresses that the project knows");
        routes.Map(
            requests.Post("", "addContact", "Add a contact to the project").Needs(Caller.Project).Adds(Adding.Content)
                .TakesOnly(Address, Label)
                .Bind(static fields => (Address: fields.Get(Address), Label: fields.Get(Label)))
                .Answers(Wire.Types.ContactView),
            async (contact, who, http) => await endpoints.Of(who).Add(new(
                http.NewId("contact"), contact.Address, contact.Label,
                who.Standing.Slug ?? throw ApiException.NotFound("Project not found"))));
        routes.Map(
            requests.Get("", "listContacts", "Contacts of the project, by address").Needs(Caller.Member("see contacts"))
                .AnswersCached(Wire.Types.ContactBook),
            async who => await endpoints.Of(who).List());
        routes.Map(
            requests.Delete("/{contactId}", "removeContact", "Remove a contact; one that is not there is removed already")
                .Needs(Caller.Project).Audited("contact.deleted")
                .Takes(ContactId)
                .Bind(static fields => fields.Get(ContactId))
                .Answers(Wire.Types.ContactRemovedAnswer),
            async (contactId, who) =>
            {
                await endpoints.Of(who).Remove(contactId);
                return new(true);
            });
    }

    private IContactsGrain Of(ProjectIdentity who) => grains.GetGrain<IContactsGrain>(who.ProjectId);
}

/// <summary>Answer of <c>DELETE /v1/contacts/{id}</c>.</summary>
internal sealed record ContactRemovedAnswer(bool Deleted);
