using System.Security.Cryptography;
using Beadhub.EventLog;
using Beadhub.Gateway;
using Beadhub.Identities;
using Beadhub.Hosting;
using Beadhub.Gateway.HiveSync;
using Beadhub.Policies;
using Beadhub.Presence;
using Beadhub.Hosting.Backups;
using Beadhub.Hosting.Cluster;
using Beadhub.Hosting.Cluster.Redis;
using Beadhub.Hosting.Defaults;
using Beadhub.Hosting.Engines;
using Beadhub.Hosting.EventLogs;
using Beadhub.Hosting.Search;
using Beadhub.Hosting.Outreach;
using Beadhub.Hosting.HiveSync;
using Beadhub.Hosting.Webhooks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Beadhub;

/// <summary>Puts a whole Beadhub, event log, grains and gateway, into an ASP.NET Core application.</summary>
public static class BeadhubHosting
{
    /// <summary>Maps Beadhub's endpoints, pages and documents.</summary>
    /// <param name="app">The application, to which <see cref="AddBeadhub(WebApplicationBuilder, Func{Settings, Settings})"/> was
    /// applied.</param>
    /// <param name="prefix">Path under which Beadhub lives in a larger application, for example <c>/beadhub</c>; empty when it is all there
    /// is.</param>
    public static void MapBeadhub(this WebApplication app, string prefix = "") => BeadhubGateway.Map(app, prefix);

    /// <summary>Adds Beadhub's services. Its endpoints are mapped by <see cref="MapBeadhub"/>.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="configure">Changes the settings that the environment variables give.</param>
    /// <exception cref="SettingsException">A variable holds what it may not.</exception>
    public static WebApplicationBuilder AddBeadhub(this WebApplicationBuilder builder, Func<Settings, Settings>? configure = null)
    {
        var settings = Settings.FromEnvironment(Environment.GetEnvironmentVariable);
        builder.AddBeadhub(configure is null ? settings : configure(settings));
        return builder;
    }

    internal static void AddBeadhub(this WebApplicationBuilder builder, Settings settings)
    {
        if (settings.Cluster && DatabaseUrl.Parse(settings.DatabaseUrl).SqlitePath is not null)
            throw new SettingsException(
                "SQLite serves one node: for a cluster (BEADHUB_CLUSTER=true) set BEADHUB_DATABASE_URL to postgres://…");
        var services = builder.Services;
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new CommittedFeed(provider.GetRequiredKeyedService<IFeedPublisher>(Engine.Announcer)));
        services.AddSingleton<IFeedPublisher>(provider => provider.GetRequiredService<CommittedFeed>());
        services.AddSingleton<ICommittedFeed>(provider => provider.GetRequiredService<CommittedFeed>());
        // Opened by whoever asks first, and closed after everything that was made later: what still runs at the end can write.
        services.AddSingleton(provider => Task.Run(() => EventLogStore.Open(
            settings.DatabaseUrl, settings.Cluster, provider.GetRequiredService<IFeedPublisher>(),
            provider.GetRequiredService<ILoggerFactory>(),
            provider.GetRequiredService<TimeProvider>(), OptionsOf(provider))).GetAwaiter().GetResult());
        services.AddSingleton<IEventLog>(provider => new TracedEventLog(provider.GetRequiredService<DurableEventLog>()));
        services.AddSingleton(_ => SearchIndexes.Of(settings.DatabaseUrl));
        services.AddSingleton(new PresenceOptions(settings.PresenceTtl));
        services.AddSingleton(settings.Gateway.Quotas);
        services.AddCluster(settings);
        services.AddSingleton(provider =>
        {
            // Whoever holds the log's lock may make a key beside it.
            provider.GetRequiredService<DurableEventLog>();
            return SecretKeys.Seal(settings, provider.GetRequiredService<ILoggerFactory>().CreateLogger("Beadhub.SecretKeys"));
        });
        // What is sealed for callers need not outlive a node that runs alone: without a secret key it makes one for as long as it runs.
        services.AddSingleton<ITextSeal>(provider => provider.GetRequiredService<Seal>() is var seal && seal.CloseText("") is null
            && !settings.Cluster ? new(RandomNumberGenerator.GetBytes(32), holdsSeeds: false) : seal);
        services.AddSingleton<IDefaultPolicy>(DefaultPolicy.Load(settings.DefaultsDirectory));
        builder.AddGrains(settings);
        services.AddHostedService<UnfinishedWork>();
        if (settings.BackupDirectory is not null || settings.BackupBucket is not null) services.AddHostedService<JsonlBackups>();
        services.AddSingleton<WebhookMetrics>();
        services.AddSingleton<WebhookSender>();
        services.AddSingleton<WebhookDelivery>();
        services.AddSingleton<IWebhookDelivery>(static provider => provider.GetRequiredService<WebhookDelivery>());
        services.AddHostedService(static provider => provider.GetRequiredService<WebhookDelivery>());
        services.AddSingleton<IInstance, InstanceReport>();
        services.AddSingleton<IProjectSizes, ProjectSizes>();
        services.AddSingleton(settings.NotifyFile is { } file ? OutreachSettings.Load(file) : new());
        services.AddSingleton<OutreachSender>();
        services.AddSingleton<OutreachDelivery>();
        services.AddSingleton<IOutreach>(static provider => provider.GetRequiredService<OutreachDelivery>());
        services.AddHostedService(static provider => provider.GetRequiredService<OutreachDelivery>());
        services.AddSingleton(settings);
        services.AddSingleton<MeshHttp>();
        services.AddSingleton<MeshWork>();
        services.AddSingleton<IMeshWork>(static provider => provider.GetRequiredService<MeshWork>());
        services.AddHostedService(static provider => provider.GetRequiredService<MeshWork>());
        services.AddBeadhubGateway(settings.Gateway with { Cluster = settings.Cluster });
        services.AddHealthChecks()
            .AddCheck<EventLogHealth>("database")
            .AddCheck<RedisHealth>("redis");
    }

    private static EventLogOptions OptionsOf(IServiceProvider services)
    {
        var options = services.GetService<EventLogOptions>() ?? new();
        return options with { Ownership = options.Ownership with { Node = services.GetRequiredService<NodeId>().Id } };
    }

    private sealed class RedisHealth(IServiceProvider services) : IHealthCheck
    {
        // Without Redis streams and presence live in this process, where they do not fail.
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            services.GetService<RedisConnection>() is { } redis && await redis.Check() is { } problem
                ? HealthCheckResult.Unhealthy(problem) : HealthCheckResult.Healthy();
    }

    private sealed class EventLogHealth(DurableEventLog log) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            await log.Check(cancellationToken) is { } problem ? HealthCheckResult.Unhealthy(problem) : HealthCheckResult.Healthy();
    }
}
