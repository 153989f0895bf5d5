using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.Locks;

/// <summary>
/// Who holds which keys of a project (protocol 9). A key is found by itself; only patterns are gone through, and their number is limited.
/// </summary>
public sealed class Locks : IEventSourced<Locks>
{
    /// <summary>Most keys that a project may hold at a time.</summary>
    public const int MaxKeys = 10_000;

    /// <summary>Most patterns among them.</summary>
    public const int MaxPatterns = 100;

    /// <summary>Most patterns that one agent may hold, so that a few agents cannot take all of the project's.</summary>
    public const int MaxPatternsOfAgent = 20;

    /// <summary>Most characters of keys and metadata that a project may hold at a time.</summary>
    public const long MaxWeight = 16 * 1024 * 1024;

    private const int ShownConflicts = 100;
    private const int MinTtl = 60;
    private const int MaxTtl = 3600;

    // Clocks of nodes differ by moments. Only an end that was set further ahead than this shows that the clock was set back since.
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(5);

    private static readonly ImmutableSortedDictionary<string, Reservation> NoKeys = ImmutableSortedDictionary
        .Create<string, Reservation>(Utf8Order.Instance);
    private static readonly ImmutableSortedSet<(DateTimeOffset At, string Key)> NoEnds =
        ImmutableSortedSet.Create<(DateTimeOffset At, string Key)>(Comparer<(DateTimeOffset At, string Key)>.Create(
            static (x, y) => x.At != y.At ? x.At.CompareTo(y.At) : string.CompareOrdinal(x.Key, y.Key)));

    private readonly ImmutableSortedDictionary<string, Reservation> _held;
    private readonly ImmutableSortedSet<(DateTimeOffset At, string Key)> _ends;
    private readonly ImmutableDictionary<string, KeyPattern> _patterns;
    private readonly long _weight;
    private readonly DateTimeOffset _newest; // no end was set later than this

    /// <summary>Locks as a snapshot kept them.</summary>
    [JsonConstructor]
    public Locks(ImmutableArray<Reservation> reservations)
        : this(
            NoKeys.AddRange(reservations.Select(r => KeyValuePair.Create(r.Key, r))),
            NoEnds.Union(reservations.Select(r => (r.ExpiresAt, r.Key))),
            ImmutableDictionary<string, KeyPattern>.Empty.AddRange(
                reservations.Where(r => r.IsPattern).Select(r => KeyValuePair.Create(r.Key, KeyPattern.Parse(r.Key)))),
            reservations.Sum(r => r.Weight),
            reservations.Select(r => r.SetAt).DefaultIfEmpty().Max())
    {
    }

    private Locks(
        ImmutableSortedDictionary<string, Reservation> held,
        ImmutableSortedSet<(DateTimeOffset At, string Key)> ends,
        ImmutableDictionary<string, KeyPattern> patterns,
        long weight,
        DateTimeOffset newest) => (_held, _ends, _patterns, _weight, _newest) = (held, ends, patterns, weight, newest);

    /// <inheritdoc/>
    public static Locks Empty { get; } = new([]);

    /// <inheritdoc/>
    public static StreamKind<Locks> Kind { get; } = new("locks", LocksJson.Relaxed.Locks, SnapshotEvery: 500, key => key);

    /// <summary>What is held, expired reservations included until a write drops them.</summary>
    public ImmutableArray<Reservation> Reservations => [.. _held.Values];

    /// <summary>When the first of them ends; null when there is none.</summary>
    [JsonIgnore]
    public DateTimeOffset? FirstEnd => _ends.IsEmpty ? null : _ends.Min.At;

    /// <summary>The time to live that is granted.</summary>
    public static int Clamp(long ttlSeconds) => (int)Math.Clamp(ttlSeconds, MinTtl, MaxTtl);

    /// <inheritdoc/>
    public Locks Apply(IEvent @event) => @event switch
    {
        ReservationAcquired e => e.Keys.Aggregate(
            At(e.At),
            (locks, key) => locks.Set(new(key, e.IsPattern, e.ReservationId, e.AgentId, e.Alias, e.Metadata, e.At, e.ExpiresAt))),
        ReservationRenewed e =>
            At(e.At) is var locks && locks._held.TryGetValue(e.Key, out var held)
            ? locks.Set(held with { ExpiresAt = e.ExpiresAt, RenewedAt = e.At }) : locks,
        ReservationReleased e => At(e.At).Drop(e.Key),
        ReservationEndsBounded e => At(e.At),
        _ => this,
    };

