using System.Net;
using Beadhub.Directories;
using Beadhub.Gateway.Hives;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Invites;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>POST /v1/init</c>: bootstraps project, agent, key and, with a repository, workspace (contract 3).</summary>
internal sealed class Init(
    IGrainFactory grains, HiveCallers callers, IOutreach outreach, IInitRate rate, Joining joining)
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        if (!routes.ServiceProvider.GetRequiredService<GatewaySettings>().Bootstrap) return;
        var endpoints = routes.Make<Init>();
        routes.Map(
            new RequestGroup("/v1/init", "init", "The first request of an agent")
                .Post("", "initialize", "Bootstrap an agent; answers with a new API key")
                .Needs(Caller.Tenant).Audited("agent.joined").AnswersKey()
                .TakesOnly(Bootstrap.Fields).Fails<AmbiguousRepoError>(409).Fails(410)
                .Bind(Bootstrap.Read)
                .Answers<InitAnswer>(),
            endpoints.Run,
            endpoints.WithinRate);
    }

    /// <summary>
    /// Counts strangers before the body is looked at, which costs more than the refusal; gives back when the body turns out to be none
    /// (checklist 59). Who has an invite or a key is not counted: ten agents on one machine are no attack.
    /// </summary>
    private async Task WithinRate(HttpContext http, RequestDelegate next)
    {
        var right = await joining.RightOf(http);
        http.Features.Set(right);
        if (!right.IsStranger)
        {
            await next(http);
            return;
        }

        var client = ClientOf(http);
        if (await rate.Take(client) is { } wait) throw ApiException.TooMany("Rate limit exceeded. Too many initialization requests.", wait);
        try
        {
            await next(http);
        }
        catch (InvalidFieldsException)
        {
            await rate.GiveBack(client);
            throw;
        }
    }

    private async Task<Answer<InitAnswer>> Run(Bootstrap request, SignedTenant tenant, HttpContext http)
    {
        var right = http.Features.Get<JoinRight>()!;
        // A gateway that signs for a tenant has let the caller in.
        if (tenant.TenantId is not null) right = right with { IsOpen = true };
        http.Deed(new(IsNone: true));
        if (tenant.ProjectId is not null && request.ProjectId is not null && tenant.ProjectId != request.ProjectId)
            throw ApiException.NotFound("project_not_found: unknown project_id");
        var (project, newSlug) = (request.ProjectId ?? tenant.ProjectId, (string?)null);
        if (project is null && request.Slug.Length > 0)
        {
            newSlug = request.Slug;
            project = await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.SlugName(tenant.TenantId, newSlug))
                .Ensure(Guid.NewGuid().ToString("D"));
        }
        else if (project is null && right.Invite is { } invited)
        {
            project = invited.Code.ProjectId;
        }
        else if (project is null)
        {
            if (request.Origin is not { } origin) throw ApiException.Unprocessable("project_slug is required");
            var uses = (await grains.GetGrain<IOriginGrain>(origin.Canonical).Projects()).RemoveAll(use => use.TenantId != tenant.TenantId);
            if (uses.IsEmpty) throw ApiException.Unprocessable("project_not_found: repo not registered");
            if (uses.Length > 1) return AmbiguousRepoError.Refusal(origin.Canonical, uses);
            project = uses[0].ProjectId;
        }

        // Names in hives are of agents who registered: nobody gets a further key of one.
        if (project == await callers.CommonsId())
            throw ApiException.Forbidden("Nobody joins this project here: agents of it register at /api/v1/agents/register");
        var agent = await Join(project, right, new(
            newSlug, request.ProjectName, request.Alias, request.HumanName, request.AgentType, request.Lifetime, request.Origin,
            request.Role,
            request.Hostname ?? "", request.Path ?? "", request.Custody, request.Did, request.PublicKey, tenant.TenantId,
            request.EndOldKeys));
        if (request.AgentType == IOutreach.Human) await outreach.Begin(agent.ProjectId);
        http.Deed(new(agent.AgentId,
            agent.Created ? "a new agent" : request.EndOldKeys ? "an agent that was there; its old keys ended" : "an agent that was there",
            agent.ProjectId, agent.AgentId, agent.Alias));
        return Answer.Of(
            new InitAnswer("ok", agent.CreatedAt, agent.ApiKey, agent.ProjectId, agent.ProjectSlug, agent.AgentId, agent.RepoId,
                agent.CanonicalOrigin,
                agent.WorkspaceId, agent.Alias, agent.Created, agent.WorkspaceCreated, agent.Did, agent.Custody, agent.Lifetime,
                agent.StableId),
            Wire.Types.InitAnswer);
    }

    /// <summary>Joins with the right that was brought. An invite is used up before, so that no two agents join by it, and is good again
    /// when its bearer is refused.</summary>
    private async Task<AgentInitialized> Join(string projectId, JoinRight right, InitAgent command)
    {
        var project = grains.GetGrain<IProjectGrain>(projectId);
        var mayJoin = right.NeedsNoInvite(projectId);
        command = command with { IsStranger = !mayJoin, Sponsor = right.SponsorFor(projectId) };
        if (right.Invite is not { } invite || invite.Code.ProjectId != projectId || right.IsMemberOf(projectId))
            return await project.Init(command);
        if (invite.Alias is { } alias && (command.Alias ?? alias) != alias && !mayJoin)
            throw ApiException.Forbidden($"The invite is for the alias '{alias}'");

        var invites = grains.GetGrain<IInvitesGrain>(projectId);
        var useId = Guid.NewGuid().ToString("D");
        if (!await invites.Use(new(invite.Code.Hash, useId))) return await project.Init(command);
        try
        {
            return await project.Init(command with
            {
                Alias = command.Alias ?? invite.Alias,
                IsStranger = false,
                Sponsor = mayJoin ? null : invite.MadeBy,
            });
        }
        catch (RefusedException)
        {
            await invites.GiveBack(invite.Code.Hash, useId);
            throw;
        }
    }

    /// <summary>The client's address; one of IPv4 is the same on a socket that serves both kinds.</summary>
    private static IPAddress ClientOf(HttpContext http) => http.Connection.RemoteIpAddress switch
    {
        null => IPAddress.None,
        { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4(),
        var address => address,
    };

    /// <summary>What an agent says of itself, its project and its repository.</summary>
    private sealed record Bootstrap(
        string Slug, string ProjectName, string? Alias, string HumanName, string AgentType, string Lifetime, string? Custody,
        string? ProjectId,
        Origin? Origin, string Role, string? Hostname, string? Path, string? Did, string? PublicKey, bool EndOldKeys)
    {
        private static readonly Field<string> SlugField =
            InBody.Optional("project_slug", "Slug of the project, which is created when there is none", max: 256)
            .Example("my-project").Then(static text => (text ?? "").Trim())
            .Must(static slug => slug.Length == 0 || Names.IsSlug(slug), "Invalid project_slug format");

        private static readonly Field<string?> NameField = InBody.Optional("project_name", "Name of a project that is created", max: 256);

        private static readonly Field<string?> AliasField =
            InBody.Optional("alias", "Alias of the agent; the next free name unless given", 1, 64)
            .Example("alice").Then(NullIfBlank).Must(static alias => alias is null || Names.IsAlias(alias), "Invalid alias format");

        private static readonly Field<string> HumanNameField = InBody.Optional("human_name", "Whom the agent works for", max: 64)
            .Then(static text => (text ?? "").Trim()).Must(Names.IsHumanName, "Invalid human_name format");

        private static readonly Field<string?> TypeField = InBody.Optional("agent_type", "Kind of agent; agent unless given", max: 32)
            .Then(NullIfBlank);

        private static readonly Field<string> LifetimeField =
            InBody.Optional("lifetime", "Whether the agent is to stay; ephemeral unless given")
            .Among(Lifetimes.Persistent, Lifetimes.Ephemeral).Then(static text => text ?? Lifetimes.Ephemeral)
            .Must(static text => text is Lifetimes.Persistent or Lifetimes.Ephemeral, "lifetime must be 'persistent' or 'ephemeral'");

        private static readonly Field<string?> CustodyField = InBody.Optional("custody", "Who keeps the agent's signing key")
            .Among(Custodies.Self, Custodies.Custodial)
            .Must(static text => text is null or Custodies.Self or Custodies.Custodial, "custody must be 'self' or 'custodial'");

        private static readonly Field<string?> ProjectIdField = InBody.Optional("project_id", "Id of a project that exists", max: 36)
            .Then(NullIfBlank).To<string?>(TryUuid, "Invalid project_id format");

        private static readonly Field<Origin?> OriginField =
            InBody.Origin("repo_origin", "Remote of the repository on which the agent works");
        private static readonly Field<string?> RoleField = InBody.Role("Invalid role format");
        private static readonly Field<string?> HostnameField = InBody.Plain("hostname", "Machine on which the agent works", 255);
        private static readonly Field<string?> PathField =
            InBody.Plain("workspace_path", "Folder in which it works", 4096, linesAllowed: true);
        private static readonly Field<string?> DidField = InBody.Optional("did", "DID of a key that the agent brings", max: 256)
            .Then(NullIfBlank);
        private static readonly Field<string?> PublicKeyField =
            InBody.Optional("public_key", "That key, in base64url", max: 64).Then(NullIfBlank);

        private static readonly Field<bool> EndOldKeysField =
            InBody.Flag("revoke_old_keys", "Whether the agent's keys that were made before open nothing from then on");

        // bdh may send the human's e-mail, meant for the hosted product.
        private static readonly Field<object?> Email = InBody.Unread("email", "Accepted and not kept");

        public static readonly Field[] Fields =
        [
            SlugField, NameField, AliasField, HumanNameField, TypeField, LifetimeField, CustodyField, ProjectIdField, OriginField,
            RoleField, HostnameField,
            PathField, Email, DidField, PublicKeyField, EndOldKeysField,
        ];

        public static Bootstrap Read(RequestFields fields)
        {
            var (slug, name, alias) = (fields.Get(SlugField), fields.Get(NameField) ?? "", fields.Get(AliasField));
            if (alias is not null && alias.Equals("me", StringComparison.OrdinalIgnoreCase))
                fields.Fail(AliasField, $"'{alias}' is a reserved alias");
            var request = new Bootstrap(
                slug, name, alias, fields.Get(HumanNameField), fields.Get(TypeField) ?? "agent", fields.Get(LifetimeField),
                fields.Get(CustodyField),
                fields.Get(ProjectIdField), fields.Get(OriginField), fields.Get(RoleField) ?? "agent", fields.Get(HostnameField),
                fields.Get(PathField),
                fields.Get(DidField), fields.Get(PublicKeyField), fields.Get(EndOldKeysField));
            // Newer clients bring a key of their own.
            var bringsKey = request.Custody is not null || request.Did is not null || request.PublicKey is not null;
            if (request.Lifetime == Lifetimes.Ephemeral && request.Custody != Custodies.Custodial && bringsKey)
                fields.RefuseBeforeCaller(ApiException.Unprocessable("Ephemeral agents must be custodial"));
            return request;
        }

        private static string? NullIfBlank(string? text) => text?.Trim() is { Length: > 0 } trimmed ? trimmed : null;

        private static bool TryUuid(string? text, out string? id)
        {
            id = null;
            if (text is null) return true;
            var ok = Names.TryNormalizeUuid(text, out var uuid);
            id = uuid;
            return ok;
        }
    }
}

/// <summary>Answer of <c>POST /v1/init</c> (contract 3.3).</summary>
internal sealed record InitAnswer(
    string Status,
    DateTimeOffset CreatedAt,
    string ApiKey,
    string ProjectId,
    string ProjectSlug,
    string AgentId,
    string? RepoId,
    string? CanonicalOrigin,
    string? WorkspaceId,
    string Alias,
    bool Created,
    bool WorkspaceCreated,
    string? Did,
    string? Custody,
    string Lifetime,
    string? StableId);
