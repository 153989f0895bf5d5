-- Takes a log of schema version 4 or 5 back to version 3, with all that was written since. Stop all servers first. Run by the tables' owner,
-- with psql:
--   psql -v ON_ERROR_STOP=1 -d beadhub -f rollback-to-3.sql
-- then, where servers run as beadhub_app, the old version's roles.sql.
BEGIN;
DO $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(x'4265616468756200'::bigint) THEN RAISE EXCEPTION 'A server runs on this log: stop it first.'; END IF;
    IF to_regclass('events') IS NULL THEN SET LOCAL search_path = beadhub; END IF;
    IF (SELECT max(version) FROM schema_version) NOT IN (4, 5) THEN RAISE EXCEPTION 'The log has schema version %, not 4 or 5.', (SELECT max(version) FROM schema_version); END IF;
END $$;

CREATE TABLE streams (
    kind             text COLLATE "C" NOT NULL,
    key              text COLLATE "C" NOT NULL,
    project          text COLLATE "C" NOT NULL,
    version          bigint NOT NULL,
    prior            bigint NOT NULL,
    snapshot_version bigint NOT NULL,
    snapshot         text,
    PRIMARY KEY (kind, key)
) WITH (fillfactor = 85);
INSERT INTO streams (kind, key, project, version, prior, snapshot_version, snapshot)
    SELECT e.kind, e.key, e.project, e.version, e.version - 1, coalesce(s.version, 0), s.snapshot
    FROM (SELECT DISTINCT ON (kind, key) kind, key, project, version FROM events ORDER BY kind, key, version DESC) e
    LEFT JOIN snapshots s ON s.kind = e.kind AND s.key = e.key;
CREATE INDEX streams_by_project ON streams (project, kind);

CREATE TABLE marks (
    project  text COLLATE "C" NOT NULL,
    mark     text COLLATE "C" NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    version  bigint NOT NULL,
    PRIMARY KEY (project, mark)
);
INSERT INTO marks (project, mark, kind, key, version) SELECT project, mark, kind, key, version FROM events WHERE mark IS NOT NULL;

CREATE TABLE heads (
    project  text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO heads (project, position) SELECT project, max(position) FROM events GROUP BY project;

DROP TABLE IF EXISTS owners, sessions;
DROP TABLE snapshots;
DROP INDEX events_mark, events_first;
ALTER TABLE events DROP COLUMN mark;
UPDATE schema_version SET version = 3;
COMMIT;
