-- The search index: a projection of the log's feed, made anew when these tables are emptied. A server makes them at the first search, and
-- roles.sql for one that may not; running this again changes nothing.
CREATE TABLE IF NOT EXISTS search_positions (
    project  text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL,                    -- of the last event that was taken in
    stamp    text NOT NULL                       -- what that event was
);

CREATE TABLE IF NOT EXISTS search_documents (
    project     text COLLATE "C" NOT NULL,
    id          text COLLATE "C" NOT NULL,
    kind        text NOT NULL,
    name        text NOT NULL,
    repo        text NOT NULL,
    branch      text NOT NULL,
    title       text NOT NULL,
    body        text NOT NULL,
    from_alias  text,
    from_agent  text,
    to_agent    text,
    at          timestamptz NOT NULL,
    title_words tsvector NOT NULL,
    words       tsvector NOT NULL,               -- of title, text and name
    PRIMARY KEY (project, id)
);

CREATE INDEX IF NOT EXISTS search_documents_words ON search_documents USING gin (words);
