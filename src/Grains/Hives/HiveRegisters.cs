using System.Globalization;

namespace Beadhub.Hives;

/// <summary>
/// A value that several instances may write: the last that each has written, so that it can be said again who counts when the hive's owner
/// changes. Writing is idempotent, and its order does not matter.
/// </summary>
internal sealed class HiveRegister
{
    // One or two entries, mostly.
    private readonly List<(Stamp Stamp, string Value)> _written = [];

    /// <summary>Takes a value in; what it adds to the fold's hash.</summary>
    public UInt128 Write(string place, string key, in Stamp stamp, string value)
    {
        for (var i = 0; i < _written.Count; i++)
        {
            if (_written[i].Stamp.Origin != stamp.Origin) continue;
            if (!stamp.IsAfter(_written[i].Stamp)) return 0;
            var before = Digest.Of(place, key, _written[i].Stamp);
            _written[i] = (stamp, value);
            return unchecked(Digest.Of(place, key, stamp) - before);
        }

        _written.Add((stamp, value));
        return Digest.Of(place, key, stamp);
    }

    /// <summary>The value of the owner's instance where it has written one, and otherwise the last of all; null when there is
    /// none.</summary>
    public string? Preferring(string? owner) => Last(owner is not null && Has(owner) ? owner : null);

    /// <summary>The last value that one of two instances has written; null when there is none.</summary>
    public string? LastOf(string one, string? other)
    {
        var (found, value) = (default(Stamp), default(string));
        foreach (var (stamp, written) in _written)
            if ((stamp.Origin == one || stamp.Origin == other) && (value is null || stamp.IsAfter(found)))
                (found, value) = (stamp, written);
        return value;
    }

    /// <summary>The newest time at which it was written.</summary>
    public long LastTs => _written.Count == 0 ? 0 : _written.Max(written => written.Stamp.Ts);

    /// <summary>The event by which an instance has written last; null when it has not.</summary>
    public Stamp? StampOf(string origin)
    {
        foreach (var (stamp, _) in _written)
            if (stamp.Origin == origin) return stamp;
        return null;
    }

    /// <summary>Writes a register; nothing was written to one that there is not.</summary>
    public static void Save(HiveRegister? register, SnapshotWriter to)
    {
        to.Number(register?._written.Count ?? 0);
        foreach (var (stamp, value) in register?._written ?? [])
        {
            to.Stamp(stamp);
            to.Text(value);
        }
    }

    /// <summary>Reads what <see cref="Save"/> has written; false when that was nothing.</summary>
    public bool Restore(SnapshotReader from)
    {
        for (var left = from.Number(); left > 0; left--) _written.Add((from.Stamp(), from.Text()));
        return _written.Count > 0;
    }

    private bool Has(string origin) => _written.Exists(written => written.Stamp.Origin == origin);

    private string? Last(string? origin)
    {
        var (found, value) = (default(Stamp), default(string));
        foreach (var (stamp, written) in _written)
            if ((origin is null || stamp.Origin == origin) && (value is null || stamp.IsAfter(found))) (found, value) = (stamp, written);
        return value;
    }
}

/// <summary>
/// Who owns a hive, term by term. The first claim of the first term is who made the hive; a later term is given by the owner's
/// instance or, when that has been silent for thirty days, taken by the instance that has been there longest.
/// </summary>
/// <remarks>
/// An instance that comes back may take the hive back in the next term: it cannot be known that it was lost for ever.
/// Order of arrival does not matter: all claims are kept, and who owns follows from all of them.
/// </remarks>
internal sealed class HiveOwners
{
    public const int MostTerms = 1000;

    /// <summary>Days without a word from the owner's instance after which it counts as lost.</summary>
    public const int SilentDays = 30;

    private const long Day = 24 * 60 * 60 * 1000;

    private readonly SortedDictionary<int, List<OwnerChanged>> _terms = [];
    private readonly Dictionary<string, Origin> _origins = new(StringComparer.Ordinal);
    private OwnerChanged? _current;
    private bool _isDecided;

    private sealed class Origin
    {
        public long First = long.MaxValue;
        public readonly HashSet<int> Days = [];
    }

    /// <summary>The owner; null when nobody has said who.</summary>
    public OwnerChanged? Current
    {
        get
        {
            if (_isDecided) return _current;
            (_current, _isDecided) = (Decide(), true);
            return _current;
        }
    }

    /// <summary>Writes all that owners follow from.</summary>
    public void Save(SnapshotWriter to)
    {
        to.Number(_terms.Values.Sum(static claims => claims.Count));
        foreach (var claim in _terms.Values.SelectMany(static claims => claims))
        {
            to.Number(claim.Seq);
            to.Stamp(claim.Stamp);
            to.Text(claim.Owner.Instance);
            to.Text(claim.Owner.AgentId);
            to.Text(claim.Owner.Name);
            to.Number(claim.Term);
            to.Number(claim.IsSuccession ? 1 : 0);
        }

        to.Number(_origins.Count);
        foreach (var (id, origin) in _origins)
        {
            to.Text(id);
            to.Number(origin.First);
            to.Number(origin.Days.Count);
            foreach (var day in origin.Days) to.Number(day);
        }
    }

