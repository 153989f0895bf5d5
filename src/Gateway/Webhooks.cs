using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Beadhub.Feed;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Outbound;
using Beadhub.Gateway.Streaming;
using Beadhub.Webhooks;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/webhooks</c>: endpoints that are told of the project's events, signed, in order, until they have taken them.</summary>
internal sealed partial class Webhooks(IGrainFactory grains, Identification identification, OutboundAddresses addresses, IWebhookDelivery delivery)
{
    private const int MaxEvents = 50;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Webhooks>();
        var group = routes.MapGroup("/v1/webhooks").WithTags("webhooks");
        group.Post("", endpoints.Register).Says("Register an endpoint; the only answer with its secret", 401, 403, 409, 422, 501).WithMetadata(new AnswersSecretAttribute());
        group.Get("", endpoints.List).Says("Endpoints, how far each has come and how it does", 401, 403);
        group.Post("/{webhookId}/enable", endpoints.Enable).Says("Serve a disabled endpoint again, from where it stopped", 401, 403, 404, 422);
        group.Delete("/{webhookId}", endpoints.Remove).Says("Delete an endpoint", 401, 403, 404, 422);
    }

    private async Task<Answer<WebhookCreated>> Register(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var url = body.Required("url", 1);
        if (url.Length > 0 && addresses.Problem(url, out _) is { } problem) body.Fail("url", $"Invalid url: {problem}");
        var events = body.Has("events") || body.IsDryRun ? body.Texts("events") : [];
        if (events.Count > MaxEvents) body.Fail("events", $"at most {MaxEvents} events");
        else if (events.FirstOrDefault(name => !IsEvent(name)) is { } unknown)
            body.Fail("events", $"Invalid event: {(unknown.Length > 64 ? unknown[..64] : unknown)}. A category ({string.Join(", ", WireEvents.Categories)}) or a type such as bead.claimed");
        body.Only("url", "events");
        body.Done();

        var who = await identification.Of(http);
        var position = await grains.GetGrain<IFeedGrain>(who.ProjectId).Head();
        var secret = $"whsec_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))}";
        var registered = await Grain(who).Register(new(http.NewId(), url, [.. events.Distinct(StringComparer.Ordinal)], secret, position, who.AgentId));
        await delivery.Refresh(who.ProjectId);
        return Answer.Of(new WebhookCreated(WebhookItem.Of(registered.View, 0), registered.Secret ?? throw new ApiException(StatusCodes.Status501NotImplemented, "The webhook's secret cannot be opened: the server's secret key was changed or is missing")), Wire.Types.WebhookCreated);
    }

    private async Task<Answer<WebhookList>> List(HttpContext http)
    {
        var who = await identification.Of(http);
        if (who.Mode == AuthMode.PublicReader) throw ApiException.Forbidden("Public readers may not see webhooks");
        var webhooks = await Grain(who).List();
        var head = await grains.GetGrain<IFeedGrain>(who.ProjectId).Head();
        return Answer.Of(
            new WebhookList(
                [.. webhooks.Select(webhook => WebhookItem.Of(
                    webhook with { Position = Math.Max(webhook.Position, delivery.PositionOf(webhook.WebhookId) ?? 0) }, head))],
                webhooks.Length),
            Wire.Types.WebhookList);
    }

    private async Task<Answer<WebhookChanged>> Enable(HttpContext http)
    {
        var id = WebhookId(http);
        var who = await identification.Of(http);
        if (!await Grain(who).Enable(id)) throw ApiException.NotFound("Webhook not found");
        await delivery.Refresh(who.ProjectId);
        return Answer.Of(new WebhookChanged("active", id), Wire.Types.WebhookChanged);
    }

    private async Task<Answer<WebhookChanged>> Remove(HttpContext http)
    {
        var id = WebhookId(http);
        var who = await identification.Of(http);
        if (!await Grain(who).Remove(id)) throw ApiException.NotFound("Webhook not found");
        await delivery.Refresh(who.ProjectId);
        return Answer.Of(new WebhookChanged("deleted", id), Wire.Types.WebhookChanged);
    }

    private IWebhooksGrain Grain(ProjectIdentity who) => grains.GetGrain<IWebhooksGrain>(who.ProjectId);

    private static bool IsEvent(string name)
    {
        var dot = name.IndexOf('.');
        return WireEvents.Categories.Contains(dot < 0 ? name : name[..dot]) && (dot < 0 || (name.Length <= 64 && Verb().IsMatch(name[(dot + 1)..])));
    }

    private static string WebhookId(HttpContext http)
    {
        var text = http.PathPart("webhookId");
        if (Names.TryNormalizeUuid(text, out var id)) return id;
        var errors = new FieldErrors();
        errors.AddRule("Invalid webhook_id format", JsonSerializer.SerializeToUtf8Bytes(text, Wire.Types.String), "path", "webhook_id");
        throw errors.ToException();
    }

    [GeneratedRegex(@"\A[a-z][a-z_]*\z")]
    private static partial Regex Verb();
}

/// <summary>What delivers to the endpoints, in the background.</summary>
internal interface IWebhookDelivery
{
    /// <summary>
    /// Serves what a project has registered by now, and nothing that it has not. What cannot be read right now is looked at again: the change itself is
    /// durable, and whoever made it has nothing to repeat.
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
