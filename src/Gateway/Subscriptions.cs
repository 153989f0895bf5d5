using System.Collections.Immutable;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Beadhub.Subscriptions;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/subscriptions</c>: workspaces that want mail when a bead changes (contract 12).</summary>
internal sealed class Subscriptions(IGrainFactory grains, Identification identification)
{
    private const int MaxEventTypes = 16;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Subscriptions>();
        var group = routes.MapGroup("/v1/subscriptions").WithTags("subscriptions");
        group.Post("", endpoints.Subscribe).Says("Get mail when a bead changes", 400, 401, 403, 409, 422);
        group.Get("", endpoints.List).Says("Subscriptions of a workspace, newest first", 401, 403, 422);
        group.Delete("/{subscriptionId}", endpoints.Unsubscribe).Says("End a subscription", 400, 401, 403, 404, 422);
    }

    private async Task<Answer<SubscriptionItem>> Subscribe(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var workspaceId = body.WorkspaceId();
        var beadId = body.Required("bead_id", 1);
        var repo = body.Prose("repo", 255);
        var types = body.Words("event_types", MaxEventTypes, 64);
        if (!body.Has("event_types")) types.Add(SubscribedEvents.Status);
        body.Done();

        var who = await identification.Of(http);
        who.MustBe(workspaceId);
        if (!Names.IsSubscribedBead(beadId)) throw Bad("Invalid bead_id format: letters, digits, hyphens and underscores, with an optional repo: before it");
        if (types.Exists(type => !SubscribedEvents.Known.Contains(type))) throw Bad($"Invalid event_type: must be one of {string.Join(", ", SubscribedEvents.Known)}");
        var agent = await ActiveWorkspace(who.ProjectId, workspaceId);
        var made = await Grain(who).Subscribe(new(http.NewId("subscription"), workspaceId, beadId, string.IsNullOrEmpty(repo) ? null : repo, [.. types.Distinct()]));
        return Answer.Of(Item(made, agent), Wire.Types.SubscriptionItem);
    }

    private async Task<Answer<SubscriptionListAnswer>> List(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var workspace = query.Required("workspace_id");
        query.Done();

        var who = await identification.Of(http);
        var (workspaceId, agent) = await Own(who, workspace);
        var list = (await Grain(who).Of(workspaceId)).Subscriptions;
        return Answer.Of(new SubscriptionListAnswer([.. list.Select(s => Item(s, agent))], list.Length), Wire.Types.SubscriptionListAnswer);
    }

    private async Task<Answer<SubscriptionDeletedAnswer>> Unsubscribe(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var workspace = query.Required("workspace_id");
        query.Done();
        var idText = http.PathPart("subscriptionId");

        var who = await identification.Of(http);
        var workspaceId = CommonFields.WorkspaceIdOrNull(workspace)!;
        who.MustBe(workspaceId);
        if (!Names.TryNormalizeUuid(idText, out var id)) throw Bad("Invalid subscription_id format");
        await ActiveWorkspace(who.ProjectId, workspaceId);
        await Grain(who).Unsubscribe(workspaceId, id);
        return Answer.Of(new SubscriptionDeletedAnswer(id, true), Wire.Types.SubscriptionDeletedAnswer);
    }

    private async Task<(string WorkspaceId, AgentIdentity Agent)> Own(ProjectIdentity who, string workspace)
    {
        var workspaceId = CommonFields.WorkspaceIdOrNull(workspace)!;
        who.MustBe(workspaceId);
        return (workspaceId, await ActiveWorkspace(who.ProjectId, workspaceId));
    }

    private ISubscriptionsGrain Grain(ProjectIdentity who) => grains.GetGrain<ISubscriptionsGrain>(who.ProjectId);

    private async Task<AgentIdentity> ActiveWorkspace(string projectId, string workspaceId) =>
        await grains.GetGrain<IProjectGrain>(projectId).Agent(workspaceId) is { HasWorkspace: true } agent
            ? agent
            : throw ApiException.Forbidden("Workspace not found or does not belong to your project");

    private static ApiException Bad(string detail) => new(StatusCodes.Status400BadRequest, detail);

    private static SubscriptionItem Item(Subscription subscription, AgentIdentity agent) =>
        new(subscription.Id, subscription.WorkspaceId, agent.Alias, subscription.BeadId, subscription.Repo, subscription.EventTypes, subscription.CreatedAt);
}

/// <summary>A subscription (contract 12.1); the alias is the workspace's.</summary>
internal sealed record SubscriptionItem(
    string SubscriptionId,
    string WorkspaceId,
    string Alias,
    string BeadId,
    string? Repo,
    ImmutableArray<string> EventTypes,
    DateTimeOffset CreatedAt);

/// <summary>The subscriptions of a workspace (contract 12.2).</summary>
internal sealed record SubscriptionListAnswer(ImmutableArray<SubscriptionItem> Subscriptions, int Count);

/// <summary>Answer of <c>DELETE /v1/subscriptions/{id}</c> (contract 12.3).</summary>
internal sealed record SubscriptionDeletedAnswer(string SubscriptionId, bool Deleted);
