using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Beadhub.EventLog;
using Orleans;

namespace Beadhub.Audit;

/// <inheritdoc cref="IAuditGrain"/>
public sealed class AuditGrain(IEventLog log) : EventSourcedGrain<AuditTrail>(log), IAuditGrain
{
    private static readonly Func<AuditTrail, long, long> Newest = static (_, version) => version;

    /// <inheritdoc/>
    public Task Note(AuditNoted deed) => Transact(_ => Decision.Accept(true, deed));

    /// <inheritdoc/>
    public async ValueTask<AuditPage> Read(long? before, int limit)
    {
        // The deeds stay in the log: nobody holds in memory what is looked at once a month.
        var last = Math.Min(await ReadVersioned(Newest), (before ?? long.MaxValue) - 1);
        var first = Math.Max(1, last - limit + 1);
        if (last < 1) return new([], HasMore: false);
        var stored = await Log.ReadStream(new(AuditTrail.Kind.Name, this.GetPrimaryKeyString()), first - 1, (int)(last - first + 1));
        var items = ImmutableArray.CreateBuilder<AuditItem>(stored.Count);
        foreach (var one in stored.Reverse())
            if (EventTypes.Parse(one.Type, one.Data) is AuditNoted deed) items.Add(new(one.Version, deed));
        return new(items.ToImmutable(), first > 1);
    }
}

/// <summary>The trail itself, of which nothing is kept in memory: its events are read where they are.</summary>
public sealed record AuditTrail : IEventSourced<AuditTrail>
{
    /// <inheritdoc/>
    public static AuditTrail Empty { get; } = new();

    /// <inheritdoc/>
    public static StreamKind<AuditTrail> Kind { get; } = new("audit", AuditTrailJson.Default.AuditTrail, SnapshotEvery: 64, key => key);

    /// <inheritdoc/>
    public AuditTrail Apply(IEvent @event) => this;
}

/// <summary>JSON of the snapshot.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AuditTrail))]
internal sealed partial class AuditTrailJson : JsonSerializerContext;
