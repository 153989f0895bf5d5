using Beadhub.Feed;
using Orleans.Hosting;

namespace Beadhub.Silo.Engines;

/// <summary>What runs the grains. The build chooses: everything that differs between the engines is in this folder and in the project files.</summary>
internal static class Engine
{
#if ORLEANS
    /// <summary>Name for people.</summary>
    public const string Name = "Orleans";

    /// <summary>Runs the grains on Orleans.</summary>
    public static void AddGrains(this WebApplicationBuilder builder) => builder.UseOrleans(silo =>
    {
        silo.UseLocalhostClustering();
        silo.AddMemoryGrainStorage("PubSubStore");
        silo.AddMemoryStreams(IFeedGrain.Stream);
    });
#else
    /// <summary>Name for people.</summary>
    public const string Name = "Local";

    /// <summary>Runs the grains in this process.</summary>
    public static void AddGrains(this WebApplicationBuilder builder)
    {
        builder.Services.AddLocalGrains(typeof(Beadhub.EventLog.IEventLog).Assembly);
        builder.Services.AddLocalStreams(IFeedGrain.Stream);
    }
#endif
}
