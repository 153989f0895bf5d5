using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Beadhub;

/// <summary>Registers the client.</summary>
public static class BeadhubClientServices
{
    /// <summary>Adds <see cref="BeadhubClient"/>. The grains are reached through the registered <see cref="Orleans.IClusterClient"/>: one
    /// of the same process, as <c>AddBeadhub</c> adds it, or one that is connected to an Orleans cluster.</summary>
    public static IServiceCollection AddBeadhubClient(this IServiceCollection services)
    {
        services.TryAddSingleton<BeadhubClient>();
        return services;
    }
}
