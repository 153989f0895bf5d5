-- Beadhub's event log in PostgreSQL. Every start runs this under a lock when the database has an older schema, and so does roles.sql;
-- running it again changes nothing. How to go back to version 3: deploy/README.md, "Upgrade".
--
-- Payloads are text, not jsonb: they come back byte for byte (jsonb refuses \u0000), and nobody queries inside them.
-- Names and keys compare as bytes (COLLATE "C"): faster, and the same order on every machine.

CREATE TABLE IF NOT EXISTS schema_version (
    version integer NOT NULL
);

-- All events, at once each stream's history and each project's feed: the only table that a write touches, but for a snapshot now and then.
-- The newest position of a project and the newest version of a stream are looked up by the keys; that both are unique decides every race.
CREATE TABLE IF NOT EXISTS events (
    project  text COLLATE "C" NOT NULL,
    position bigint NOT NULL,                    -- 1, 2, 3 … within the project, in commit order
    kind     text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    version  bigint NOT NULL,                    -- 1, 2, 3 … within the stream
    type     text NOT NULL,
    data     text NOT NULL,
    at       timestamptz NOT NULL,
    mark     text COLLATE "C",                   -- deduplication key, for example the id of a message: finds the event, and is used once
    PRIMARY KEY (project, position),
    UNIQUE (kind, key, version)
);

-- State of a stream after some of its events, so that not all of them have to be read.
CREATE TABLE IF NOT EXISTS snapshots (
    kind     text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    project  text COLLATE "C" NOT NULL,
    version  bigint NOT NULL,                    -- of the stream, that the snapshot reflects
    snapshot text NOT NULL,
    PRIMARY KEY (kind, key)
);

-- Who does what only one node of a cluster may do at a time, and which nodes there are (node/…). Times are the database's.
CREATE TABLE IF NOT EXISTS leases (
    name   text COLLATE "C" PRIMARY KEY,
    holder text NOT NULL,
    until  timestamptz NOT NULL
) WITH (fillfactor = 50);

-- From versions 1 to 3, which kept every stream's version in "streams", every project's position in "heads" and marks in a table of their
-- own.
-- Servers of those versions cannot write any more from then on. Rows are rewritten only where an event has a mark that upgrade-4.sql has
-- not
-- brought along yet.
DO $$
BEGIN
    IF to_regclass('streams') IS NOT NULL THEN
        ALTER TABLE events ADD COLUMN IF NOT EXISTS mark text COLLATE "C";
        IF to_regclass('marks') IS NOT NULL THEN
            UPDATE events e SET mark = m.mark FROM marks m WHERE e.kind = m.kind AND e.key = m.key AND e.version = m.version AND e.mark IS NULL;
            DROP TABLE marks;
        END IF;
        -- Answers to requests with an Idempotency-Key were not marked: by the mark a repeat finds them.
        UPDATE events SET mark = 'request:' || substr(key, length(project) + 2) WHERE kind = 'request' AND version = 1 AND mark IS NULL;
        INSERT INTO snapshots (kind, key, project, version, snapshot)
            SELECT kind, key, project, snapshot_version, snapshot FROM streams WHERE snapshot IS NOT NULL;
        DROP TABLE streams, heads;
    END IF;
END $$;

CREATE UNIQUE INDEX IF NOT EXISTS events_mark ON events (project, mark) WHERE mark IS NOT NULL;

-- Which streams there are: each has one first event.
CREATE INDEX IF NOT EXISTS events_first ON events (kind, project, key) WHERE version = 1;

INSERT INTO schema_version (version) SELECT 4 WHERE NOT EXISTS (SELECT FROM schema_version);
UPDATE schema_version SET version = 4 WHERE version < 4;