    /// <summary>Reads what <see cref="Save"/> has written.</summary>
    public void Restore(SnapshotReader from)
    {
        for (var left = from.Number(); left > 0; left--)
            Claim(new(from.Number(), from.Stamp(), new(from.Text(), from.Text(), from.Text(), null), (int)from.Number(),
                from.Number() == 1));
        for (var left = from.Number(); left > 0; left--)
        {
            var origin = _origins[from.Text()] = new() { First = from.Number() };
            for (var days = from.Number(); days > 0; days--) origin.Days.Add((int)from.Number());
        }
    }

    /// <summary>An instance has done something.</summary>
    public void Saw(in Stamp stamp)
    {
        if (!_origins.TryGetValue(stamp.Origin, out var origin)) _origins[stamp.Origin] = origin = new();
        var day = (int)(stamp.Ts / Day);
        if (origin.Days.Add(day) || stamp.Ts < origin.First) _isDecided &= _terms.Count < 2;
        origin.First = Math.Min(origin.First, stamp.Ts);
    }

    /// <summary>Whether the hive would be the same had an instance not done the first of two things: whether it has been there on that day,
    /// and since when, still shows.</summary>
    public bool IsShownBy(in Stamp later, in Stamp first) =>
        later.Ts / Day == first.Ts / Day && _origins.TryGetValue(first.Origin, out var origin) && origin.First < first.Ts;

    /// <summary>Takes a claim in; what it adds to the fold's hash.</summary>
    public UInt128 Claim(OwnerChanged claim)
    {
        if (!_terms.TryGetValue(claim.Term, out var claims)) _terms[claim.Term] = claims = [];
        var key = claim.Term.ToString(CultureInfo.InvariantCulture);
        _isDecided = false;
        var same = claims.FindIndex(other => other.Stamp.Origin == claim.Stamp.Origin);
        if (same < 0)
        {
            claims.Add(claim);
            return Digest.Of("owner", key, claim.Stamp);
        }

        // Who claims twice is heard first where it counts to be first.
        if (claims[same].Stamp == claim.Stamp || claim.Stamp.IsAfter(claims[same].Stamp) == (claim.Term == 1)) return 0;
        var before = Digest.Of("owner", key, claims[same].Stamp);
        claims[same] = claim;
        return unchecked(Digest.Of("owner", key, claim.Stamp) - before);
    }

    /// <summary>The instance that may succeed to an owner that is lost: the one that has been there longest.</summary>
    public string? Heir(string owner) => _origins.Where(origin => origin.Key != owner)
        .OrderBy(origin => origin.Value.First).ThenBy(origin => origin.Key, StringComparer.Ordinal)
        .Select(origin => origin.Key).FirstOrDefault();

    /// <summary>Whether an instance has been silent for long before a time, since another.</summary>
    public bool IsSilent(string origin, long since, long at)
    {
        var (from, to) = ((int)(at / Day) - SilentDays, (int)(at / Day));
        if (from < (int)(since / Day)) return false;
        if (!_origins.TryGetValue(origin, out var seen)) return true;
        for (var day = from + 1; day <= to; day++)
            if (seen.Days.Contains(day)) return false;
        return true;
    }

    private OwnerChanged? Decide()
    {
        if (!_terms.TryGetValue(1, out var makers)) return null;
        var owner = makers.Aggregate((first, next) => first.Stamp.IsAfter(next.Stamp) ? next : first);
        string? before = null;
        for (var term = 2; _terms.TryGetValue(term, out var claims); term++)
        {
            var instance = owner.Owner.Instance;
            // Given by the owner, or taken back by who was thought lost; else taken.
            var next = Last(claims, claim => claim.Stamp.Origin == instance)
                ?? Last(claims, claim => claim.Stamp.Origin == before)
                ?? Last(claims, claim => claim.IsSuccession && claim.Stamp.Origin == Heir(instance)
                    && IsSilent(instance, owner.Stamp.Ts, claim.Stamp.Ts));
            if (next is null) break;
            before = next.IsSuccession && next.Stamp.Origin != instance ? instance : null;
            owner = next;
        }

        return owner;
    }

    private static OwnerChanged? Last(List<OwnerChanged> claims, Func<OwnerChanged, bool> counts) =>
        claims.Where(counts).Aggregate(default(OwnerChanged), (last, next) => last is null || next.Stamp.IsAfter(last.Stamp) ? next : last);
}
