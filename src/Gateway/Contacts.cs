using Beadhub.Contacts;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/contacts</c>: addresses that the project knows (protocol 10.1).</summary>
internal sealed class Contacts(IGrainFactory grains, Identification identification)
{
    private const int MaxLabel = 4096;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Contacts>();
        var group = routes.MapGroup("/v1/contacts").WithTags("contacts");
        group.Post("", endpoints.Add).Says("Add a contact to the project", 400, 401, 403, 404, 409, 422);
        group.Get("", endpoints.List).Says("Contacts of the project, by address", 401, 403);
        group.Delete("/{contactId}", endpoints.Remove).Says("Remove a contact; one that is not there is removed already", 401, 403, 422);
    }

    private async Task<Answer<ContactView>> Add(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("contact_address", "label");
        var sent = body.Required("contact_address");
        var address = sent.Trim();
        if (address.Length == 0 && body.Has("contact_address")) body.Fail("contact_address", "contact_address must not be empty");
        else if (address.Length > 0 && !Names.IsSlug(address)) body.Fail("contact_address", "Invalid contact_address format");
        var label = body.Optional("label", max: MaxLabel);
        body.MustBePlain("label", label);
        body.Done();

        var who = await Caller(http);
        var slug = who.Standing.Slug ?? throw ApiException.NotFound("Project not found");
        var contact = await grains.GetGrain<IContactsGrain>(who.ProjectId).Add(new(http.NewId("contact"), address, label, slug));
        return Answer.Of(contact, Wire.Types.ContactView);
    }

    private async Task<Answer<ContactBook>> List(HttpContext http)
    {
        var who = await Caller(http);
        return Answer.Shared(await grains.GetGrain<IContactsGrain>(who.ProjectId).List(), Wire.Types.ContactBook);
    }

    private async Task<Answer<ContactRemovedAnswer>> Remove(HttpContext http)
    {
        var who = await Caller(http);
        if (!Names.TryNormalizeUuid(http.PathPart("contactId"), out var contactId)) throw ApiException.Unprocessable("Invalid contact_id format");
        await grains.GetGrain<IContactsGrain>(who.ProjectId).Remove(contactId);
        return Answer.Of(new ContactRemovedAnswer(true), Wire.Types.ContactRemovedAnswer);
    }

    /// <summary>Whom a project knows is not for its public page.</summary>
    private async ValueTask<ProjectIdentity> Caller(HttpContext http)
    {
        var who = await identification.Of(http);
        return who.Mode == AuthMode.PublicReader ? throw ApiException.Forbidden("Public readers may not see contacts") : who;
    }
}

/// <summary>Answer of <c>DELETE /v1/contacts/{id}</c>.</summary>
internal sealed record ContactRemovedAnswer(bool Deleted);
