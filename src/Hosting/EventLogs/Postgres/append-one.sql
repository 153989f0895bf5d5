-- One append without a snapshot: project, kind, key, expected version, whether any version will do; arrays of the events' types, data,
-- times and
-- marks (or nulls); the node's session, or null for one that runs alone. Answers with position and version of each event; with nothing when
-- the version is another one, a mark is taken, or the project is another node's.
INSERT INTO events (project, position, kind, key, version, type, data, at, mark)
SELECT $1, head.position + e.place, $2, $3, stream.version + e.place, e.type, e.data, e.at, e.mark
FROM (SELECT coalesce((SELECT version FROM events WHERE kind = $2 AND key = $3 ORDER BY version DESC LIMIT 1), 0) AS version OFFSET 0) AS stream,
    (SELECT coalesce((SELECT position FROM events WHERE project = $1 ORDER BY position DESC LIMIT 1), 0) AS position OFFSET 0) AS head,
    unnest($6, $7, $8, $9) WITH ORDINALITY AS e (type, data, at, mark, place)
WHERE ($5 OR stream.version = $4) AND NOT EXISTS (SELECT FROM events m WHERE m.project = $1 AND m.mark = ANY ($9))
    AND ($10 IS NULL OR NOT EXISTS (
        SELECT FROM owners o WHERE o.project = $1 AND o.owner <> $10 AND NOT o.shared
            AND EXISTS (SELECT FROM sessions s WHERE s.id = o.owner)))
RETURNING position, version
