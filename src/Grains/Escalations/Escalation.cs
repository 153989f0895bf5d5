namespace Beadhub.Escalations;

/// <summary>One escalation without its texts, which stay in the log.</summary>
/// <param name="Id">Id.</param>
/// <param name="WorkspaceId">Workspace that asked.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="Subject">Subject.</param>
/// <param name="Status">One of <see cref="EscalationStatus"/>, as the events tell; see <see cref="StatusAt"/>.</param>
/// <param name="CreatedAt">When it was asked.</param>
/// <param name="ExpiresAt">From when on nobody waits for an answer any more.</param>
/// <param name="ResponseId">Id of the last answer.</param>
/// <param name="RespondedAt">When that was given.</param>
/// <param name="Severity">One of <see cref="Severities"/>; null for normal.</param>
public sealed record Escalation(
    string Id,
    string WorkspaceId,
    string Alias,
    string Subject,
    string Status,
    DateTimeOffset CreatedAt,
    DateTimeOffset ExpiresAt,
    string? ResponseId = null,
    DateTimeOffset? RespondedAt = null,
    string? Severity = null)
{
    /// <summary>Newest first, then by id.</summary>
    internal static readonly IComparer<Escalation> NewestFirst = Comparer<Escalation>.Create((a, b) => Compare(a, b.CreatedAt, b.Id));

    /// <summary>The status: whether it has expired is a matter of time, not of when the event about it is written.</summary>
    public string StatusAt(DateTimeOffset now) => IsPending && now >= ExpiresAt ? EscalationStatus.Expired : Status;

    internal bool IsPending => Status == EscalationStatus.Pending;

    /// <summary>What lists show.</summary>
    public EscalationRow Row(DateTimeOffset now) =>
        new(Id, WorkspaceId, Alias, Subject, StatusAt(now), CreatedAt, ExpiresAt, Severity ?? Severities.Normal);

    /// <summary>Whether it comes after a cursor. One without an id stands behind all of its instant.</summary>
    internal bool IsAfter(EscalationCursor cursor) => Compare(this, cursor.CreatedAt, cursor.EscalationId) > 0;

    private static int Compare(Escalation a, DateTimeOffset createdAt, string? id)
    {
        var order = createdAt.CompareTo(a.CreatedAt);
        return order != 0 ? order : id is null ? -1 : string.CompareOrdinal(a.Id, id);
    }
}
