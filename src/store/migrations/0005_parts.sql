-- What was counted in one go but is too much for one short transaction. A part is written with the removal of
-- its beacons from the journal, and leaves in the transaction that adds it to the sums.
CREATE TABLE tally_part (
    id         INTEGER PRIMARY KEY,
    format     INTEGER NOT NULL,              -- how the part is encoded
    part       BLOB NOT NULL,
    unreadable INTEGER NOT NULL DEFAULT 0     -- 1: set aside, because it can't be decoded
) STRICT;
