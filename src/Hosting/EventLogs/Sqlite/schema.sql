-- Beadhub's event log in SQLite: the same tables as in PostgreSQL. Every start runs this; running it again changes nothing.

CREATE TABLE IF NOT EXISTS streams (
    kind             TEXT NOT NULL,
    key              TEXT NOT NULL,
    project          TEXT NOT NULL,
    version          INTEGER NOT NULL,           -- number of events ever written
    snapshot_version INTEGER NOT NULL,           -- version that the snapshot reflects; 0: there is none
    snapshot         TEXT,
    PRIMARY KEY (kind, key)
);

CREATE INDEX IF NOT EXISTS streams_by_project ON streams (project, kind);

CREATE TABLE IF NOT EXISTS events (
    project  TEXT NOT NULL,
    position INTEGER NOT NULL,                   -- 1, 2, 3 … within the project, in commit order
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    version  INTEGER NOT NULL,                   -- 1, 2, 3 … within the stream
    type     TEXT NOT NULL,
    data     TEXT NOT NULL,
    at       INTEGER NOT NULL,                   -- microseconds since 1970, UTC
    PRIMARY KEY (project, position),
    UNIQUE (kind, key, version)
);

-- Names that one event of a project carries: the ids of messages. They keep an id from being used twice, and find the event.
CREATE TABLE IF NOT EXISTS marks (
    project  TEXT NOT NULL,
    mark     TEXT NOT NULL,
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    version  INTEGER NOT NULL,
    PRIMARY KEY (project, mark)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS heads (
    project  TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) WITHOUT ROWID;
