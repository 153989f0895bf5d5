-- Keeps the other nodes of a cluster from writing to projects (an array) until the transaction ends, in one order for everybody. What
-- follows in
-- the transaction sees all that they have committed.
SELECT pg_advisory_xact_lock(1113940324, project) FROM (SELECT DISTINCT hashtext(p) AS project FROM unnest($1) AS p ORDER BY 1 OFFSET 0) AS projects
