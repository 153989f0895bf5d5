using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Beadhub.EventLog;
using Beadhub.Hosting.EventLogs;
using Orleans.Metadata;
using Orleans.Runtime;
using Orleans.Runtime.Placement;

namespace Beadhub.Hosting.Engines;

/// <summary>Chooses the silo of a project's grains: its owner, or while nobody owns it the one that a rendezvous hash gives.</summary>
/// <param name="services">Opens the log when it is first needed, not before the silo has an address.</param>
/// <param name="classes">The classes of grains.</param>
internal sealed class ProjectPlacementDirector(IServiceProvider services, GrainClassMap classes) : IPlacementDirector
{
    private readonly ConcurrentDictionary<GrainType, Func<string, string>> _projects = new();

    /// <inheritdoc/>
    public async Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var silos = context.GetCompatibleSilos(target);
        if (silos.Length == 1) return silos[0];
        var grain = target.GrainIdentity;
        var project = _projects.GetOrAdd(grain.Type, type =>
            ProjectPlacement.ProjectOf(classes.TryGetGrainClass(type, out var found) ? found : typeof(object)))(grain.Key.ToString()!);
        var owner = await Owner(project);
        return silos.FirstOrDefault(silo => owner == silo.ToParsableString()) ?? silos.MaxBy(silo => Weight(silo, project))!;
    }

    private async ValueTask<string?> Owner(string project)
    {
        try
        {
            return await services.GetRequiredService<DurableEventLog>().OwnerOf(project);
        }
        catch (EventLogUnavailableException)
        {
            return null; // the grain tells its caller
        }
    }

    private static ulong Weight(SiloAddress silo, string project) =>
        BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{silo.ToParsableString()} {project}")));
}
