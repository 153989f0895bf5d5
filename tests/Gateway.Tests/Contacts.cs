using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>/v1/contacts: addresses that a project knows (protocol 10.1).</summary>
public abstract class ContactsContract(Store store) : ContractTests(store)
{
    private const string Path = "/v1/contacts";

    private static Task<Answer> Add(Api agent, string address, string? label = null) =>
        agent.Post(Path, new { contact_address = address, label });

    [Fact]
    [Checklist("aweb", 145)]
    public async Task An_address_is_added_once()
    {
        var agent = await NewProject().Agent();

        var contact = await Add(agent, " org/agent ", "x").Ok();

        contact.Text("contact_id").ShouldBeUuid();
        contact.Text("contact_address").ShouldBe("org/agent");
        contact.Text("label").ShouldBe("x");
        contact.Text("created_at").ShouldBeTimestamp();
        await Add(agent, "org/agent").Refused(409, "Contact already exists");
        (await Add(agent, "Org/agent").Ok()).IsNull("label").ShouldBeTrue();
        (await Add(agent, "org", "").Ok()).Text("label").ShouldBe("");
    }

    [Fact]
    [Checklist("aweb", 146)]
    public async Task A_projects_own_address_is_no_contact()
    {
        var agent = await NewProject().Agent();
        var slug = agent.Project.Slug;

        await Add(agent, slug).Refused(400, "Cannot add self as contact");
        await Add(agent, slug + "/alice").Refused(400, "Cannot add self as contact");
        await Add(agent, slug + "-2/alice").Ok();
        await Add(agent, "has space").Unprocessable("Invalid contact_address format");
        await Add(agent, "").Unprocessable("contact_address must not be empty");
        await Add(agent, "  ").Unprocessable("contact_address must not be empty");
        await Add(agent, new string('a', 257)).Unprocessable("Invalid contact_address format");
        await Add(agent, new string('a', 256)).Ok();
        await Add(agent, "a\0b").Unprocessable("Invalid contact_address format");
        await Add(agent, "a", "a\0b").Unprocessable("NUL");
        await Add(agent, "a", new string('a', 4097)).Invalid("label", "string_too_long");
        await agent.Post(Path, new { label = "x" }).Invalid("contact_address", "missing");
        await agent.Post(Path, new { contact_address = "a", project_id = "x" }).Invalid("project_id", "extra_forbidden");
        await Api.Post(Path, new { contact_address = "has space" }).Unprocessable();
        await Add(Api, "org/agent").Unauthorized();
    }

    [Fact]
    [Checklist("aweb", 147)]
    public async Task Contacts_are_listed_by_address_and_removed_at_will()
    {
        var (agent, other) = (await NewProject().Agent(), await NewProject().Agent());
        foreach (var address in new[] { "b/x", "a", "B", "b-c", "b/a" })
            await Add(agent, address).Ok();
        await Add(other, "a").Ok();

        var list = await agent.Get(Path).Ok();

        list.Pluck("contacts", "contact_address").ShouldBe(["B", "a", "b-c", "b/a", "b/x"]);
        var id = list.Find("contacts", "contact_address", "a").Text("contact_id");
        (await other.Delete($"{Path}/{id}").Ok()).Flag("deleted").ShouldBeTrue();
        (await agent.Get(Path).Ok()).Items("contacts").Length.ShouldBe(5);
        (await agent.Delete($"{Path}/{id.ToUpperInvariant()}").Ok()).Flag("deleted").ShouldBeTrue();
        (await agent.Delete($"{Path}/{id}").Ok()).Flag("deleted").ShouldBeTrue();
        await agent.Delete($"{Path}/not-a-uuid").Refused(422, "Invalid contact_id format");
        (await agent.Get(Path).Ok()).Pluck("contacts", "contact_address").ShouldBe(["B", "b-c", "b/a", "b/x"]);
        (await other.Get(Path).Ok()).Pluck("contacts", "contact_address").ShouldBe(["a"]);
        await Add(agent, "a").Ok();
        await Api.Get(Path).Unauthorized();
        await Api.Delete($"{Path}/{id}").Unauthorized();
    }

    [Fact]
    [Checklist("aweb", 148)]
    public async Task Who_is_no_contact_is_shown_as_none()
    {
        // A sender of the same project has the project's own address, which is never a contact; the rule itself is tested on the book.
        var project = NewProject();
        var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
        await alice.Mail(bob).Ok();
        (await bob.Inbox()).Single().Flag("is_contact").ShouldBeFalse();

        await Add(bob, "alice").Ok();
        await Add(bob, project.Slug + "-2").Ok();

        (await bob.Inbox()).Single().Flag("is_contact").ShouldBeFalse();
    }

    [Fact]
    public async Task Parallel_adds_of_an_address_make_one_contact()
    {
        var agent = await NewProject().Agent();

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Add(agent, "org/agent")));

        answers.Count(answer => answer.Status == 200).ShouldBe(1);
        answers.Count(answer => answer.Status == 409).ShouldBe(9);
        (await agent.Get(Path).Ok()).Items("contacts").ShouldHaveSingleItem();
    }

    [Fact]
    public async Task The_public_page_does_not_show_contacts()
    {
        var agent = await NewProject().Agent();

        (await PublicReader(agent).Get(Path)).Status.ShouldBe(403);
        (await Add(PublicReader(agent), "org/agent")).Status.ShouldBe(403);
        (await Proxied(agent).Get(Path).Ok()).Items("contacts").ShouldBeEmpty();
    }
}
