-- Beadhub's event log in PostgreSQL. Every start runs this under a lock; running it again changes nothing.
--
-- Payloads are text, not jsonb: they come back byte for byte (jsonb refuses \u0000), and nobody queries inside them.
-- Names and keys compare as bytes (COLLATE "C"): faster, and the same order on every machine.

CREATE TABLE IF NOT EXISTS schema_version (
    version integer NOT NULL
);

-- One row a grain.
CREATE TABLE IF NOT EXISTS streams (
    kind             text COLLATE "C" NOT NULL,
    key              text COLLATE "C" NOT NULL,
    project          text COLLATE "C" NOT NULL,
    version          bigint NOT NULL,            -- number of events ever written
    prior            bigint NOT NULL,            -- version before the newest append: what ON CONFLICT compares
    snapshot_version bigint NOT NULL,            -- version that the snapshot reflects; 0: there is none
    snapshot         text,
    PRIMARY KEY (kind, key)
) WITH (fillfactor = 85);                        -- room for the next version of a row in its own page, so that no index changes

CREATE INDEX IF NOT EXISTS streams_by_project ON streams (project, kind);

-- All events, at once each stream's history and each project's feed.
CREATE TABLE IF NOT EXISTS events (
    project  text COLLATE "C" NOT NULL,
    position bigint NOT NULL,                    -- 1, 2, 3 … within the project, in commit order
    kind     text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    version  bigint NOT NULL,                    -- 1, 2, 3 … within the stream
    type     text NOT NULL,
    data     text NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (project, position),
    UNIQUE (kind, key, version)
);

-- Names that one event of a project carries: the ids of messages. They keep an id from being used twice, and find the event.
CREATE TABLE IF NOT EXISTS marks (
    project  text COLLATE "C" NOT NULL,
    mark     text COLLATE "C" NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    version  bigint NOT NULL,
    PRIMARY KEY (project, mark)
);

-- The newest position of each project. Its row is locked from the moment positions are given until they are committed:
-- that is what makes positions gapless and visible in order, whichever node writes.
CREATE TABLE IF NOT EXISTS heads (
    project  text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL
) WITH (fillfactor = 50);

-- Who does what only one node of a cluster may do at a time, and which nodes there are (node/…). Times are the database's.
CREATE TABLE IF NOT EXISTS leases (
    name   text COLLATE "C" PRIMARY KEY,
    holder text NOT NULL,
    until  timestamptz NOT NULL
) WITH (fillfactor = 50);

INSERT INTO schema_version (version) SELECT 3 WHERE NOT EXISTS (SELECT FROM schema_version);
UPDATE schema_version SET version = 3 WHERE version < 3;
