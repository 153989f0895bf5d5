using System.Collections.Concurrent;
using System.Collections.Immutable;
using Beadhub.Directories;
using Beadhub.EventLog;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Policies;

/// <inheritdoc cref="IPoliciesGrain"/>
public sealed class PoliciesGrain(IEventLog log, TimeProvider time, IDefaultPolicy defaults) : EventSourcedGrain<Policies>(log),
    IPoliciesGrain
{
    private const int KeptViews = 4;

    private static readonly Func<Policies, Policies> WholeState = policies => policies;

    // Versions never change, so a view once made is good for ever.
    private readonly ConcurrentDictionary<string, PolicyView> _views = new();

    /// <inheritdoc/>
    public async ValueTask<PolicyView> Active()
    {
        var policies = await Seeded();
        return await View(policies.Find(policies.ActiveId!)!);
    }

    /// <inheritdoc/>
    public async ValueTask<PolicyView> Get(string policyId) =>
        (await Read(WholeState)).Find(policyId) is { } version
            ? await View(version)
            : throw new RefusedException(RefusalKind.NotFound, "Policy not found or does not belong to this project");

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<PolicyLine>> History(int limit) => (await Seeded()).History(limit);

    /// <inheritdoc/>
    public async Task<PolicyLine> Create(CreatePolicy command)
    {
        command = command with { CreatedBy = await Creator(command.CreatedBy, command.AgentId) };
        await Seeded();
        await Announce(command.PolicyId);
        return await Transact(policies => policies.Create(command, time.Now()), result: PoliciesJson.Relaxed.PolicyLine);
    }

    /// <inheritdoc/>
    public async Task<bool> Activate(string policyId)
    {
        await Seeded();
        return await Transact(policies => policies.Activate(policyId, time.Now()));
    }

    /// <inheritdoc/>
    public async Task<PolicyLine> Reset(string policyId, string? agentId)
    {
        var createdBy = await Creator(null, agentId);
        await Seeded();
        var bundle = defaults.Reload();
        await Announce(policyId);
        return await Transact(policies => policies.Reset(policyId, bundle, createdBy, time.Now()), result: PoliciesJson.Relaxed.PolicyLine);
    }

    /// <summary>The workspace that a version is noted for: the one that is named, else the agent's own, if it has one (contract
    /// 10.6).</summary>
    private async ValueTask<string?> Creator(string? named, string? agentId)
    {
        if ((named ?? agentId) is not { } id) return null;
        // A look at the roster never waits, so that it may look up from here.
        if (await GrainFactory.GetGrain<IProjectGrain>(this.GetPrimaryKeyString()).Agent(id) is { HasWorkspace: true }) return id;
        return named is null ? null
            : throw new RefusedException(RefusalKind.Forbidden, "Workspace not found or does not belong to your project");
    }

    private async ValueTask<Policies> Seeded()
    {
        var policies = await Read(WholeState);
        if (policies.ActiveId is not null) return policies;
        var id = Guid.NewGuid().ToString();
        await Announce(id);
        await Transact(p => p.Seed(id, defaults.Bundle, time.Now()));
        return await Read(WholeState);
    }

    /// <summary>Lets it be told from an unknown id in other projects. Said first: an id that came to nothing does no harm there.</summary>
    private Task Announce(string policyId) =>
        GrainFactory.GetGrain<IDirectoryGrain>(IDirectoryGrain.PolicyName(policyId)).Ensure(this.GetPrimaryKeyString());

    private async ValueTask<PolicyView> View(PolicyVersion version)
    {
        if (_views.TryGetValue(version.Id, out var known)) return known;
        var project = this.GetPrimaryKeyString();
        var marked = await Log.FindMark(project, Policies.MarkOf(version.Id))
            ?? throw new InvalidOperationException($"Policy {version.Id} is not in the log.");
        var stored = await Log.ReadStream(marked.Stream, marked.Version - 1, 1);
        var created = (PolicyCreated)EventTypes.Parse(stored[0].Type, stored[0].Data)!;
        if (_views.Count >= KeptViews) _views.Clear();
        return _views.GetOrAdd(version.Id, PolicyBundle.View(project, version, created.Bundle));
    }
}
