-- Single beacons, repeats, groups of errors, alerts, and how the file grew.

-- Beacons that a repeat may follow: a keyed hash and a time (UTC milliseconds), 8 bytes each, a blob a
-- fold. Gone after the longest window.
CREATE TABLE repeatable (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,                  -- when the last of them came
    hashes BLOB NOT NULL
) STRICT;
