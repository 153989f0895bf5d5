using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Local;
using Orleans.Streams;

namespace Orleans.Hosting;

/// <summary>Adds the engine to a host.</summary>
public static class LocalGrainHosting
{
    /// <summary>
    /// Runs the grain classes of the assemblies in this process: <see cref="IGrainFactory"/> and <see cref="IClusterClient"/> become
    /// available, and the grains are deactivated when the host stops. The clock is the registered <see cref="TimeProvider"/>.
    /// </summary>
    public static IServiceCollection AddLocalGrains(
        this IServiceCollection services, Action<LocalGrainOptions>? configure, params Assembly[] assemblies)
    {
        var options = new LocalGrainOptions();
        configure?.Invoke(options);
        services.AddLogging();
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<LocalCluster>(provider, options, assemblies));
        services.AddSingleton<IClusterClient>(static provider => provider.GetRequiredService<LocalCluster>());
        services.AddSingleton<IGrainFactory>(static provider => provider.GetRequiredService<LocalCluster>());
        services.AddHostedService(static provider => provider.GetRequiredService<LocalCluster>());
        return services;
    }

    /// <summary>
    /// Whether nothing waits for the thread that asks: no work of the activation whose turn it is, and none of the thread pool. Then it may
    /// block for a moment where waiting asynchronously would cost more.
    /// </summary>
    public static bool NothingWaits => Activation.Current is not { HasWork: true } && ThreadPool.PendingWorkItemCount == 0;

    /// <inheritdoc cref="AddLocalGrains(IServiceCollection, Action{LocalGrainOptions}, Assembly[])"/>
    public static IServiceCollection AddLocalGrains(this IServiceCollection services, params Assembly[] assemblies) =>
        services.AddLocalGrains(null, assemblies);

    /// <summary>
    /// Adds a stream provider that lives in memory. Other transports register themselves as a keyed <see cref="IStreamProvider"/>.
    /// </summary>
    public static IServiceCollection AddLocalStreams(this IServiceCollection services, string name) =>
        services.AddKeyedSingleton<IStreamProvider>(name, static (provider, name) =>
            new MemoryStreamProvider((string)name!, provider.GetRequiredService<LocalCluster>()));
}
