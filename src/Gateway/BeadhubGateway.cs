using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Beadhub.Gateway.Hives;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.HiveSync;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Mcp;
using Beadhub.Gateway.Metrics;
using Beadhub.Gateway.OpenApi;
using Beadhub.Gateway.Outbound;
using Beadhub.Gateway.Remotes;
using Beadhub.Gateway.Requests;
using Beadhub.Gateway.Streaming;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.OpenApi;

namespace Beadhub.Gateway;

/// <summary>The HTTP face of Beadhub: each resource maps itself, in the file of its name.</summary>
public static class BeadhubGateway
{
    /// <summary>Adds what the endpoints need.</summary>
    public static IServiceCollection AddBeadhubGateway(this IServiceCollection services, GatewaySettings settings)
    {
        services.AddSingleton(settings);
        services.AddSingleton<Tokens>();
        services.AddSingleton<AuditTrails>();
        services.AddSingleton<RefusedLogins>();
        services.AddHostedService(provider => provider.GetRequiredService<RefusedLogins>());
        services.AddSingleton<KeyUses>();
        services.AddHostedService(provider => provider.GetRequiredService<KeyUses>());
        services.AddSingleton<StreamTickets>();
        services.AddSingleton<AnswerLinks>();
        services.AddSingleton<BearerKeys>();
        services.AddSingleton<Identification>();
        services.AddSingleton<Joining>();
        services.TryAddSingleton<IInitRate, MemoryInitRate>();
        services.AddSingleton<MailRate>();
        services.AddSingleton<QuotaChecks>();
        services.AddSingleton<MetricReadings>();
        services.AddSingleton<StreamMetrics>();
        services.AddSingleton<EventStreams>();
        services.AddSingleton<FeedHub>();
        services.AddSingleton(new OutboundAddresses(settings.WebhooksAllowPrivate, System.Net.Dns.GetHostAddressesAsync));
        services.AddSingleton<OutboundHttp>();
        services.AddSingleton(settings.Remotes);
        services.AddSingleton<RemoteAccess>();
        services.AddSingleton(settings.Mesh);
        services.AddSingleton<SyncGroups>();
        services.AddSingleton<SyncLimits>();
        services.AddSingleton<Gossip>();
        services.AddSingleton<ChatHub>();
        services.AddSingleton<ChatStreams>();
        services.AddHostedService(provider => provider.GetRequiredService<ChatStreams>());
        services.AddSingleton<Idempotency>();
        services.AddSingleton<MailSending>();
        services.AddSingleton<InnerRequests>();
        services.AddSingleton<UnknownBodies>();
        services.AddSingleton<HiveCallers>();
        services.AddSingleton<HiveSockets>();
        services.AddSingleton<HostCheck>();
        services.AddSingleton<Drain>();
        services.AddHostedService<DrainBeforeStop>();
        // What stops an application waits only so long for it, draining included.
        services.PostConfigure<HostOptions>(host => host.ShutdownTimeout += settings.Drain);
        services.AddHealthChecks();
        services.AddCors();
        // The document describes our types by the application's JSON rules, which are the host's own: only our names are put right.
        services.ConfigureHttpJsonOptions(static json =>
        {
            foreach (var types in (IJsonTypeInfoResolver[])[HiveWire.Types, Wire.Types])
                json.SerializerOptions.TypeInfoResolverChain.Insert(0, types.WithAddedModifier(static type =>
                {
                    foreach (var property in type.Properties)
                        property.Name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
                }));
        });
        services.AddOpenApi(openApi =>
        {
            openApi.AddDocumentTransformer((document, context, _) =>
            {
                DescribedRequest.Describe(document, context.DescriptionGroups.SelectMany(group => group.Items)
                    .SelectMany(item => item.ActionDescriptor.EndpointMetadata.OfType<RequestShape>()));
                return Task.CompletedTask;
            });
            // Our numbers are numbers: the host's rules would also read them from texts.
            openApi.AddSchemaTransformer((schema, _, _) =>
            {
                if (schema.Type is { } type && type.HasFlag(JsonSchemaType.String)
                    && (type.HasFlag(JsonSchemaType.Integer) || type.HasFlag(JsonSchemaType.Number)))
                    (schema.Type, schema.Pattern) = (type & ~JsonSchemaType.String, null);
                return Task.CompletedTask;
            });
            openApi.AddSchemaTransformer(static (schema, context, _) =>
            {
                var type = context.JsonTypeInfo.Type;
                if (type == typeof(Beadhub.History.ObjectHash)) schema.Type = JsonSchemaType.String;
                else if (type == typeof(Beadhub.History.ObjectHash?)) schema.Type = JsonSchemaType.String | JsonSchemaType.Null;
                return Task.CompletedTask;
            });
            openApi.AddOperationTransformer(static (operation, context, _) =>
            {
                if (context.Description.ActionDescriptor.EndpointMetadata.OfType<RequestShape>().FirstOrDefault() is { } shape)
                    DescribedRequest.Describe(operation, shape, context.Document!);
                return Task.CompletedTask;
            });
        });
        return services;
    }

