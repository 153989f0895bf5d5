using Microsoft.Extensions.DependencyInjection;
using Orleans.Local;
using Orleans.Streams;

namespace Orleans;

/// <summary>Streams for grains.</summary>
public static class GrainStreamingExtensions
{
    /// <summary>The provider of that name. What the grain subscribes through it is delivered as turns of the grain.</summary>
    public static IStreamProvider GetStreamProvider(this Grain grain, string name) => ((IGrainBase)grain).GetStreamProvider(name);

    /// <inheritdoc cref="GetStreamProvider(Grain, string)"/>
    public static IStreamProvider GetStreamProvider(this IGrainBase grain, string name)
    {
        var activation = Activation.Of(grain);
        var provider = activation.ActivationServices.GetRequiredKeyedService<IStreamProvider>(name);
        return provider is MemoryStreamProvider memory ? memory.For(activation) : provider;
    }
}

/// <summary>Streams for code outside of grains.</summary>
public static class ClientStreamingExtensions
{
    /// <summary>The provider of that name.</summary>
    public static IStreamProvider GetStreamProvider(this IClusterClient client, string name) =>
        client.ServiceProvider.GetRequiredKeyedService<IStreamProvider>(name);
}
