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
