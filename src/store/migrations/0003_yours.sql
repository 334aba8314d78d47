-- What people change after the fact, and how a file proves that nobody else has.

-- Whose file this is: it stays the same in backups, so that no file is merged with itself.
CREATE TABLE origin (
    id BLOB NOT NULL                          -- 16 random bytes
) STRICT;
INSERT INTO origin (id) VALUES (randomblob(16));

-- Imports, merges, renamed and deleted pages, and the like.
CREATE TABLE edit (
    id        INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,               -- UTC seconds
    kind      TEXT NOT NULL,                  -- 'merge', 'import', 'rename', 'delete', 'reset'
    what      TEXT NOT NULL,                  -- a sentence
    undone_at INTEGER,                        -- UTC seconds
    coarse_until INTEGER                      -- before this instant it brought days without their hours
) STRICT;

-- What an edit has taken in, so that nothing is taken in twice.
CREATE TABLE edit_source (
    edit   INTEGER NOT NULL,
    name   TEXT NOT NULL,                     -- of the file, without its folder
    digest BLOB NOT NULL,                     -- of a merged file its origin, else BLAKE3 of what was read
    bytes  INTEGER NOT NULL,                  -- how much was read
    PRIMARY KEY (edit, digest)
) STRICT, WITHOUT ROWID;

-- The rows that an edit has added and taken, compressed, by which it is undone. Not in backups.
CREATE TABLE edit_delta (
    edit   INTEGER NOT NULL,
    number INTEGER NOT NULL,
    delta  BLOB NOT NULL,
    PRIMARY KEY (edit, number)
) STRICT;

-- A digest of all buckets of a granularity within a closed day, month or year: what was counted then
-- must read the same for ever. It leaves when a late beacon or an edit changes one of them, and comes
-- back anew.
CREATE TABLE seal (
    site        INTEGER NOT NULL,
    granularity INTEGER NOT NULL,
    span_start  INTEGER NOT NULL,             -- UTC seconds
    span_end    INTEGER NOT NULL,             -- the first instant after it, UTC seconds
    row_count   INTEGER NOT NULL,             -- of aggregates, breakdowns and histograms together
    digest      BLOB NOT NULL,                -- BLAKE3, 16 bytes
    PRIMARY KEY (site, granularity, span_start)
) STRICT, WITHOUT ROWID;

-- What a page view that goes on a visit adds to it, so that single page views add up to visits, bounces
-- and seconds as the sums do; NULL where it begins one, or is of none.
ALTER TABLE beacon_event ADD COLUMN left_page INTEGER; -- the page that was left for it
ALTER TABLE beacon_event ADD COLUMN gap INTEGER;       -- seconds since that one
ALTER TABLE beacon_event ADD COLUMN second INTEGER;    -- 1: the second page view, which ends the bounce
ALTER TABLE beacon_event ADD COLUMN since INTEGER;     -- seconds since the finest bucket of the visit's start

-- Errors among many page views, one site among many: each is found without reading the others.
CREATE INDEX beacon_event_kind ON beacon_event (site, event_type);

-- Secret links to a site's figures. The token itself is known to those alone who were given it.
CREATE TABLE share_link (
    id         INTEGER PRIMARY KEY,
    site       TEXT NOT NULL,                 -- its name in beacons.toml
    token      BLOB NOT NULL UNIQUE,          -- BLAKE3 of the token
    password   TEXT,                          -- Argon2, in PHC's form; NULL: none is asked for
    label      TEXT NOT NULL,                 -- whom it was made for
    created_at INTEGER NOT NULL,              -- UTC seconds
    expires_at INTEGER                        -- UTC seconds; NULL: never
) STRICT;

-- What a course over time is explained by: when nothing could be counted, and what happened.

-- When the server was up. It is noted every minute; two spans have a gap between them.
CREATE TABLE uptime (
    began INTEGER PRIMARY KEY,                -- UTC seconds
    last  INTEGER NOT NULL                    -- UTC seconds; the server was up until then at least
) STRICT;

-- What people and the program itself have to say about a moment.
CREATE TABLE annotation (
    id   INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,                    -- UTC seconds
    site TEXT NOT NULL,                       -- its name; '' for all sites
    kind TEXT NOT NULL,                       -- 'note', 'upgrade', 'configuration'
    text TEXT NOT NULL                        -- a line
) STRICT;
CREATE INDEX annotation_at ON annotation (at);

-- What ran last, by which an upgrade and another configuration are known.
CREATE TABLE ran (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    version  TEXT NOT NULL,                   -- of the program
    registry BLOB NOT NULL                    -- a digest of what beacons.toml means
) STRICT;
