using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Beadhub.Feed;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Gateway.Outbound;
using Beadhub.Gateway.Streaming;
using Beadhub.Webhooks;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/webhooks</c>: endpoints that are told of the project's events, signed, in order, until they have taken them.</summary>
internal sealed partial class Webhooks(IGrainFactory grains, OutboundAddresses addresses, IWebhookDelivery delivery)
{
    private const int MaxEvents = 50;

    private static readonly Field<string?> Id = InPath.Text("webhookId", "Id of the endpoint")
        .To<string?>(Names.TryNormalizeUuid!, "Invalid webhook_id format");
    private static readonly Field<string> Url = InBody.Required("url", "Where events are sent to", 1)
        .Example("https://example.org/hooks/beadhub");

    // Null stands for its absence.
    private static readonly Field<List<string>> Events = InBody.Of(
        "events",
        Schemas.Texts($"Which: categories ({string.Join(", ", WireEvents.ForWebhooks)}) or types such as bead.claimed; those of "
            + $"{string.Join(", ", WireEvents.UnlessAsked)} unless given", 0, MaxEvents, 64),
        false,
        static fields => fields.Body.Has("events") ? fields.Body.Texts("events") : []);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Webhooks>();
        var requests = new RequestGroup("/v1/webhooks", "webhooks",
            "Endpoints that are told of the project's events, signed, in order, until they have taken them");
        routes.Map(
            requests.Post("", "createWebhook", "Register an endpoint; the only answer with its secret")
                .Needs(Caller.Lead).Adds(Adding.Content).Audited("webhook.created")
                .TakesOnly(Url, Events).Fails(501).AnswersSecret()
                .Bind(endpoints.Read)
                .Answers(Wire.Types.WebhookCreated),
            endpoints.Register);
        routes.Map(
            requests.Get("", "listWebhooks", "Endpoints, how far each has come and how it does").Needs(Caller.Member("see webhooks"))
                .Answers(Wire.Types.WebhookList),
            endpoints.List);
        routes.Map(
            requests.Post("/{webhookId}/enable", "enableWebhook", "Serve a disabled endpoint again, from where it stopped")
                .Needs(Caller.Lead).Audited("webhook.enabled")
                .Takes(Id)
                .Bind(static fields => fields.Get(Id)!)
                .Answers(Wire.Types.WebhookChanged),
            async (id, who) => await endpoints.Changed(who, id, "active", await endpoints.Grain(who).Enable(id)));
        routes.Map(
            requests.Delete("/{webhookId}", "deleteWebhook", "Delete an endpoint").Needs(Caller.Lead).Audited("webhook.deleted")
                .Takes(Id)
                .Bind(static fields => fields.Get(Id)!)
                .Answers(Wire.Types.WebhookChanged),
            async (id, who) => await endpoints.Changed(who, id, "deleted", await endpoints.Grain(who).Remove(id)));
    }

    private (string Url, ImmutableArray<string> Events) Read(RequestFields fields)
    {
        var (url, events) = (fields.Get(Url), fields.Get(Events));
        if (url.Length > 0 && addresses.Problem(url, out _) is { } problem) fields.Fail(Url, $"Invalid url: {problem}");
        if (events.Count > MaxEvents) fields.Fail(Events, $"at most {MaxEvents} events");
        else if (events.Find(name => !IsEvent(name)) is { } unknown)
            fields.Fail(Events,
                $"Invalid event: {(unknown.Length > 64 ? unknown[..64] : unknown)}. A category "
                + $"({string.Join(", ", WireEvents.ForWebhooks)}) or a type such as bead.claimed");
        return (url, [.. events.Distinct(StringComparer.Ordinal)]);
    }

    private async Task<WebhookCreated> Register((string Url, ImmutableArray<string> Events) webhook, ProjectIdentity who, HttpContext http)
    {
        var position = await grains.GetGrain<IFeedGrain>(who.ProjectId).Head();
        var secret = $"whsec_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))}";
        var registered = await Grain(who).Register(new(http.NewId(), webhook.Url, webhook.Events, secret, position, who.AgentId));
        await delivery.Refresh(who.ProjectId);
        http.Deed(new(registered.View.WebhookId));
        return new(
            WebhookItem.Of(registered.View, 0),
            registered.Secret
                ?? throw new ApiException(
                    StatusCodes.Status501NotImplemented,
                    "The webhook's secret cannot be opened: the server's secret key was changed or is missing"));
    }

    private async Task<WebhookList> List(ProjectIdentity who)
    {
        var webhooks = await Grain(who).List();
        var head = await grains.GetGrain<IFeedGrain>(who.ProjectId).Head();
        return new(
            [.. webhooks.Select(webhook => WebhookItem.Of(
                webhook with { Position = Math.Max(webhook.Position, delivery.PositionOf(webhook.WebhookId) ?? 0) }, head))],
            webhooks.Length);
    }

    private async Task<WebhookChanged> Changed(ProjectIdentity who, string id, string status, bool isThere)
    {
        if (!isThere) throw ApiException.NotFound("Webhook not found");
        await delivery.Refresh(who.ProjectId);
        return new(status, id);
    }

    private IWebhooksGrain Grain(ProjectIdentity who) => grains.GetGrain<IWebhooksGrain>(who.ProjectId);

    private static bool IsEvent(string name)
    {
        var dot = name.IndexOf('.');
        return WireEvents.ForWebhooks.Contains(dot < 0 ? name : name[..dot])
            && (dot < 0 || (name.Length <= 64 && Verb().IsMatch(name[(dot + 1)..])));
    }

    [GeneratedRegex(@"\A[a-z][a-z_]*\z")]
    private static partial Regex Verb();
}

/// <summary>What delivers to the endpoints, in the background.</summary>
internal interface IWebhookDelivery
{
    /// <summary>
    /// Serves what a project has registered by now, and nothing that it has not. What cannot be read right now is looked at again: the
    /// change itself is durable, and whoever made it has nothing to repeat.
    /// </summary>
    Task Refresh(string projectId);

    /// <summary>How far an endpoint has come, when it is served here.</summary>
    long? PositionOf(string webhookId);
}

/// <summary>A registered endpoint with its secret, which is not shown again.</summary>
internal sealed record WebhookCreated(WebhookItem Webhook, string Secret);

/// <summary>Endpoints, oldest first.</summary>
internal sealed record WebhookList(ImmutableArray<WebhookItem> Webhooks, int Count);

/// <summary>An endpoint.</summary>
internal sealed record WebhookItem(
    string WebhookId,
    string Url,
    ImmutableArray<string> Events,
    string Status,
    long Position,
    long Lag,
    int Failures,
    string? LastError,
    DateTimeOffset? LastErrorAt,
    DateTimeOffset? LastDeliveredAt,
    DateTimeOffset CreatedAt,
    string? CreatedBy)
{
    public static WebhookItem Of(WebhookView webhook, long head) => new(
        webhook.WebhookId,
        webhook.Url,
        webhook.Events,
        webhook.IsActive ? "active" : "disabled",
        webhook.Position,
        Math.Max(0, head - webhook.Position),
        webhook.Failures,
        webhook.LastError,
        webhook.LastErrorAt,
        webhook.LastDeliveredAt,
        webhook.CreatedAt,
        webhook.CreatedBy);
}

/// <summary>An endpoint was enabled or deleted.</summary>
internal sealed record WebhookChanged(string Status, string WebhookId);
