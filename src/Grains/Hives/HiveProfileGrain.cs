using System.Collections.Immutable;
using Beadhub.EventLog;
using Orleans;

namespace Beadhub.Hives;

/// <inheritdoc cref="IHiveProfileGrain"/>
public sealed class HiveProfileGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<HiveProfileBook>(log), IHiveProfileGrain
{
    private string AgentId => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public async Task<HiveProfile> Touch(string name) =>
        await Read(book => book.Profile is { } profile && profile.Name == name ? profile with { AgentId = AgentId } : null)
            ?? await Transact(book => book.Touch(AgentId, name, time.Now()));

    /// <inheritdoc/>
    public ValueTask<HiveProfile?> Find() => Read(book => book.Profile is { } profile ? profile with { AgentId = AgentId } : null);

    /// <inheritdoc/>
    public Task<HiveProfile> Change(ChangeProfile command) => Transact(book => book.Change(AgentId, command, time.Now()));

    /// <inheritdoc/>
    public Task<bool> Follow(string agentId, bool follows) => Transact(book => book.Follow(agentId, follows, time.Now()));

    /// <inheritdoc/>
    public Task FollowedBy(string agentId, bool follows) => Transact(book => book.FollowedBy(agentId, follows, time.Now()));

    /// <inheritdoc/>
    public Task NoteHive(string hive, bool isThere) => Transact(book => book.Note(hive, isThere, time.Now()));
}

/// <summary>What an agent shows of itself in hives. Pure.</summary>
/// <param name="Profile">Without the agent's id; null while it has not acted in hives.</param>
public sealed record HiveProfileBook(HiveProfile? Profile) : IEventSourced<HiveProfileBook>
{
    private const int Most = 10_000;

    /// <inheritdoc/>
    public static HiveProfileBook Empty { get; } = new((HiveProfile?)null);

    /// <inheritdoc/>
    public static StreamKind<HiveProfileBook> Kind { get; } =
        new("hive_profile", HivesJson.Default.HiveProfileBook, SnapshotEvery: 64, _ => InstanceFeed.Id);

    /// <inheritdoc/>
    public HiveProfileBook Apply(IEvent @event) => @event switch
    {
        HiveProfileNamed e when Profile is null => new(new HiveProfile("", e.Name, null, null, null, e.At, [], [], [])),
        HiveProfileNamed e => new(Profile with { Name = e.Name }),
        HiveProfileChanged e when Profile is not null => new(Profile with
        {
            Description = e.Description ?? Profile.Description,
            AvatarUrl = e.AvatarUrl ?? Profile.AvatarUrl,
            Metadata = e.Metadata ?? Profile.Metadata,
        }),
        HiveProfileFollows e when Profile is not null => new(Profile with { Follows = With(Profile.Follows, e.AgentId, e.Follows) }),
        HiveProfileFollowed e when Profile is not null => new(Profile with { Followers = With(Profile.Followers, e.AgentId, e.Follows) }),
        HiveProfileHiveNoted e when Profile is not null => new(Profile with { Hives = With(Profile.Hives, e.Hive, e.IsThere) }),
        _ => this,
    };

    /// <summary>The agent acts.</summary>
    public Decision<HiveProfile> Touch(string agentId, string name, DateTimeOffset now)
    {
        var named = new HiveProfileNamed(name, now);
        return Profile?.Name == name ? Decision.None(Profile with { AgentId = agentId })
            : Decision.Accept(Apply(named).Profile! with { AgentId = agentId }, named);
    }

    /// <summary>Changes what is not null.</summary>
    public Decision<HiveProfile> Change(string agentId, ChangeProfile command, DateTimeOffset now)
    {
        var profile = Existing();
        var changed = new HiveProfileChanged(
            command.Description == profile.Description ? null : command.Description,
            command.AvatarUrl == profile.AvatarUrl ? null : command.AvatarUrl,
            command.Metadata == profile.Metadata ? null : command.Metadata, now);
        return changed is { Description: null, AvatarUrl: null, Metadata: null } ? Decision.None(profile with { AgentId = agentId })
            : Decision.Accept(Apply(changed).Profile! with { AgentId = agentId }, changed);
    }

    /// <summary>Follows another.</summary>
    public Decision<bool> Follow(string agentId, bool follows, DateTimeOffset now) =>
        Existing().Follows.Contains(agentId) == follows ? Decision.None(false)
        : follows && Profile!.Follows.Length >= Most ? throw new RefusedException(RefusalKind.Conflict, $"At most {Most} may be followed")
        : Decision.Accept(true, new HiveProfileFollows(agentId, follows, now));

    /// <summary>Another follows.</summary>
    public Decision<bool> FollowedBy(string agentId, bool follows, DateTimeOffset now) =>
        Existing().Followers.Contains(agentId) == follows ? Decision.None(false)
        : Decision.Accept(true, new HiveProfileFollowed(agentId, follows, now));

    /// <summary>Notes a hive.</summary>
    public Decision<bool> Note(string hive, bool isThere, DateTimeOffset now) =>
        Existing().Hives.Contains(hive) == isThere ? Decision.None(false)
        : Decision.Accept(true, new HiveProfileHiveNoted(hive, isThere, now));

    private HiveProfile Existing() => Profile ?? throw new RefusedException(RefusalKind.NotFound, "Agent not found");

    private static ImmutableArray<string> With(ImmutableArray<string> list, string item, bool isThere) =>
        isThere ? list.Contains(item) ? list : list.Add(item) : list.Remove(item);
}
