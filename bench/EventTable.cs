namespace Beadhub.Bench;

/// <summary>The server's event table, for references that write the same rows without the server.</summary>
internal static class EventTable
{
    /// <summary>With the keys of the server's schema script; the partial indexes there have no entry for rows like these.</summary>
    public const string Create = """
        CREATE TABLE events (
            project  text COLLATE "C" NOT NULL,
            position bigint NOT NULL,
            kind     text COLLATE "C" NOT NULL,
            key      text COLLATE "C" NOT NULL,
            version  bigint NOT NULL,
            type     text NOT NULL,
            data     text NOT NULL,
            at       timestamptz NOT NULL,
            PRIMARY KEY (project, position),
            UNIQUE (kind, key, version)
        );
        """;
}
