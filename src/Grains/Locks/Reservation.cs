using System.Text.Json.Serialization;

namespace Beadhub.Locks;

/// <summary>A key that is held.</summary>
/// <param name="Key">The key or pattern.</param>
/// <param name="IsPattern">Whether it is a pattern.</param>
/// <param name="Id">Id of the acquisition.</param>
/// <param name="AgentId">Holder.</param>
/// <param name="Alias">Its alias when it took the key.</param>
/// <param name="Metadata">A JSON object.</param>
/// <param name="AcquiredAt">Since when.</param>
/// <param name="ExpiresAt">Until when.</param>
/// <param name="RenewedAt">When that end was set, unless at the acquisition.</param>
public sealed record Reservation(
    string Key,
    bool IsPattern,
    string Id,
    string AgentId,
    string Alias,
    string Metadata,
    DateTimeOffset AcquiredAt,
    DateTimeOffset ExpiresAt,
    DateTimeOffset? RenewedAt = null)
{
    /// <summary>When its end was set.</summary>
    [JsonIgnore]
    public DateTimeOffset SetAt => RenewedAt ?? AcquiredAt;

    /// <summary>Memory that its texts take, in characters.</summary>
    internal long Weight => Key.Length + Metadata.Length;

    /// <summary>How long it holds from when its end was set. Snapshots of older versions do not tell when it was renewed; the most that is
    /// granted bounds it.</summary>
    internal TimeSpan TimeToLive(int maxSeconds) => TimeSpan.FromSeconds(Math.Min((ExpiresAt - SetAt).TotalSeconds, maxSeconds));

    internal ReservationConflict InTheWayOf(string key) => new(key, Key, IsPattern, AgentId, Alias, ExpiresAt);

    internal ReservationView View(DateTimeOffset now) =>
        new(Id, Key, IsPattern, AgentId, Alias, AcquiredAt, ExpiresAt,
            (int)Math.Ceiling(Math.Min((ExpiresAt - now).TotalSeconds, (ExpiresAt - SetAt).TotalSeconds)), Metadata);
}

/// <summary>Orders texts as their UTF-8 bytes would be, whatever the store and its collation.</summary>
internal sealed class Utf8Order : IComparer<string>
{
    public static readonly Utf8Order Instance = new();

    public int Compare(string? x, string? y)
    {
        var left = x.AsSpan();
        var right = y.AsSpan();
        var same = left.CommonPrefixLength(right);
        if (same == left.Length || same == right.Length) return left.Length.CompareTo(right.Length);
        var (a, b) = (left[same], right[same]);
        // Half of a surrogate pair stands for a character beyond all single ones.
        return char.IsSurrogate(a) == char.IsSurrogate(b) ? a.CompareTo(b) : char.IsSurrogate(a) ? 1 : -1;
    }
}
