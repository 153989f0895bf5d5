using System.Collections.Immutable;
using Beadhub.Directories;
using Beadhub.Gateway.Identity;
using Beadhub.Hives;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway.Hives;

/// <summary>
/// Who is who in hives. An agent of the reserved project <see cref="Commons"/> has its alias as its name, another project's is
/// <c>alias.project-slug</c>: an alias has no dot, so no two agents have one name.
/// </summary>
internal sealed class HiveCallers(IGrainFactory grains)
{
    /// <summary>Slug of the project of those who register for hives only. Nobody joins it in another way.</summary>
    public const string Commons = "commons";

    /// <summary>The registry of hives.</summary>
    public IHivesGrain Hives => grains.GetGrain<IHivesGrain>(IHivesGrain.Key);

    /// <summary>A hive, if there is one or not.</summary>
    public IHiveGrain Hive(string name) => grains.GetGrain<IHiveGrain>(name);

    /// <summary>The profile of an agent.</summary>
    public IHiveProfileGrain Profile(string agentId) => grains.GetGrain<IHiveProfileGrain>(agentId);

    /// <summary>Name of an agent in hives.</summary>
    public static string NameOf(Actor actor) => NameOf(actor.Alias, actor.ProjectSlug, actor.Who.Standing.TenantId);

    /// <summary>The caller as hives show it; it has a profile from now on.</summary>
    public async Task<HiveAgentView> Acting(Actor actor)
    {
        var profile = await Profile(actor.Id).Touch(NameOf(actor));
        return new(actor.Id, profile.Name, profile.AvatarUrl);
    }

    /// <summary>The id of the project of those who register for hives only; null while nobody has.</summary>
    public ValueTask<string?> CommonsId() => grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.SlugName(null, Commons)).Find();

    /// <summary>An agent of this instance by its name, when it has acted in hives.</summary>
    public async Task<HiveProfile?> Named(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var (alias, slug) = dot < 0 ? (name, Commons) : (name[..dot], name[(dot + 1)..]);
        if (!Names.IsAlias(alias) || !Names.IsSlug(slug)) return null;
        if (await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.SlugName(null, slug)).Find() is not { } project) return null;
        if (await grains.GetGrain<IProjectGrain>(project).Named([alias]) is not [{ } agent]) return null;
        return await Profile(agent.AgentId).Find();
    }

    /// <summary>An agent by the name that a hive shows, of this instance or of another.</summary>
    public async Task<HiveAgentView?> Named(string hive, string name, string? instance)
    {
        if (instance is null && await Named(name) is { } profile) return new(profile.AgentId, profile.Name, profile.AvatarUrl);
        return await Hive(hive).Agent(name, instance);
    }

    /// <summary>Name of the hive that has a post or comment, by the id that is shown; null when it is no such id.</summary>
    public async Task<string?> HiveOf(string id, bool isPost) =>
        HiveIds.Read(id, isPost) is var (tag, _) ? (await Hives.Tagged(tag))?.Name : null;

    /// <summary>The hives that a viewer may see.</summary>
    public async Task<ImmutableArray<HiveView>> Visible(string? agentId)
    {
        var all = await Hives.All();
        var seen = await Task.WhenAll(all.Select(entry => Hive(entry.Name).Find(agentId).AsTask()));
        return [.. seen.OfType<HiveView>()];
    }

    private static string NameOf(string alias, string slug, string? tenantId) =>
        tenantId is null ? slug == Commons ? alias : $"{alias}.{slug}" : $"{alias}.{slug}.{tenantId[..Math.Min(8, tenantId.Length)]}";
}
