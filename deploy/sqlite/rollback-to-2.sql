-- Takes a log of schema version 3 back to version 2, with all that was written since. Stop the server first, then:
--   sqlite3 -bail beadhub.db < rollback-to-2.sql
BEGIN IMMEDIATE;
CREATE TABLE streams (
    kind             TEXT NOT NULL,
    key              TEXT NOT NULL,
    project          TEXT NOT NULL,
    version          INTEGER NOT NULL,
    snapshot_version INTEGER NOT NULL,
    snapshot         TEXT,
    PRIMARY KEY (kind, key)
);
INSERT INTO streams (kind, key, project, version, snapshot_version, snapshot)
    SELECT e.kind, e.key, e.project, max(e.version), coalesce(s.version, 0), s.snapshot
    FROM events e LEFT JOIN snapshots s ON s.kind = e.kind AND s.key = e.key GROUP BY e.kind, e.key;
CREATE INDEX streams_by_project ON streams (project, kind);

CREATE TABLE marks (
    project  TEXT NOT NULL,
    mark     TEXT NOT NULL,
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    version  INTEGER NOT NULL,
    PRIMARY KEY (project, mark)
) WITHOUT ROWID;
INSERT INTO marks (project, mark, kind, key, version) SELECT project, mark, kind, key, version FROM events WHERE mark IS NOT NULL;

CREATE TABLE heads (
    project  TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO heads (project, position) SELECT project, max(position) FROM events GROUP BY project;

DROP TABLE snapshots;
DROP INDEX events_mark;
DROP INDEX events_first;
ALTER TABLE events DROP COLUMN mark;
PRAGMA user_version = 2;
COMMIT;