    /// <summary>Maps Beadhub's endpoints, pages and documents.</summary>
    /// <param name="app">The application.</param>
    /// <param name="prefix">Path under which Beadhub lives in it; empty when it is all there is.</param>
    public static void Map(WebApplication app, string prefix)
    {
        if (prefix.Trim('/').Length == 0) Serve(app);
        else app.Map($"/{prefix.Trim('/')}", Serve);
    }

    private static void Serve(IApplicationBuilder app)
    {
        var settings = app.ApplicationServices.GetRequiredService<GatewaySettings>();
        app.UseInvitePath();
        if (!settings.TrustedProxies.IsEmpty) app.UseForwardedHeaders(Believing(settings.TrustedProxies));
        app.UseRequestTrace();
        app.UseRequestLog();
        var drain = app.ApplicationServices.GetRequiredService<Drain>();
        app.Use(next => http =>
        {
            if (drain.HasBegun) http.Response.Headers.Connection = "close";
            return next(http);
        });
        // Before refusals, which a page must be able to read too.
        if (!settings.CorsOrigins.IsEmpty)
            app.UseCors(policy => policy.WithOrigins([.. settings.CorsOrigins]).AllowAnyHeader()
                .WithMethods("GET", "POST", "PUT", "PATCH", "DELETE")
                .WithExposedHeaders("ETag", "Last-Modified", "Retry-After", "Idempotent-Replayed", "X-Request-ID")
                .SetPreflightMaxAge(TimeSpan.FromMinutes(10)));
        app.UseErrorAnswers();
        var hosts = app.ApplicationServices.GetRequiredService<HostCheck>();
        app.Use(next => http => hosts.Run(http, next));
        app.UseWhen(static http => http.Request.Path.StartsWithSegments("/docs"), static docs => docs.UseSwaggerUI(ui =>
        {
            ui.RoutePrefix = "docs";
            ui.SwaggerEndpoint("../openapi/v1.json", "Beadhub");
        }));
        app.Use(app.ApplicationServices.GetRequiredService<InnerRequests>().Take);
        app.UseWebSockets();
        app.UseRouting();
        // The request's declaration says whether it takes a key.
        var idempotency = app.ApplicationServices.GetRequiredService<Idempotency>();
        app.Use(next => http => idempotency.Run(http, next));
        app.UseEndpoints(Map);
    }

    /// <summary>However many proxies there are in a row: what the first that is not trusted says of itself is not believed.</summary>
    private static ForwardedHeadersOptions Believing(ImmutableArray<System.Net.IPNetwork> proxies)
    {
        var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor, ForwardLimit = null };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var proxy in proxies) options.KnownIPNetworks.Add(proxy);
        return options;
    }

    private static void Map(IEndpointRouteBuilder routes)
    {
        // A group of our own: in a larger application there are other routes.
        var app = routes.MapGroup("");
        Front.Map(app);
        Health.Map(app);
        MetricsEndpoint.Map(app);
        Init.Map(app);
        Introspection.Map(app);
        Projects.Map(app);
        Quotas.Map(app);
        ApiKeys.Map(app);
        AgentRoles.Map(app);
        Invites.Map(app);
        AuditTrail.Map(app);
        StreamTicket.Map(app);
        Agents.Map(app);
        Publications.Map(app);
        AgentIdentities.Map(app);
        Control.Map(app);
        Workspaces.Map(app);
        Repos.Map(app);
        Beads.Map(app);
        Issues.Map(app);
        Exchange.Map(app);
        RemoteRoutes.Map(app);
        History.Commits.Map(app);
        History.IssueVersions.Map(app);
        History.Merges.Map(app);
        Search.Map(app);
        Bdh.Map(app);
        Claims.Map(app);
        Plans.Map(app);
        Escalations.Map(app);
        EscalationAnswers.Map(app);
        Subscriptions.Map(app);
        Messages.Map(app);
        Contacts.Map(app);
        Reservations.Map(app);
        Policies.Map(app);
        Webhooks.Map(app);
        Tasks.Map(app);
        Status.Map(app);
        StatusStream.Map(app);
        ActivityFeed.Map(app);
        Instance.Map(app);
        Chats.Map(app);
        ChatStream.Map(app);
        Conversations.Map(app);
        EventsStream.Map(app);
        HiveAgents.Map(app);
        HiveRequests.Map(app);
        HivePosts.Map(app);
        HiveFeeds.Map(app);
        HiveStream.Map(app);
        HiveSockets.Map(app);
        SyncProtocol.Map(app);
        SyncAdministration.Map(app);
        McpEndpoint.Map(app);
        Document.Map(app);
        ((IEndpointRouteBuilder)app).MustStateNeeds();
    }
}