    /// <summary>
    /// What is in force at a time: an end that has come is over. One that was set when the clock was ahead counts from this time on, so
    /// that nothing is held longer than its time to live once the clock is right again.
    /// </summary>
    public Locks At(DateTimeOffset now)
    {
        var locks = Bounded(now);
        while (locks.FirstEnd <= now) locks = locks.Drop(locks._ends.Min.Key);
        return locks;
    }

    /// <summary>Reserves all keys or none.</summary>
    public Decision<AcquireOutcome> Acquire(AcquireReservations command, DateTimeOffset now)
    {
        var live = At(now);
        if (live.Made(command) is { } made) return Decision.None(made);
        var conflicts = live.Conflicts(command);
        // Noted, so that the time to live runs from here also for those who only wait for it.
        if (conflicts.Length > 0)
            return new(WasAhead(now) ? [new ReservationEndsBounded(now)] : [], new AcquireOutcome(now, now, conflicts));
        live.MakeRoom(command);

        var ttl = Clamp(command.TtlSeconds);
        var expiresAt = now.AddSeconds(ttl);
        var acquired = new ReservationAcquired(
            command.ReservationId, command.Keys, command.IsPattern, command.AgentId, command.Alias, ttl, command.Metadata, now, expiresAt);
        return Decision.Accept(new AcquireOutcome(now, expiresAt, []), acquired);
    }

    /// <summary>Sets a new end.</summary>
    public Decision<DateTimeOffset> Renew(RenewReservation command, DateTimeOffset now)
    {
        if (!At(now)._held.TryGetValue(command.Key, out var held))
            throw new RefusedException(RefusalKind.NotFound, "Reservation not found");
        RequireHolder(held, command.AgentId);
        var expiresAt = now.AddSeconds(Clamp(command.TtlSeconds));
        return Decision.Accept(expiresAt, new ReservationRenewed(command.Key, command.AgentId, now, expiresAt));
    }

    /// <summary>Gives a key back. The answer is whether there was one.</summary>
    /// <param name="key">The key.</param>
    /// <param name="agentId">Who gives it back.</param>
    /// <param name="now">Now.</param>
    /// <param name="mayBeDone">It may have been given back before: then it is no fault that another agent has it.</param>
    public Decision<bool> Release(string key, string agentId, DateTimeOffset now, bool mayBeDone = false)
    {
        if (!At(now)._held.TryGetValue(key, out var held) || (mayBeDone && held.AgentId != agentId)) return Decision.None(false);
        RequireHolder(held, agentId);
        return Decision.Accept(true, new ReservationReleased(key, agentId, held.Alias, now));
    }

    /// <summary>Gives back all of one's own keys, or those with a prefix. The answer are the keys.</summary>
    public Decision<ImmutableArray<string>> Revoke(string? prefix, string agentId, DateTimeOffset now)
    {
        var matching = At(now)._held.Values.Where(held => HasPrefix(held, prefix)).ToList();
        var own = matching.Where(held => held.AgentId == agentId).ToImmutableArray();
        if (own.IsEmpty && matching.Count > 0 && !string.IsNullOrEmpty(prefix))
            throw new RefusedException(RefusalKind.Forbidden, "Cannot revoke reservations held by other agents");
        return new([.. own.Select(held => new ReservationReleased(held.Key, agentId, held.Alias, now))], [.. own.Select(held => held.Key)]);
    }

    /// <summary>What is in force.</summary>
    public ReservationList List(string? prefix, DateTimeOffset now) =>
        new([.. At(now)._held.Values.Where(held => HasPrefix(held, prefix)).Select(held => held.View(now))], now);


    /// <summary>What came of the command when it was carried out before: a call whose answer was lost is made again.</summary>
    private AcquireOutcome? Made(AcquireReservations command)
    {
        Reservation? made = null;
        foreach (var key in command.Keys)
            if (!_held.TryGetValue(key, out made) || (made.Id, made.AgentId) != (command.ReservationId, command.AgentId)) return null;
        return made is null ? null : new(made.AcquiredAt, made.ExpiresAt, []);
    }

    private static bool HasPrefix(Reservation held, string? prefix) =>
        string.IsNullOrEmpty(prefix) || held.Key.StartsWith(prefix, StringComparison.Ordinal);

    private static void RequireHolder(Reservation held, string agentId)
    {
        if (held.AgentId != agentId) throw new RefusedException(RefusalKind.Conflict, "Reservation held by another agent");
    }

