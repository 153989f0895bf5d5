-- Roles and schema of Beadhub, with the least that each needs. Run by a superuser in Beadhub's database, with psql, once and after every upgrade:
--   psql -v ON_ERROR_STOP=1 -v app_password=… -v reader_password=… -d beadhub -f roles.sql
-- For servers built with the Orleans engine, -v orleans=1 adds what that keeps in PostgreSQL.
-- Without app_password or reader_password a role keeps the one it has, at first none, with which it cannot log in by password; \password sets it by hand.
-- Running it again changes nothing.

\if :{?app_password}
\else
    \set app_password ''
\endif
\if :{?reader_password}
\else
    \set reader_password ''
\endif

BEGIN;
SELECT pg_advisory_xact_lock(hashtext('beadhub roles'));

-- Owns the tables; nobody logs in as it.
SELECT 'CREATE ROLE beadhub_owner NOLOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'beadhub_owner') \gexec
-- Runs the server.
SELECT 'CREATE ROLE beadhub_app LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'beadhub_app') \gexec
-- Reads, for "beadhub log" and for backups.
SELECT 'CREATE ROLE beadhub_reader LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'beadhub_reader') \gexec
SELECT format('ALTER ROLE beadhub_app PASSWORD %L', :'app_password') WHERE :'app_password' <> '' \gexec
SELECT format('ALTER ROLE beadhub_reader PASSWORD %L', :'reader_password') WHERE :'reader_password' <> '' \gexec

SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO beadhub_app, beadhub_reader', current_database()) \gexec
CREATE SCHEMA IF NOT EXISTS beadhub AUTHORIZATION beadhub_owner;
-- A log that a server has made for itself, or that was restored, comes under the owner.
SELECT format('ALTER TABLE public.%I SET SCHEMA beadhub', tablename) FROM pg_tables
    WHERE schemaname = 'public' AND (tablename IN ('schema_version', 'events', 'snapshots', 'leases', 'sessions', 'owners', 'streams', 'marks', 'heads', 'search_positions', 'search_documents', 'shared_state') OR tablename LIKE 'orleans%') AND to_regclass('beadhub.' || tablename) IS NULL \gexec
ALTER SCHEMA beadhub OWNER TO beadhub_owner;
SELECT format('ALTER TABLE beadhub.%I OWNER TO beadhub_owner', tablename) FROM pg_tables WHERE schemaname = 'beadhub' AND tableowner <> 'beadhub_owner' \gexec
SELECT format('ALTER ROLE %I IN DATABASE %I SET search_path = beadhub', role, current_database()) FROM unnest(ARRAY['beadhub_app', 'beadhub_reader']) AS role \gexec

SET LOCAL ROLE beadhub_owner;
SET LOCAL search_path = beadhub;
\ir schema.sql
\ir search.sql
\ir shared.sql

GRANT USAGE ON SCHEMA beadhub TO beadhub_app, beadhub_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA beadhub TO beadhub_reader;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA beadhub TO beadhub_reader;
-- What was written is never changed or deleted by the server: only snapshots are replaced.
-- Erasing a project is for the owner of the tables ("beadhub project erase", as a superuser or a login that is a member of beadhub_owner).
GRANT SELECT ON schema_version TO beadhub_app;
GRANT SELECT, INSERT ON events TO beadhub_app;
GRANT SELECT, INSERT, UPDATE ON snapshots TO beadhub_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON leases, sessions, owners TO beadhub_app;
-- A projection, which the server keeps up to date.
GRANT SELECT, INSERT, UPDATE, DELETE ON search_positions, search_documents TO beadhub_app;
-- What nodes without Redis share and may lose.
GRANT SELECT, INSERT, UPDATE, DELETE ON shared_state TO beadhub_app;
\if :{?orleans}
    \ir orleans.sql
    GRANT SELECT ON orleansquery TO beadhub_app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON orleans_clusters, orleans_silos, orleans_states TO beadhub_app;
\endif
COMMIT;
