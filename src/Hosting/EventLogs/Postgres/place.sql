-- Many appends without their events, which must follow in the same transaction. Arrays with an element for each append: kind, key,
-- project, expected
-- version, whether any version will do, number of events, snapshot or null; arrays with an element for each event: its append (from 1),
-- its mark or null; the node's session, or null for one that runs alone. Answers with ordinal (from 1), first position and version before
-- it of the accepted appends; the others have another version or a taken mark, or their project is another node's.
WITH proposed AS MATERIALIZED (
    SELECT a.*, coalesce((SELECT version FROM events e WHERE e.kind = a.kind AND e.key = a.key ORDER BY version DESC LIMIT 1), 0) AS base
    FROM unnest($1, $2, $3, $4, $5, $6, $7) WITH ORDINALITY AS a (kind, key, project, expected, anywhere, events, snapshot, ordinal)
), accepted AS MATERIALIZED (
    SELECT p.*, sum(events) OVER (PARTITION BY project ORDER BY ordinal) - events AS before FROM proposed p
    WHERE (anywhere OR base = expected) AND ordinal NOT IN (
        SELECT m.ordinal FROM unnest($8, $9) AS m (ordinal, mark)
        WHERE mark IS NOT NULL AND (SELECT true FROM events e WHERE e.project = ($3)[m.ordinal] AND e.mark = m.mark)
    ) AND ($10 IS NULL OR NOT EXISTS (
        SELECT FROM owners o WHERE o.project = p.project AND o.owner <> $10 AND NOT o.shared
            AND EXISTS (SELECT FROM sessions s WHERE s.id = o.owner)
    ))
), heads AS MATERIALIZED (
    SELECT project, coalesce((SELECT position FROM events e WHERE e.project = p.project ORDER BY position DESC LIMIT 1), 0) AS position
    FROM (SELECT DISTINCT project FROM accepted) AS p
), placed AS MATERIALIZED (
    SELECT a.*, (h.position + a.before + 1)::bigint AS first FROM accepted a JOIN heads h ON h.project = a.project
), saved AS (
    INSERT INTO snapshots (kind, key, project, version, snapshot)
    SELECT kind, key, project, base + events, snapshot FROM placed WHERE snapshot IS NOT NULL AND base = expected
    ON CONFLICT (kind, key) DO UPDATE SET version = excluded.version, snapshot = excluded.snapshot
)
