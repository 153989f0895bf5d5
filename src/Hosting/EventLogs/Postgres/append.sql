-- After place.sql: the events themselves. Arrays of their places within the append (from 0), types, data and times.
, written AS (
    INSERT INTO events (project, position, kind, key, version, type, data, at, mark)
    SELECT p.project, p.first + e.place, p.kind, p.key, p.base + e.place + 1, e.type, e.data, e.at, e.mark
    FROM unnest($8, $9, $11, $12, $13, $14) AS e (ordinal, mark, place, type, data, at) JOIN placed p ON p.ordinal = e.ordinal
)
