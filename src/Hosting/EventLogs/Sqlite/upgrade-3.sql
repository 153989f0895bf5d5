-- Before schema.sql, for a file of version 1 or 2, which kept streams' versions, projects' positions and marks in tables of their own.
ALTER TABLE events ADD COLUMN mark TEXT;
CREATE TABLE IF NOT EXISTS marks (project TEXT, mark TEXT, kind TEXT, key TEXT, version INTEGER);
UPDATE events SET mark = m.mark FROM marks m WHERE events.kind = m.kind AND events.key = m.key AND events.version = m.version;
-- Answers to requests with an Idempotency-Key were not marked: by the mark a repeat finds them.
UPDATE events SET mark = 'request:' || substr(key, length(project) + 2) WHERE kind = 'request' AND version = 1 AND mark IS NULL;
CREATE TABLE snapshots (
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    project  TEXT NOT NULL,
    version  INTEGER NOT NULL,
    snapshot TEXT NOT NULL,
    PRIMARY KEY (kind, key)
);
INSERT INTO snapshots (kind, key, project, version, snapshot)
    SELECT kind, key, project, snapshot_version, snapshot FROM streams WHERE snapshot IS NOT NULL;
DROP TABLE streams;
DROP TABLE marks;
DROP TABLE heads;
