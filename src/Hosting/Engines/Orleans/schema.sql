-- What the Orleans engine keeps in PostgreSQL: who is in the cluster, and who subscribes to which stream. Every start of a clustered node runs this under
-- a lock; running it again changes nothing but the texts of queries that a newer version words otherwise.
--
-- Orleans finds its queries by key in "orleansquery", binds parameters by name and reads columns by name; the rest is ours.
-- Beadhub's own data is in the event log (schema.sql), never here: these tables may be emptied while no node runs.

CREATE TABLE IF NOT EXISTS orleansquery (
    querykey  varchar(64) PRIMARY KEY,
    querytext varchar(8000) NOT NULL
);

-- One row a cluster. Every change of its members raises the version, so that nodes which change it at the same time notice.
CREATE TABLE IF NOT EXISTS orleans_clusters (
    cluster varchar(150) PRIMARY KEY,
    version integer NOT NULL
);

-- One row a start of a silo: a silo that comes back is another one, with another generation.
CREATE TABLE IF NOT EXISTS orleans_silos (
    cluster    varchar(150) NOT NULL REFERENCES orleans_clusters ON DELETE CASCADE,
    address    varchar(45) NOT NULL,
    port       integer NOT NULL,
    generation integer NOT NULL,
    name       varchar(150) NOT NULL,
    host       varchar(150) NOT NULL,
    status     integer NOT NULL,                 -- Orleans.Runtime.SiloStatus; 3 is active
    proxy_port integer NOT NULL,                 -- for clients in other processes; 0: takes none
    suspicions varchar(8000),                    -- who took it for dead, and when, as Orleans writes it
    started    timestamptz(3) NOT NULL,
    alive      timestamptz(3) NOT NULL,          -- when it last said so
    PRIMARY KEY (cluster, address, port, generation)
);

-- State of Orleans' own grains. A grain is named by two numbers, a text, or both.
CREATE TABLE IF NOT EXISTS orleans_states (
    service  varchar(150) NOT NULL,
    type     varchar(512) NOT NULL,
    n0       bigint NOT NULL,
    n1       bigint NOT NULL,
    name     varchar(513) COLLATE "C" NOT NULL,  -- '=' and the text; empty when there is none
    version  integer NOT NULL,
    payload  bytea,                              -- null once cleared
    modified timestamptz(3) NOT NULL,
    PRIMARY KEY (service, type, n0, n1, name)
);

