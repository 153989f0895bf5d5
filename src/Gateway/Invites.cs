using System.Collections.Immutable;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Invites;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>/v1/invites</c>, and <c>/v1/projects/{id}/invites</c> for administrators: single-use invites, by which agents join a project
/// (<see cref="Joining"/>). The code is in the answer that makes one and nowhere else.
/// </summary>
internal sealed class Invites(IGrainFactory grains, GatewaySettings settings)
{
    private const int Week = 7 * 24 * 3600, Month = 30 * 24 * 3600;

    private static readonly Field<string?> Alias = InBody.Optional("alias", "The only alias under which it lets an agent join", 1, 64)
        .Example("alice").Must(static alias => alias is null || Names.IsAlias(alias), "Invalid alias format");

    private static readonly Field<long> Lifetime =
        InBody.AtLeast("expires_in_seconds", "For how long it may be used, in seconds; at most 30 days", 1, otherwise: Week)
        .Must(static seconds => seconds <= Month, $"expires_in_seconds must be at most {Month}");

    private static readonly Field<string> Id = InPath.Uuid("inviteId", "Id of the invite");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Invites>();
        var own = new RequestGroup("/v1/invites", "invites", "Single-use invites, by which agents join a project");
        routes.Map(
            own.Post("", "createInvite", "Invite one agent into the project; the only answer with the code")
                .Needs(Caller.Actor).Audited("invite.made").AnswersKey()
                .TakesOnly(Alias, Lifetime).BodyMayBeMissing()
                .Bind(static fields => (Alias: fields.Get(Alias), Seconds: fields.Get(Lifetime)))
                .Answers(Wire.Types.InviteCreated),
            (invite, actor, http) => endpoints.Make(actor.ProjectId, actor.Id, invite.Alias, invite.Seconds, http));
        routes.Map(
            own.Get("", "listInvites", "The project's invites, newest first, without their codes").Needs(Caller.Member("see invites"))
                .Answers(Wire.Types.InviteList),
            async who => await endpoints.List(who.ProjectId));
        routes.Map(
            own.Delete("/{inviteId}", "revokeInvite", "Revoke an open invite: one's own, or any for who leads")
                .Needs(Caller.Actor).Audited("invite.revoked")
                .Takes(Id)
                .Bind(static fields => fields.Get(Id))
                .Answers(Wire.Types.InviteView),
            async (id, actor) =>
            {
                var invite = (await endpoints.Of(actor.ProjectId).List()).FirstOrDefault(invite => invite.InviteId == id);
                actor.Who.MustOwn(invite is null ? actor.Id : invite.CreatedBy ?? "");
                return await endpoints.Revoke(actor.ProjectId, id);
            });

        var any = new RequestGroup("/v1/projects/{projectId}/invites", "invites", "Single-use invites, by which agents join a project");
        routes.Map(
            any.Post("", "createProjectInvite", "Invite one agent into a project; for administrators")
                .Needs(Caller.Admin).Audited("invite.made")
                .TakesOnly(Projects.Id, Alias, Lifetime).BodyMayBeMissing()
                .Bind(static fields => (Project: fields.Get(Projects.Id), Alias: fields.Get(Alias), Seconds: fields.Get(Lifetime)))
                .Answers(Wire.Types.InviteCreated),
            (invite, _, http) => endpoints.Make(invite.Project, null, invite.Alias, invite.Seconds, http));
        routes.Map(
            any.Get("", "listProjectInvites", "A project's invites, newest first; for administrators").Needs(Caller.Admin)
                .Takes(Projects.Id)
                .Bind(static fields => fields.Get(Projects.Id))
                .Answers(Wire.Types.InviteList),
            async (project, _) => await endpoints.List((await endpoints.Existing(project)).ProjectId));
        routes.Map(
            any.Delete("/{inviteId}", "revokeProjectInvite", "Revoke an invite that is open; for administrators")
                .Needs(Caller.Admin).Audited("invite.revoked")
                .Takes(Projects.Id, Id)
                .Bind(static fields => (Project: fields.Get(Projects.Id), Id: fields.Get(Id)))
                .Answers(Wire.Types.InviteView),
            (invite, _) => endpoints.Revoke(invite.Project, invite.Id));
    }

    private async Task<InviteCreated> Make(string projectId, string? madeBy, string? alias, long seconds, HttpContext http)
    {
        var project = await Existing(projectId);
        var code = InviteCode.Make(projectId);
        InviteCode.TryRead(code, out var read);
        var made = await Of(projectId)
            .Make(new(http.NewId("invite"), read.Hash, alias, madeBy, TimeSpan.FromSeconds(seconds)));
        var server = settings.ServerUrl is { Length: > 0 } url ? url.TrimEnd('/')
            : $"{http.Request.Scheme}://{http.Request.Host}{http.Request.PathBase}";
        http.Deed(new(made.InviteId));
        return new(made, project.Slug, code, $"{server}{InvitePath.Prefix}{code}");
    }

    private async Task<InviteList> List(string projectId) => new(await Of(projectId).List());

    private async Task<InviteView> Revoke(string projectId, string inviteId) =>
        await Of(projectId).Revoke(inviteId) ?? throw ApiException.NotFound("Invite not found");

    private IInvitesGrain Of(string projectId) => grains.GetGrain<IInvitesGrain>(projectId);

    private async Task<ProjectDetails> Existing(string projectId) =>
        await grains.GetGrain<IProjectGrain>(projectId).Details() ?? throw ApiException.NotFound("Project not found");
}

/// <summary>An invite that was just made.</summary>
/// <param name="Invite">The invite.</param>
/// <param name="ProjectSlug">The project into which it leads.</param>
/// <param name="Code">Its code, shown here and never again.</param>
/// <param name="Url">What the invited agent's client is given as its server's address; it may keep it.</param>
internal sealed record InviteCreated(InviteView Invite, string ProjectSlug, string Code, string Url);

/// <summary>Invites, newest first.</summary>
internal sealed record InviteList(ImmutableArray<InviteView> Invites);
