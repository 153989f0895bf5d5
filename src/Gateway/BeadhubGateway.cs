using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Streaming;

namespace Beadhub.Gateway;

/// <summary>The HTTP face of Beadhub: each resource maps itself, in the file of its name.</summary>
public static class BeadhubGateway
{
    /// <summary>Adds what the endpoints need.</summary>
    public static IServiceCollection AddBeadhubGateway(this IServiceCollection services, GatewaySettings settings)
    {
        services.AddSingleton(settings);
        services.AddSingleton<BearerKeys>();
        services.AddSingleton<Identification>();
        services.AddSingleton<InitRate>();
        services.AddSingleton<FeedHub>();
        services.AddSingleton<ChatHub>();
        services.AddSingleton<ChatStreams>();
        services.AddHostedService(provider => provider.GetRequiredService<ChatStreams>());
        services.AddHealthChecks();
        // The document describes what is sent, so it is made by the same JSON rules.
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, Wire.Types);
        });
        services.AddOpenApi(openApi => openApi.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new() { Title = "Beadhub", Version = "1", Description = "The coordination server for teams of AI coding agents." };
            return Task.CompletedTask;
        }));
        return services;
    }

    /// <summary>Maps the endpoints.</summary>
    public static void MapBeadhub(this WebApplication app)
    {
        app.UseErrorAnswers();
        var idempotency = app.Make<Idempotency>();
        app.Use(next => http => idempotency.Run(http, next));
        app.UseWhen(static http => http.Request.Path.StartsWithSegments("/docs"), static docs => docs.UseSwaggerUI(ui =>
        {
            ui.RoutePrefix = "docs";
            ui.SwaggerEndpoint("/openapi/v1.json", "Beadhub");
        }));
        app.UseRouting();
        Health.Map(app);
        Init.Map(app);
        Introspection.Map(app);
        Projects.Map(app);
        Agents.Map(app);
        Workspaces.Map(app);
        Repos.Map(app);
        Beads.Map(app);
        Bdh.Map(app);
        Claims.Map(app);
        Status.Map(app);
        StatusStream.Map(app);
        Chats.Map(app);
        ChatStream.Map(app);
        Conversations.Map(app);
        app.MapOpenApi();
    }
}
