using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Hosting.Cluster.Feeds;
using Beadhub.Hosting.Cluster.Redis;
using Beadhub.Hosting.EventLogs;
using Orleans;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Streams;

namespace Beadhub.Hosting.Engines;

/// <summary>What runs the grains: an Orleans silo in this process, alone or in a cluster that meets in PostgreSQL.</summary>
internal static class Engine
{
    /// <summary>Key of the <see cref="IFeedPublisher"/> that announces to the subscribers of the feed's streams what was
    /// committed.</summary>
    public const string Announcer = "announcer";

    /// <summary>Name for people.</summary>
    public const string Name = "Orleans";

    /// <summary>Name of the streams that carry announcements between silos.</summary>
    public const string BetweenSilos = "feed-between-silos";

    /// <summary>The library by which Orleans reaches PostgreSQL.</summary>
    public const string Npgsql = "Npgsql";
    /// <summary>Number of queues that carry them.</summary>
    public const int Queues = 4;

    private const string StreamStorage = "PubSubStore";
    private const int DefaultSiloPort = 11111;

    // How long an announcement may lie in its queue; with the default of 100 ms an event stream at another node would be slow to hear.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);

    /// <summary>Runs the grains in a silo.</summary>
    public static void AddGrains(this WebApplicationBuilder builder, Settings settings)
    {
        // The silo's own warnings are about settings of the garbage collector.
        builder.Logging.AddFilter("Orleans", LogLevel.Warning).AddFilter("Orleans.Runtime.Silo", LogLevel.Error);
        var services = builder.Services;
        services.AddSingleton<StreamFeedBus>();
        services.AddSingleton<IFeedBus>(static provider => provider.GetRequiredService<StreamFeedBus>());
        services.AddSingleton<FeedRelay>();
        services.AddKeyedSingleton<IFeedPublisher>(Announcer, static (provider, _) => provider.GetRequiredService<FeedRelay>());
        services.AddKeyedSingleton<IStreamProvider>(IFeedGrain.Stream,
            static (provider, name) => new RelayedStreams((string)name!, provider.GetRequiredService<FeedRelay>()));

        // Started in this order, stopped in the other: what follows streams stops before the silo, and the silo before its tables.
        var database = DatabaseUrl.Parse(settings.DatabaseUrl);
        if (settings.Cluster)
        {
            services.AddHostedService(_ => new OrleansSchema(database));
            services.AddSingleton(static provider => new EventLogOptions
            {
                Ownership = new(Address: provider.GetRequiredService<ILocalSiloDetails>().SiloAddress.ToParsableString(),
                    GrainsFollow: true),
            });
        }

        builder.UseOrleans(silo =>
        {
            silo.AddOutgoingGrainCallFilter<LostCalls>();
            silo.AddPlacementDirector<ProjectPlacement, ProjectPlacementDirector>();
            // A filter at each end of every call: only where somebody collects what it tells.
            if (settings.TracesCalls) silo.AddActivityPropagation();
            silo.Services.Configure<ExceptionSerializationOptions>(LetFailuresCross);
            silo.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = (settings.ClusterId, settings.ClusterId));
            if (settings.Cluster) JoinCluster(silo, settings, database);
            else StandAlone(silo, settings);
            if (settings is { Cluster: true, RedisUrl: { } redis }) AddStreamsInRedis(silo, RedisUrl.Parse(redis));
            else AddStreamsInMemory(silo);
        });
        services.AddHostedService(static provider => provider.GetRequiredService<FeedRelay>());
    }

    /// <summary>Failures cross as what they are: ours, and those of the stores that caused them. The framework's and Orleans' do anyway;
    /// a caller would hear of a missing codec instead.</summary>
    public static void LetFailuresCross(ExceptionSerializationOptions failures) =>
        failures.SupportedExceptionTypeFilter = static type =>
            type.Namespace?.Split('.')[0] is nameof(Beadhub) or Npgsql or "StackExchange";

    private static void StandAlone(ISiloBuilder silo, Settings settings)
    {
        // Nobody else has to find it, and several may run on one machine.
        silo.UseLocalhostClustering(settings.SiloPort ?? FreePort(), gatewayPort: 0, serviceId: settings.ClusterId,
            clusterId: settings.ClusterId);
        silo.AddMemoryGrainStorage(StreamStorage);
    }

    private static void JoinCluster(ISiloBuilder silo, Settings settings, DatabaseUrl database)
    {
        var connection = database.ConnectionString!; // a cluster on SQLite is refused with the settings
        silo.ConfigureEndpoints(settings.SiloAddress ?? OwnAddress(), settings.SiloPort ?? DefaultSiloPort, settings.SiloGatewayPort);
        silo.UseAdoNetClustering(clustering => (clustering.Invariant, clustering.ConnectionString) = (Npgsql, connection));
        silo.AddAdoNetGrainStorage(StreamStorage, storage =>
            (storage.Invariant, storage.ConnectionString, storage.DeleteStateOnClear) = (Npgsql, connection, true));
#pragma warning disable ORLEANSEXP003 // With the default directory a silo that dies takes grains of others with it.
        silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
        // A silo that is gone is noticed within two seconds, and its grains live elsewhere at once, even if it lived still: the log decides
        // who writes. The second option is set by its name, since older versions have neither it nor the wait.
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, Farewell>();
        silo.Configure<ClusterMembershipOptions>(membership =>
            (membership.ProbeTimeout, membership.NumMissedProbesLimit) = (TimeSpan.FromSeconds(1), 2));
        silo.Services
            .Configure<GrainDirectoryOptions>(new ConfigurationBuilder().AddInMemoryCollection([new("RangeLeaseDuration", "00:00:00")])
            .Build());
    }

    private static void AddStreamsInMemory(ISiloBuilder silo) => silo.AddMemoryStreams(BetweenSilos, streams =>
    {
        streams.ConfigurePartitioning(Queues);
        streams.ConfigurePullingAgent(agent => agent.Configure(static options => options.GetQueueMsgsTimerPeriod = LookEvery));
    });

    private static void AddStreamsInRedis(ISiloBuilder silo, RedisUrl redis) => silo.AddRedisStreams(BetweenSilos, streams =>
    {
        streams.ConfigureOptions((options, _) =>
        {
            options.ConfigurationOptions = redis.Options;
            // Announcements are worth nothing once made: the log has it all.
            options.MaxStreamLength = 10_000;
        });
        streams.ConfigurePartitioning(Queues);
        streams.ConfigurePullingAgent(agent => agent.Configure(static options => options.GetQueueMsgsTimerPeriod = LookEvery));
    });

    /// <summary>The machine's first address that others can reach; the loopback when it has none.</summary>
    private static IPAddress OwnAddress() =>
        NetworkInterface.GetAllNetworkInterfaces()
            .Where(static card =>
                card.OperationalStatus == OperationalStatus.Up && card.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(static card => card.GetIPProperties().UnicastAddresses)
            .Select(static unicast => unicast.Address)
            .FirstOrDefault(static address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address))
        ?? IPAddress.Loopback;

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
