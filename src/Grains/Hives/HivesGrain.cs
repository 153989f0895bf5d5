using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Beadhub.Directories;
using Beadhub.EventLog;
using Beadhub.HiveSync;

namespace Beadhub.Hives;

/// <inheritdoc cref="IHivesGrain"/>
public sealed class HivesGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<HiveBook>(log), IHivesGrain
{
    /// <inheritdoc/>
    public async Task<HiveEntry> Open(string name)
    {
        if (await Find(name) is { } known) return known;
        // Each of these may be repeated: who comes after a crash completes it.
        var group = await GrainFactory.GetGrain<IDirectoryGrain>(IDirectoryGrain.HiveName(name)).Ensure(MeshIds.NewGroup());
        await GrainFactory.GetGrain<IHiveSyncGroupGrain>(group).Create(new(name));
        var salt = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        var entry = new HiveEntry(name, MeshIds.New("hive_"), group, salt, time.Now());
        return await Transact(book => book.Open(entry));
    }

    /// <inheritdoc/>
    public ValueTask<HiveEntry?> Find(string name) => Read(book => book.ByName.GetValueOrDefault(name));

    /// <inheritdoc/>
    public ValueTask<HiveEntry?> Tagged(string tag) => Read(book => book.ByTag.GetValueOrDefault(tag));

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<HiveEntry>> All() => Read(static book => book.ByName.Values.ToImmutableArray());
}

/// <summary>The hives of an instance. Pure.</summary>
/// <param name="ByName">By name.</param>
public sealed record HiveBook(ImmutableSortedDictionary<string, HiveEntry> ByName) : IEventSourced<HiveBook>
{
    /// <inheritdoc/>
    public static HiveBook Empty { get; } = new(ImmutableSortedDictionary.Create<string, HiveEntry>(StringComparer.Ordinal));

    /// <inheritdoc/>
    public static StreamKind<HiveBook> Kind { get; } = new("hives", HivesJson.Default.HiveBook, SnapshotEvery: 64, _ => InstanceFeed.Id);

    /// <summary>By the tag that the ids of their content begin with.</summary>
    [JsonIgnore]
    public ImmutableDictionary<string, HiveEntry> ByTag { get; private init; } =
        ByName.Values.ToImmutableDictionary(entry => HiveIds.TagOf(entry.Name), StringComparer.Ordinal);

    /// <inheritdoc/>
    public HiveBook Apply(IEvent @event) => @event is HiveOpened { Entry: var entry }
        ? new(ByName.SetItem(entry.Name, entry)) { ByTag = ByTag.SetItem(HiveIds.TagOf(entry.Name), entry) } : this;

    /// <summary>Enters a hive.</summary>
    public Decision<HiveEntry> Open(HiveEntry entry) =>
        ByName.TryGetValue(entry.Name, out var known) ? Decision.None(known)
        : ByTag.ContainsKey(HiveIds.TagOf(entry.Name))
            ? throw new RefusedException(RefusalKind.Conflict, "The name is too like that of another hive") // a hash of 48 bits
        : Decision.Accept(entry, new HiveOpened(entry));
}

/// <summary>JSON of the snapshots.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HiveBook))]
[JsonSerializable(typeof(HiveProfileBook))]
internal sealed partial class HivesJson : JsonSerializerContext;
