using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>A project in which there is one of everything, for requests to name.</summary>
/// <param name="Self">Who asks.</param>
/// <param name="Bob">Whom the requests name.</param>
/// <param name="Spare">Who asks, and is named, where the request may end an agent.</param>
/// <param name="Gone">An agent that was deregistered.</param>
/// <param name="Stranger">An agent of another project.</param>
/// <param name="Bystander">An agent of a project that nobody here has a key for, and whose slug and repositories nobody knows: with those,
/// anybody may join it.</param>
internal sealed record FuzzTeam(Agent Self, Agent Bob, Agent Spare, Agent Gone, Agent Stranger, Agent? Bystander)
{
    /// <summary>Ids of all of them, and what looks like one.</summary>
    public string[] Ids { get; } =
    [
        Self.Id, Self.RepoId, Self.ProjectId, Bob.Id, Gone.Id, Stranger.Id, Stranger.ProjectId, Self.Id.ToUpperInvariant(), Self.Id[..^1],
        .. Bystander is null ? (string[])[] : [Bystander.Id, Bystander.RepoId, Bystander.ProjectId, $"{{{Bystander.Id}}}"],
    ];

    public required string Session { get; init; }

    public required string Message { get; init; }

    public required string Policy { get; init; }

    public required string Webhook { get; init; }

    public required string Escalation { get; init; }

    public required string Subscription { get; init; }

    public required string Contact { get; init; }

    /// <summary>A hive that Bob owns, and who asks moderates.</summary>
    public required string Hive { get; init; }

    /// <summary>A hive that who asks owns, and may end.</summary>
    public required string OwnHive { get; init; }

    public required string Post { get; init; }

    public required string Comment { get; init; }

    public static async Task<FuzzTeam> Make(Api server, int number, Agent bystander)
    {
        var project = new Project(server);
        var (self, bob, gone) = (await project.Agent("alice", human: "Alice"), await project.Agent("bob"), await project.Agent("gone"));
        var spare = await project.Agent("spare", origin: project.OriginOf("spare"));
        var stranger = await new Project(server).Agent("stranger");
        await gone.Delete("/v1/agents/me").Ok();
        await self.Sync(IssueGenerator.File(new IssueGenerator(number, "bd").Issues(20))).Ok();
        await self.Claim("bd-1").Ok();
        await bob.Post("/v1/agents/publish", new { capabilities = new[] { "review" } }).Ok();
        for (var i = 0; i < 3; i++) await self.Post("/v1/tasks", new { title = $"Task {i}" }).Ok();
        var (hive, own) = ($"h{Guid.NewGuid():N}"[..20], $"h{Guid.NewGuid():N}"[..20]);
        await bob.Post("/api/v1/hives", new { name = hive }).Created();
        await self.Post("/api/v1/hives", new { name = own }).Created();
        await self.Get("/api/v1/agents/me").Ok();
        await spare.Get("/api/v1/agents/me").Ok();
        await bob.Post($"/api/v1/hives/{hive}/moderators", new { agent = $"alice.{project.Slug}" }).Created();
        var post = (await self.Post("/api/v1/posts", new { hive, title = "T", content = "x" }).Created()).Text("id");
        return new(self, bob, spare, gone, stranger, bystander)
        {
            Hive = hive,
            OwnHive = own,
            Post = post,
            Comment = (await self.Post($"/api/v1/posts/{post}/comments", new { content = "x" }).Created()).Text("id"),
            Session = (await self.Chat("hello", bob)).Text("session_id"),
            Message = await bob.MailId(self),
            Policy = (await self.Get("/v1/policies/active").Ok()).Text("policy_id"),
            Webhook = (await Made("/v1/webhooks", new { url = "https://hooks.example.com/" })).At("webhook").Text("webhook_id"),
            Escalation = (await Made("/v1/escalations", new { workspace_id = self.Id, alias = self.Alias, subject = "s", situation = "x" }))
                .Text("escalation_id"),
            Subscription = (await Made("/v1/subscriptions", new { workspace_id = self.Id, bead_id = "bd-2" })).Text("subscription_id"),
            Contact = (await Made("/v1/contacts", new { contact_address = "friends/zoe" })).Text("contact_id"),
        };

        Task<JsonElement> Made(string path, object body) => self.Post(path, body).Ok();
    }
}
