-- Prepares a log of schema version 3 for version 4 while servers of version 3 run, so that the upgrade itself is short. Run by the tables' owner,
-- with psql, once or again: psql -v ON_ERROR_STOP=1 -d beadhub -f upgrade-4.sql. It may be left out; the first server of the new version then does all.
\set ON_ERROR_STOP on
SELECT to_regclass('events') IS NULL AS elsewhere \gset
\if :elsewhere
    SET search_path = beadhub;
\endif
ALTER TABLE events ADD COLUMN IF NOT EXISTS mark text COLLATE "C";
UPDATE events e SET mark = m.mark FROM marks m WHERE e.kind = m.kind AND e.key = m.key AND e.version = m.version AND e.mark IS NULL;
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS events_mark ON events (project, mark) WHERE mark IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS events_first ON events (kind, project, key) WHERE version = 1;
