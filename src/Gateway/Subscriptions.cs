using System.Collections.Immutable;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Beadhub.Subscriptions;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/subscriptions</c>: workspaces that want mail when a bead changes (contract 12).</summary>
internal sealed class Subscriptions(IGrainFactory grains)
{
    private const int MaxEventTypes = 16;

    private static readonly Field<string> Subscriber = CommonFields.WorkspaceId("workspace_id", "The workspace that wants mail");
    private static readonly Field<string> Bead = InBody.Required("bead_id", "Id of the bead, with an optional repo: before it", 1)
        .Example("bd-1").AfterCaller(
        static id => Names.IsSubscribedBead(id)
            ? id
            : throw Bad("Invalid bead_id format: letters, digits, hyphens and underscores, with an optional repo: before it"));

    private static readonly Field<string?> Repo = InBody.Prose("repo", "Only of this repository", 255);
    private static readonly Field<List<string>> Types =
        InBody.Words("event_types", $"Of which changes: {string.Join(", ", SubscribedEvents.Types)}; of the status unless given",
            MaxEventTypes, 64).AfterCaller(
            static types => types.TrueForAll(type => SubscribedEvents.Types.Contains(type))
                ? types
                : throw Bad($"Invalid event_type: must be one of {string.Join(", ", SubscribedEvents.Types)}"));

    private static readonly Field<string> Workspace =
        InQuery.Required("workspace_id", "Whose subscriptions").AfterCaller(static text => CommonFields.WorkspaceIdOrNull(text)!);

    private static readonly Field<string> Id = InPath.Text("subscriptionId", "Id of the subscription");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Subscriptions>();
        var requests = new RequestGroup("/v1/subscriptions", "subscriptions", "Workspaces that want mail when a bead changes");
        routes.Map(
            requests.Post("", "subscribe", "Get mail when a bead changes").Needs(Caller.NamedWorkspace).Adds(Adding.Content)
                .Takes(Subscriber, Bead, Repo, Types)
                .Bind(static fields => new Wish(
                    fields.Get(Subscriber), fields.Get(Bead), fields.Get(Repo), fields.Get(Types), fields.Has(Types)))
                .Answers(Wire.Types.SubscriptionItem),
            endpoints.Subscribe);
        routes.Map(
            requests.Get("", "listSubscriptions", "Subscriptions of a workspace, newest first").Needs(Caller.NamedWorkspaceReader)
                .Takes(Workspace)
                .Bind(static fields => new OfWorkspace(fields.Get(Workspace)))
                .Answers(Wire.Types.SubscriptionListAnswer),
            endpoints.List);
        routes.Map(
            requests.Delete("/{subscriptionId}", "unsubscribe", "End a subscription").Needs(Caller.NamedWorkspace)
                .Takes(Id, Workspace)
                .Bind(static fields => new OneOfWorkspace(fields.Get(Workspace), fields.Get(Id)))
                .Answers(Wire.Types.SubscriptionDeletedAnswer),
            endpoints.Unsubscribe);
    }

    private async Task<SubscriptionItem> Subscribe(Wish wish, ProjectIdentity who, HttpContext http)
    {
        var agent = await ActiveWorkspace(who.ProjectId, wish.WorkspaceId);
        ImmutableArray<string> types = wish.NamesTypes ? [.. wish.Types.Distinct()] : [SubscribedEvents.Status];
        var repo = string.IsNullOrEmpty(wish.Repo) ? null : wish.Repo;
        return Item(await Grain(who).Subscribe(new(http.NewId("subscription"), wish.WorkspaceId, wish.BeadId, repo, types)), agent);
    }

    private async Task<SubscriptionListAnswer> List(OfWorkspace request, ProjectIdentity who)
    {
        var agent = await ActiveWorkspace(who.ProjectId, request.WorkspaceId);
        var list = (await Grain(who).Of(request.WorkspaceId)).Subscriptions;
        return new([.. list.Select(s => Item(s, agent))], list.Length);
    }

    private async Task<SubscriptionDeletedAnswer> Unsubscribe(OneOfWorkspace request, ProjectIdentity who)
    {
        if (!Names.TryNormalizeUuid(request.SubscriptionId, out var id)) throw Bad("Invalid subscription_id format");
        await ActiveWorkspace(who.ProjectId, request.WorkspaceId);
        await Grain(who).Unsubscribe(request.WorkspaceId, id);
        return new(id, true);
    }

    private sealed record Wish(string WorkspaceId, string BeadId, string? Repo, List<string> Types, bool NamesTypes) : INamesWorkspace;

    private sealed record OfWorkspace(string WorkspaceId) : INamesWorkspace;

    private sealed record OneOfWorkspace(string WorkspaceId, string SubscriptionId) : INamesWorkspace;

    private ISubscriptionsGrain Grain(ProjectIdentity who) => grains.GetGrain<ISubscriptionsGrain>(who.ProjectId);

    private async Task<AgentIdentity> ActiveWorkspace(string projectId, string workspaceId) =>
        await grains.GetGrain<IProjectGrain>(projectId).Agent(workspaceId) is { HasWorkspace: true } agent
            ? agent
            : throw ApiException.Forbidden("Workspace not found or does not belong to your project");

    private static ApiException Bad(string detail) => new(StatusCodes.Status400BadRequest, detail);

    private static SubscriptionItem Item(Subscription subscription, AgentIdentity agent) =>
        new(subscription.Id, subscription.WorkspaceId, agent.Alias, subscription.BeadId, subscription.Repo, subscription.EventTypes,
            subscription.CreatedAt);
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
