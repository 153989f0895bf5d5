namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>
/// The SQL of an append. Locks are taken in one order by everybody, streams by name and then heads by project, so nodes that write at
/// once wait for each other but never in a circle.
/// </summary>
internal static class PostgresStatements
{
    /// <summary>One event that begins a stream: kind, key, project, prior, snapshot, type, data, at → position.</summary>
    public const string Begin = $"""
        WITH accepted AS (
            INSERT INTO streams (kind, key, project, version, prior, snapshot_version, snapshot)
            VALUES ($1, $2, $3, $4 + 1, $4, CASE WHEN $5 IS NULL THEN 0 ELSE $4 + 1 END, $5)
            ON CONFLICT DO NOTHING RETURNING 1
        ){OneEvent}
        """;

    /// <summary>One event more for a stream: the same parameters.</summary>
    public const string Continue = $"""
        WITH accepted AS (
            UPDATE streams SET version = $4 + 1, prior = $4,
                snapshot_version = CASE WHEN $5 IS NULL THEN snapshot_version ELSE $4 + 1 END,
                snapshot = coalesce($5, snapshot)
            WHERE kind = $1 AND key = $2 AND version = $4 RETURNING 1
        ){OneEvent}
        """;

    private const string OneEvent = """
        , head AS (
            INSERT INTO heads AS h (project, position) SELECT $3, 1 FROM accepted
            ON CONFLICT (project) DO UPDATE SET position = h.position + 1 RETURNING position
        )
        INSERT INTO events (project, position, kind, key, version, type, data, at)
        SELECT $3, position, $1, $2, $4 + 1, $6, $7, $8 FROM head RETURNING position
        """;

    /// <summary>
    /// Many appends, without their events: arrays of kind, key, project, prior, number of events, snapshot → ordinal (from 1), first
    /// position and prior of the accepted. The events must follow in the same transaction.
    /// </summary>
    public const string Place = $"{Input}{Proposed}{AtPrior}{Placed} SELECT ordinal, first, prior FROM placed";

    /// <summary>
    /// Many appends: as <see cref="Place"/>, then arrays of each event's append (its ordinal), place within it (from 0), type, data, at.
    /// </summary>
    public const string Append = $"""
        {Input}{Proposed}{AtPrior}{Placed}, {Events}
        SELECT ordinal, first, prior FROM placed
        """;

    /// <summary>
    /// Many appends with marks: as <see cref="Append"/>, with an array of marks (or nulls) beside the events, and one of whether an append may come at any version. An append
    /// with a taken mark is not accepted. Only this statement looks at marks, so that appends without any pay nothing.
    /// </summary>
    public const string AppendMarked = $"""
        {Input} WHERE ordinal NOT IN (
            SELECT ordinal FROM unnest($7, $12) AS e (ordinal, mark)
            WHERE (SELECT true FROM marks m WHERE m.project = ($3)[e.ordinal] AND m.mark = e.mark)
        ){Proposed}{AtAny}{Placed}, {Events}, marked AS (
            INSERT INTO marks (project, mark, kind, key, version)
            SELECT p.project, e.mark, p.kind, p.key, p.prior + e.place + 1
            FROM unnest($7, $8, $12) AS e (ordinal, place, mark) JOIN placed p ON p.ordinal = e.ordinal
            WHERE e.mark IS NOT NULL ORDER BY 1, 2
        )
        SELECT ordinal, first, prior FROM placed
        """;

    /// <summary>Rows of <c>streams</c>, in the order of these columns.</summary>
    public const string CopyStreams =
        "COPY streams (kind, key, project, version, prior, snapshot_version, snapshot) FROM STDIN (FORMAT binary)";

    /// <summary>Arrays of projects, in order, and of the number of events that each gains → project, its new position.</summary>
    public const string AdvanceHeads = """
        INSERT INTO heads AS h (project, position) SELECT project, gain FROM unnest($1, $2) AS g (project, gain)
        ON CONFLICT (project) DO UPDATE SET position = h.position + excluded.position
        RETURNING project, position
        """;

    /// <summary>The events of placed appends, in the order of these columns.</summary>
    public const string CopyEvents = "COPY events (project, position, kind, key, version, type, data, at) FROM STDIN (FORMAT binary)";

    private const string Events = """
        written AS (
            INSERT INTO events (project, position, kind, key, version, type, data, at)
            SELECT p.project, p.first + e.place, p.kind, p.key, p.prior + e.place + 1, e.type, e.data, e.at
            FROM unnest($7, $8, $9, $10, $11) AS e (ordinal, place, type, data, at) JOIN placed p ON p.ordinal = e.ordinal
        )
        """;

    private const string Input = """
        WITH input AS MATERIALIZED (
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY AS i (kind, key, project, prior, events, snapshot, ordinal)
        """;

    // A stream that was expected to exist, and does not, must not be made: hence the look-up. Streams are never deleted, so what it sees
    // stays true. A scalar subquery, since the planner would turn EXISTS into a hash of the whole table.
    private const string Proposed = """
        ), accepted AS (
            INSERT INTO streams AS s (kind, key, project, version, prior, snapshot_version, snapshot)
            SELECT kind, key, project, prior + events, prior, CASE WHEN snapshot IS NULL THEN 0 ELSE prior + events END, snapshot
            FROM input i WHERE prior = 0 OR (SELECT true FROM streams o WHERE o.kind = i.kind AND o.key = i.key)
            ORDER BY kind, key
            ON CONFLICT (kind, key) DO UPDATE SET

        """;

    private const string AtPrior = """
                version = excluded.version, prior = excluded.prior,
                snapshot_version = CASE WHEN excluded.snapshot IS NULL THEN s.snapshot_version ELSE excluded.snapshot_version END,
                snapshot = coalesce(excluded.snapshot, s.snapshot)
            WHERE s.version = excluded.prior
        """;

    // What others have committed while this statement waited for the row counts: version, prior and snapshot follow from the row as it is then.
    private const string AtAny = """
                version = s.version + excluded.version - excluded.prior, prior = s.version,
                snapshot_version = CASE WHEN excluded.snapshot IS NULL OR s.version <> excluded.prior THEN s.snapshot_version ELSE excluded.snapshot_version END,
                snapshot = CASE WHEN excluded.snapshot IS NULL OR s.version <> excluded.prior THEN s.snapshot ELSE excluded.snapshot END
            WHERE s.version = excluded.prior OR (SELECT ($13)[i.ordinal] FROM input i WHERE i.kind = excluded.kind AND i.key = excluded.key)
        """;

    private const string Placed = """

            RETURNING kind, key, prior
        ), taken AS MATERIALIZED (
            SELECT i.ordinal, i.kind, i.key, i.project, a.prior,
                sum(i.events) OVER (PARTITION BY i.project ORDER BY i.ordinal) - i.events AS before,
                sum(i.events) OVER (PARTITION BY i.project) AS gain
            FROM input i JOIN accepted a ON a.kind = i.kind AND a.key = i.key
        ), head AS (
            INSERT INTO heads AS h (project, position) SELECT DISTINCT project, gain FROM taken ORDER BY project
            ON CONFLICT (project) DO UPDATE SET position = h.position + excluded.position
            RETURNING project, position
        ), placed AS MATERIALIZED (
            SELECT t.*, (h.position - t.gain + t.before + 1)::bigint AS first FROM taken t JOIN head h ON h.project = t.project
        )
        """;
}