    private ImmutableArray<ReservationConflict> Conflicts(AcquireReservations command)
    {
        var budget = new PatternBudget();
        var conflicts = ImmutableArray.CreateBuilder<ReservationConflict>();
        foreach (var key in command.Keys)
        {
            foreach (var held in InTheWayOf(key, command, budget))
            {
                conflicts.Add(held.InTheWayOf(key));
                if (conflicts.Count == ShownConflicts) return conflicts.DrainToImmutable();
            }
        }

        return conflicts.DrainToImmutable();
    }

    private IEnumerable<Reservation> InTheWayOf(string key, AcquireReservations command, PatternBudget budget)
    {
        // The same text is the same key, held by whomever and in whatever sense: renewing and releasing go by the text alone.
        if (_held.TryGetValue(key, out var same)) yield return same;
        if (!command.IsPattern)
        {
            foreach (var (text, pattern) in _patterns)
                if (IsOthers(text, out var held) && pattern.Covers(key, budget)) yield return held;
            yield break;
        }

        var wanted = KeyPattern.Parse(key);
        foreach (var held in _held.Values)
        {
            if (held.Key == key || held.AgentId == command.AgentId) continue;
            if (held.IsPattern ? wanted.Overlaps(_patterns[held.Key], budget) : wanted.Covers(held.Key, budget)) yield return held;
        }

        bool IsOthers(string text, out Reservation held) => (held = _held[text]).AgentId != command.AgentId && text != key;
    }

    private void MakeRoom(AcquireReservations command)
    {
        if (_held.Count + command.Keys.Length > MaxKeys)
            throw new RefusedException(RefusalKind.Invalid, $"Too many reservations: a project holds at most {MaxKeys}");
        if (command.IsPattern && _patterns.Count + command.Keys.Length > MaxPatterns)
            throw new RefusedException(RefusalKind.Invalid, $"Too many patterns: a project holds at most {MaxPatterns}");
        if (command.IsPattern
            && _patterns.Keys.Count(pattern => _held[pattern].AgentId == command.AgentId) + command.Keys.Length > MaxPatternsOfAgent)
            throw new RefusedException(RefusalKind.Conflict, $"Too many patterns: an agent holds at most {MaxPatternsOfAgent}");
        if (_weight + command.Keys.Sum(key => (long)key.Length + command.Metadata.Length) > MaxWeight)
            throw new RefusedException(RefusalKind.Invalid,
                $"Reservations too large: a project's keys and metadata hold at most {MaxWeight} characters");
    }

    private Locks Set(Reservation reservation)
    {
        var (ends, weight) = _held.TryGetValue(reservation.Key, out var before)
            ? (_ends.Remove((before.ExpiresAt, before.Key)), _weight - before.Weight) : (_ends, _weight);
        var patterns = !reservation.IsPattern ? _patterns.Remove(reservation.Key)
            : before is { IsPattern: true } ? _patterns
            : _patterns.SetItem(reservation.Key, KeyPattern.Parse(reservation.Key));
        return new(_held.SetItem(reservation.Key, reservation), ends.Add((reservation.ExpiresAt, reservation.Key)), patterns,
            weight + reservation.Weight,
            reservation.SetAt > _newest ? reservation.SetAt : _newest);
    }

    private bool WasAhead(DateTimeOffset now) => _newest - now > Skew;

    /// <summary>The same, with every end that was set when the clock was ahead set anew, as of a time.</summary>
    private Locks Bounded(DateTimeOffset now)
    {
        if (!WasAhead(now)) return this;
        var locks = this;
        foreach (var held in _held.Values)
            if (held.SetAt - now > Skew) locks = locks.Set(held with { RenewedAt = now, ExpiresAt = now + held.TimeToLive(MaxTtl) });
        return new(locks._held, locks._ends, locks._patterns, locks._weight, now + Skew);
    }

    private Locks Drop(string key) => _held.TryGetValue(key, out var held)
        ? new(_held.Remove(key), _ends.Remove((held.ExpiresAt, key)), held.IsPattern ? _patterns.Remove(key) : _patterns,
            _weight - held.Weight, _newest)
        : this;
}

/// <summary>JSON of the snapshots of locks.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Locks))]
[JsonSerializable(typeof(AcquireOutcome))]
[JsonSerializable(typeof(DateTimeOffset))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(ImmutableArray<string>))]
internal sealed partial class LocksJson : JsonSerializerContext
{
    /// <summary>Leaves text readable: nothing here is ever put into HTML.</summary>
    public static LocksJson Relaxed =>
        field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
