using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Beadhub.Escalations;
using Beadhub.EventLog;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Outreach;

/// <inheritdoc cref="IOutreachGrain"/>
public sealed class OutreachGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<OutreachList>(log), IOutreachGrain
{
    private static readonly Func<OutreachList, ImmutableArray<OutreachState>> OpenOf = static list => [.. list.Sent.Values];

    /// <inheritdoc/>
    public Task Begin() => Transact(list => list.Begin(time.Now()));

    /// <inheritdoc/>
    public Task Sent(OutreachSent sent) => Transact(_ => Decision.Accept(true, sent));

    /// <inheritdoc/>
    public Task Settle(ImmutableArray<string> items) => Transact(list => list.Settle(items, time.Now()));

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<OutreachState>> Open() => Read(OpenOf);
}

/// <inheritdoc cref="IOutreachProjectsGrain"/>
[StatelessWorker]
public sealed class OutreachProjectsGrain(IEventLog log) : Grain, IOutreachProjectsGrain
{
    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<string>> All() =>
        [.. (await log.Keys(OutreachList.Kind.Name)).Union(await log.Keys(EscalationList.Kind.Name))];
}

/// <summary>What went out to the people of a project, and still waits for them. Pure.</summary>
/// <param name="Sent">By item and channel.</param>
/// <param name="HasBegun">Whether the project is looked after.</param>
public sealed record OutreachList(ImmutableDictionary<string, OutreachState> Sent, bool HasBegun) : IEventSourced<OutreachList>
{
    /// <inheritdoc/>
    public static OutreachList Empty { get; } = new(ImmutableDictionary<string, OutreachState>.Empty, HasBegun: false);

    /// <inheritdoc/>
    public static StreamKind<OutreachList> Kind { get; } =
        new("outreach", OutreachJson.Default.OutreachList, SnapshotEvery: 64, key => key);

    /// <inheritdoc/>
    public OutreachList Apply(IEvent @event) => @event switch
    {
        OutreachBegun => this with { HasBegun = true },
        OutreachSent e => this with
        {
            Sent = Sent.SetItem(KeyOf(e.Item, e.Channel),
                new(e.Item, e.Channel, (Sent.GetValueOrDefault(KeyOf(e.Item, e.Channel))?.Times ?? 0) + 1, e.At)),
        },
        OutreachSettled e => this with
        {
            Sent = Sent.RemoveRange(Sent.Where(sent => e.Items.Contains(sent.Value.Item)).Select(sent => sent.Key)),
        },
        _ => this,
    };

    /// <summary>Notes that the project is looked after.</summary>
    public Decision<bool> Begin(DateTimeOffset now) => HasBegun ? Decision.None(false) : Decision.Accept(true, new OutreachBegun(now));

    /// <summary>Forgets what waits for nobody.</summary>
    public Decision<bool> Settle(ImmutableArray<string> items, DateTimeOffset now)
    {
        var open = Sent.Values.Select(static sent => sent.Item).Distinct().Where(items.Contains).ToImmutableArray();
        return open.IsEmpty ? Decision.None(false) : Decision.Accept(true, new OutreachSettled(open, now));
    }

    private static string KeyOf(string item, string channel) => $"{item} {channel}";
}

/// <summary>JSON of the snapshot.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OutreachList))]
internal sealed partial class OutreachJson : JsonSerializerContext;
