using System.Reflection;
using Beadhub.ApiKeys;
using Beadhub.Directories;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Hives;
using Beadhub.HiveSync;
using Beadhub.Idempotency;
using Beadhub.Notifications;
using Beadhub.Outreach;
using Beadhub.Projects;
using Beadhub.Publications;
using Beadhub.Webhooks;
using Orleans;

namespace Beadhub.Grains.Tests;

/// <summary>What a new resource has to be entered in, besides its own files, does not forget it.</summary>
public sealed class RegistryTests
{
    // Of the instance and no project, or asked by the server alone.
    private static readonly HashSet<Type> NotOfProjects =
    [
        typeof(IApiKeyGrain), typeof(IApiKeysGrain), typeof(IDirectoryGrain), typeof(IOriginGrain), typeof(IProjectsGrain),
        typeof(IPublishedProjectsGrain),
        typeof(IOutreachGrain), typeof(IOutreachProjectsGrain),
        typeof(IWebhookProjectsGrain), typeof(IFeedGrain), typeof(INotifierGrain),
        typeof(IHiveGrain), typeof(IHivesGrain), typeof(IHiveProfileGrain), typeof(IIdempotentRequestGrain),
        typeof(IMeshInstanceGrain), typeof(IHiveSyncGroupGrain), typeof(IHiveSyncSettingsGrain),
        typeof(IHiveSyncGroupsGrain), typeof(ISyncPeersGrain),
    ];

    [Fact]
    public void Every_event_type_can_be_written_and_read()
    {
        foreach (var type in typeof(IEvent).Assembly.GetTypes().Where(type => typeof(IEvent).IsAssignableFrom(type) && type.IsClass))
            EventTypes.Knows(type.GetCustomAttribute<AliasAttribute>().ShouldNotBeNull($"{type} has no alias").Alias)
                .ShouldBeTrue($"{type} is missing from EventJson");
    }

    [Fact]
    public void No_two_kinds_of_streams_have_one_name()
    {
        var names = typeof(IEventLog).Assembly.GetTypes()
            .Where(type =>
                type is { IsClass: true, IsAbstract: false }
                && type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEventSourced<>)))
            .Select(type => type.GetProperty("Kind", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!)
            .Select(kind => (string)kind.GetType().GetProperty("Name")!.GetValue(kind)!)
            .ToList();
        names.Count.ShouldBeGreaterThan(10);
        names.ShouldBeUnique();
    }

    [Fact]
    public void Every_grain_interface_has_a_grain()
    {
        var grains = typeof(IEventLog).Assembly.GetTypes().Where(type => type is { IsClass: true, IsAbstract: false }
            && typeof(Grain).IsAssignableFrom(type)).ToList();
        foreach (var one in Interfaces()) grains.Count(one.IsAssignableFrom).ShouldBe(1, one.Name);
    }

    [Fact]
    public void A_projects_client_reaches_every_grain_of_the_project()
    {
        var members = typeof(ProjectClient).GetProperties().Select(property => property.PropertyType)
            .Concat(typeof(ProjectClient).GetMethods().Select(method => method.ReturnType)).ToHashSet();
        Interfaces().Where(one => !NotOfProjects.Contains(one) && !members.Contains(one)).ShouldBeEmpty();
        NotOfProjects.Where(members.Contains).ShouldBeEmpty();
    }

    private static IEnumerable<Type> Interfaces() =>
        typeof(IEvent).Assembly.GetTypes().Where(type => type.IsInterface && type != typeof(IGrainWithStringKey)
            && typeof(IGrainWithStringKey).IsAssignableFrom(type));
}
