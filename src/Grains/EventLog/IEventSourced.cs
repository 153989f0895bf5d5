using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Beadhub.EventLog;

/// <summary>An immutable state that is the fold of a stream's events.</summary>
public interface IEventSourced<TSelf> where TSelf : class, IEventSourced<TSelf>
{
    /// <summary>State of a stream without events.</summary>
    static abstract TSelf Empty { get; }

    /// <summary>The kind of stream, how its state is kept as a snapshot and how often.</summary>
    static abstract StreamKind<TSelf> Kind { get; }

    /// <summary>The state after one more event. Pure; an event that does not concern it leaves it as it is.</summary>
    TSelf Apply(IEvent @event);
}

/// <summary>What the log has to know about the streams of one kind of grain.</summary>
/// <param name="Name">Kind as stored, for example <c>bead</c>. Never changes.</param>
/// <param name="Snapshot">JSON of the state, from a context beside it.</param>
/// <param name="SnapshotEvery">Number of events after which a new snapshot is written.</param>
/// <param name="ProjectOf">Id of the project in whose feed the events of a stream appear, from the grain's key.</param>
public sealed record StreamKind<TState>(string Name, JsonTypeInfo<TState> Snapshot, int SnapshotEvery, Func<string, string> ProjectOf)
{
    // In front of the state's own members, none of which begins so. A program that does not know it skips it, and writes snapshots without
    // it: those count as the first fold's.
    private const string FoldMember = "{\"_fold\":";

    /// <summary>JSON of the state, in which text stays readable: nothing here is ever put into HTML.</summary>
    public JsonTypeInfo<TState> Snapshot { get; } =
        (JsonTypeInfo<TState>)new JsonSerializerOptions(Snapshot.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
            .GetTypeInfo(typeof(TState));

    /// <summary>
    /// Number of the fold that makes the snapshots. A snapshot of any other fold is not believed; the state is folded from the events then.
    /// It rises when snapshots that were made before say something else than the events do now: because <c>Apply</c> has changed, or
    /// because it takes an event, or a field of one, that older programs skip.
    /// </summary>
    public int Fold { get; init; } = 1;

    /// <summary>The snapshot of a state: its JSON, which names the fold.</summary>
    public string Save(TState state)
    {
        var json = JsonSerializer.Serialize(state, Snapshot);
        return Fold == 1 ? json
            : string.Create(CultureInfo.InvariantCulture, $"{FoldMember}{Fold}{(json.Length > 2 ? "," : "")}{json.AsSpan(1)}");
    }

    /// <summary>Whether a snapshot was made by this fold.</summary>
    public bool IsCurrent(string snapshot)
    {
        if (!snapshot.StartsWith(FoldMember, StringComparison.Ordinal)) return Fold == 1;
        var rest = snapshot.AsSpan(FoldMember.Length);
        return int.TryParse(rest[..rest.IndexOfAny(',', '}')], NumberStyles.None, CultureInfo.InvariantCulture, out var made)
            && made == Fold;
    }

    /// <summary>The state of a snapshot that this fold has made.</summary>
    /// <exception cref="InvalidOperationException">Another one made it.</exception>
    public TState Restore(string snapshot) => IsCurrent(snapshot)
        ? JsonSerializer.Deserialize(snapshot, Snapshot)!
        : throw new InvalidOperationException(
            $"A snapshot of {Name} was made by another fold; the stream is to be read with its state ({nameof(StoredStates)}).");

    /// <summary>For states that grow: how many events a new snapshot is at least worth, when that is more than
    /// <see cref="SnapshotEvery"/>.</summary>
    public Func<TState, int>? EventsOf { get; init; }

    /// <summary>Whether a snapshot of a state is due that follows the last one by so many events.</summary>
    public bool IsSnapshotDue(TState state, long events) => events >= SnapshotEvery && (EventsOf is null || events >= EventsOf(state));
}

/// <summary>Stands for an event of a type that this version does not know.</summary>
internal sealed record UnknownEvent : IEvent
{
    public static readonly UnknownEvent Instance = new();
}

/// <summary>
/// The feed of what belongs to the instance and to no project: slugs, origins, keys. No project's reader ever sees it.
/// </summary>
internal static class InstanceFeed
{
    /// <summary>Stands where a project id stands; no UUID is spelt like this.</summary>
    public const string Id = "-";
}
