-- Beadhub's event log in SQLite: the same tables as in PostgreSQL. Running it again changes nothing.

CREATE TABLE IF NOT EXISTS events (
    project  TEXT NOT NULL,
    position INTEGER NOT NULL,                   -- 1, 2, 3 … within the project, in commit order
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    version  INTEGER NOT NULL,                   -- 1, 2, 3 … within the stream
    type     TEXT NOT NULL,
    data     TEXT NOT NULL,
    at       INTEGER NOT NULL,                   -- microseconds since 1970, UTC
    mark     TEXT,                               -- deduplication key, for example the id of a message: finds the event, and is used once
    PRIMARY KEY (project, position),
    UNIQUE (kind, key, version)
);

CREATE UNIQUE INDEX IF NOT EXISTS events_mark ON events (project, mark) WHERE mark IS NOT NULL;

-- Which streams there are: each has one first event.
CREATE INDEX IF NOT EXISTS events_first ON events (kind, project, key) WHERE version = 1;

-- State of a stream after some of its events, so that not all of them have to be read.
CREATE TABLE IF NOT EXISTS snapshots (
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    project  TEXT NOT NULL,
    version  INTEGER NOT NULL,                   -- of the stream, that the snapshot reflects
    snapshot TEXT NOT NULL,
    PRIMARY KEY (kind, key)
);