-- Where an operator has applied Orleans' own scripts, their queries and tables are used instead: of the members, of grains' states, or of both.
INSERT INTO orleansquery (querykey, querytext) SELECT ours.key, ours.text FROM (VALUES
-- Members of the cluster.
('UpdateIAmAlivetimeKey', '
    UPDATE orleans_silos SET alive = @IAmAliveTime
    WHERE cluster = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation
'),
('InsertMembershipVersionKey', '
    WITH made AS (INSERT INTO orleans_clusters (cluster, version) VALUES (@DeploymentId, 0) ON CONFLICT DO NOTHING RETURNING 1)
    SELECT count(*)::integer FROM made
'),
('InsertMembershipKey', '
    WITH turn AS (
        UPDATE orleans_clusters c SET version = version + 1
        WHERE cluster = @DeploymentId AND version = @Version AND NOT EXISTS (
            SELECT FROM orleans_silos s WHERE s.cluster = c.cluster AND s.address = @Address AND s.port = @Port AND s.generation = @Generation)
        RETURNING cluster
    ), made AS (
        INSERT INTO orleans_silos (cluster, address, port, generation, name, host, status, proxy_port, started, alive)
        SELECT cluster, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime FROM turn
        RETURNING 1
    )
    SELECT count(*)::integer FROM made
'),
('UpdateMembershipKey', '
    WITH turn AS (
        UPDATE orleans_clusters c SET version = version + 1
        WHERE cluster = @DeploymentId AND version = @Version AND EXISTS (
            SELECT FROM orleans_silos s WHERE s.cluster = c.cluster AND s.address = @Address AND s.port = @Port AND s.generation = @Generation)
        RETURNING cluster
    ), changed AS (
        UPDATE orleans_silos s SET status = @Status, suspicions = @SuspectTimes, alive = @IAmAliveTime
        FROM turn
        WHERE s.cluster = turn.cluster AND s.address = @Address AND s.port = @Port AND s.generation = @Generation
        RETURNING 1
    )
    SELECT count(*)::integer FROM changed
'),
('MembershipReadRowKey', '
    SELECT c.cluster AS DeploymentId, s.address AS Address, s.port AS Port, s.generation AS Generation, s.name AS SiloName, s.host AS HostName,
        s.status AS Status, s.proxy_port AS ProxyPort, s.suspicions AS SuspectTimes, s.started AS StartTime, s.alive AS IAmAliveTime, c.version AS Version
    FROM orleans_clusters c
    LEFT JOIN orleans_silos s ON s.cluster = c.cluster AND s.address = @Address AND s.port = @Port AND s.generation = @Generation
    WHERE c.cluster = @DeploymentId
'),
('MembershipReadAllKey', '
    SELECT c.cluster AS DeploymentId, s.address AS Address, s.port AS Port, s.generation AS Generation, s.name AS SiloName, s.host AS HostName,
        s.status AS Status, s.proxy_port AS ProxyPort, s.suspicions AS SuspectTimes, s.started AS StartTime, s.alive AS IAmAliveTime, c.version AS Version
    FROM orleans_clusters c
    LEFT JOIN orleans_silos s ON s.cluster = c.cluster
    WHERE c.cluster = @DeploymentId
'),
('GatewaysQueryKey', '
    SELECT address AS Address, proxy_port AS ProxyPort, generation AS Generation FROM orleans_silos
    WHERE cluster = @DeploymentId AND status = @Status AND proxy_port > 0
'),
('DeleteMembershipTableEntriesKey', '
    DELETE FROM orleans_clusters WHERE cluster = @DeploymentId
'),
('CleanupDefunctSiloEntriesKey', '
    DELETE FROM orleans_silos WHERE cluster = @DeploymentId AND alive < @IAmAliveTime AND status <> 3
'),
-- State of grains. What did not apply answers with the version it was given, which Orleans takes for a conflict.
('ReadFromStorageKey', '
    SELECT payload AS PayloadBinary, modified AS ModifiedOn, version AS Version FROM orleans_states
    WHERE service = @ServiceId AND type = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1 AND name = coalesce(''='' || @GrainIdExtensionString::text, '''')
'),
('WriteToStorageKey', '
    WITH changed AS (
        UPDATE orleans_states SET payload = @PayloadBinary::bytea, version = version + 1, modified = now()
        WHERE service = @ServiceId AND type = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1
            AND name = coalesce(''='' || @GrainIdExtensionString::text, '''') AND version = @GrainStateVersion::integer
        RETURNING version
    ), made AS (
        INSERT INTO orleans_states (service, type, n0, n1, name, version, payload, modified)
        SELECT @ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(''='' || @GrainIdExtensionString::text, ''''), 1, @PayloadBinary::bytea, now()
        WHERE @GrainStateVersion::integer IS NULL
        ON CONFLICT DO NOTHING
        RETURNING version
    )
    SELECT coalesce((SELECT version FROM changed), (SELECT version FROM made), @GrainStateVersion::integer) AS NewGrainStateVersion
'),
('ClearStorageKey', '
    WITH changed AS (
        UPDATE orleans_states SET payload = NULL, version = version + 1, modified = now()
        WHERE service = @ServiceId AND type = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1
            AND name = coalesce(''='' || @GrainIdExtensionString::text, '''') AND version = @GrainStateVersion::integer
        RETURNING version
    )
    SELECT coalesce((SELECT version FROM changed), @GrainStateVersion::integer) AS NewGrainStateVersion
'),
('DeleteStorageKey', '
    WITH gone AS (
        DELETE FROM orleans_states
        WHERE service = @ServiceId AND type = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1
            AND name = coalesce(''='' || @GrainIdExtensionString::text, '''') AND version = @GrainStateVersion::integer
        RETURNING version + 1 AS version
    )
    SELECT coalesce((SELECT version FROM gone), @GrainStateVersion::integer) AS NewGrainStateVersion
')
) AS ours (key, text)
WHERE to_regclass(CASE WHEN ours.key LIKE '%StorageKey' THEN 'orleansstorage' ELSE 'orleansmembershiptable' END) IS NULL
ON CONFLICT (querykey) DO UPDATE SET querytext = excluded.querytext WHERE orleansquery.querytext <> excluded.querytext;
