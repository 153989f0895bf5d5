-- What the nodes of a cluster without Redis share and may lose: who is present, who waits in a chat, counts of requests. A server makes the
-- table, and roles.sql for one that may not; running this again changes nothing. Unlogged: no write waits for the disk.
CREATE UNLOGGED TABLE IF NOT EXISTS shared_state (
    area  text COLLATE "C" NOT NULL,             -- presence, seen, waiting, listed, count
    name  text COLLATE "C" NOT NULL,             -- of a project, a session, an agent, what is counted
    field text COLLATE "C" NOT NULL,             -- of a workspace, a stream; empty: which state the name's rows are in
    value text NOT NULL,
    until timestamptz NOT NULL,                  -- by the clock of the node that wrote it
    PRIMARY KEY (area, name, field)
) WITH (fillfactor = 50);
