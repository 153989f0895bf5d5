-- The first events of appends: arrays of kind, key, expected first version, project, mark or null (for an append at any version).
SELECT w.ordinal, e.position, e.type, e.data, e.at, e.version
FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS w (kind, key, version, project, mark, ordinal) JOIN events e ON e.kind = w.kind AND e.key = w.key
    AND e.version = coalesce((SELECT m.version FROM events m WHERE m.project = w.project AND m.mark = w.mark), w.version)
