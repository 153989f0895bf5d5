using Beadhub.Feed;
using Beadhub.Hosting;
using Beadhub.Hosting.Cluster.Redis;
using Beadhub.Hosting.Engines;
using Beadhub.Hosting.EventLogs;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Serialization;
using Orleans.Streams;

namespace Beadhub;

/// <summary>Connects a program that serves no requests of agents itself to the silos of a cluster.</summary>
public static class BeadhubCluster
{
    /// <summary>
    /// Adds an Orleans client of the cluster that the settings name (<see cref="Settings.DatabaseUrl"/>, <see cref="Settings.ClusterId"/>,
    /// <see cref="Settings.RedisUrl"/>: the same as the silos'), with what following a feed needs. The silos are found in PostgreSQL and
    /// reached at their gateway ports (<see cref="Settings.SiloGatewayPort"/>). <c>AddBeadhubClient</c> does the rest.
    /// </summary>
    /// <param name="builder">The program.</param>
    /// <param name="configure">Changes the settings that the environment variables give.</param>
    /// <exception cref="SettingsException">A variable holds what it may not, or the log is not in PostgreSQL.</exception>
    public static IHostApplicationBuilder AddBeadhubClusterClient(this IHostApplicationBuilder builder,
        Func<Settings, Settings>? configure = null)
    {
        var settings = Settings.FromEnvironment(Environment.GetEnvironmentVariable);
        if (configure is not null) settings = configure(settings);
        var connection = DatabaseUrl.Parse(settings.DatabaseUrl).ConnectionString
            ?? throw new SettingsException("A cluster's silos are found in PostgreSQL: set BEADHUB_DATABASE_URL to postgres://…");
        builder.UseOrleansClient(client =>
        {
            client.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = (settings.ClusterId, settings.ClusterId));
            client.UseAdoNetClustering(clustering => (clustering.Invariant, clustering.ConnectionString) = (Engine.Npgsql, connection));
            client.Services.TryAddSingleton(TimeProvider.System);
            client.AddOutgoingGrainCallFilter<LostCalls>();
            client.Services.Configure<ExceptionSerializationOptions>(Engine.LetFailuresCross);
            if (settings.RedisUrl is { } redis)
                client.AddRedisStreams(Engine.BetweenSilos, streams =>
                {
                    streams.ConfigureOptions((options, _) => options.ConfigurationOptions = RedisUrl.Parse(redis).Options);
                    streams.ConfigurePartitioning(Engine.Queues);
                });
            else
                client.AddMemoryStreams(Engine.BetweenSilos, static streams => streams.ConfigurePartitioning(Engine.Queues));
            // What wakes those who follow a feed: the announcements that the silos send each other.
            client.Services.AddKeyedSingleton(IFeedGrain.Stream,
                static (provider, _) => provider.GetRequiredKeyedService<IStreamProvider>(Engine.BetweenSilos));
        });
        return builder;
    }
}
