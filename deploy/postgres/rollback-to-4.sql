-- Takes a log of schema version 5 back to version 4: nothing of what was written changes. Stop all servers first. Run by the tables' owner,
-- with psql:
--   psql -v ON_ERROR_STOP=1 -d beadhub -f rollback-to-4.sql
BEGIN;
DO $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(x'4265616468756200'::bigint) THEN RAISE EXCEPTION 'A server runs on this log: stop it first.'; END IF;
    IF to_regclass('events') IS NULL THEN SET LOCAL search_path = beadhub; END IF;
    IF (SELECT max(version) FROM schema_version) <> 5 THEN RAISE EXCEPTION 'The log has schema version %, not 5.', (SELECT max(version) FROM schema_version); END IF;
END $$;

DROP TABLE owners, sessions;
UPDATE schema_version SET version = 4;
COMMIT;
