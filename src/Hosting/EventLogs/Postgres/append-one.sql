-- One append without a snapshot: project, kind, key, expected version, whether any version will do; arrays of the events' types, data,
-- times and
-- marks (or nulls). Answers with position and version of each event; with nothing when the version is another one or a mark is taken.
INSERT INTO events (project, position, kind, key, version, type, data, at, mark)
SELECT $1, head.position + e.place, $2, $3, stream.version + e.place, e.type, e.data, e.at, e.mark
FROM (SELECT coalesce((SELECT version FROM events WHERE kind = $2 AND key = $3 ORDER BY version DESC LIMIT 1), 0) AS version OFFSET 0) AS stream,
    (SELECT coalesce((SELECT position FROM events WHERE project = $1 ORDER BY position DESC LIMIT 1), 0) AS position OFFSET 0) AS head,
    unnest($6, $7, $8, $9) WITH ORDINALITY AS e (type, data, at, mark, place)
WHERE ($5 OR stream.version = $4) AND NOT EXISTS (SELECT FROM events m WHERE m.project = $1 AND m.mark = ANY ($9))
RETURNING position, version
