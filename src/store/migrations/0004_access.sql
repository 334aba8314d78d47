-- Who may look. Every secret is known to those alone who have it; the file has what proves it.

CREATE TABLE account (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,          -- lower case
    password   TEXT NOT NULL,                 -- Argon2, in PHC's form
    role       TEXT NOT NULL,                 -- 'owner', 'viewer'
    created_at INTEGER NOT NULL               -- UTC seconds
) STRICT;

-- The sites that a viewer sees, by their names in beacons.toml; an owner sees all of them.
CREATE TABLE account_site (
    account INTEGER NOT NULL,
    site    TEXT NOT NULL,
    PRIMARY KEY (account, site)
) STRICT, WITHOUT ROWID;

-- Browsers that are signed in. Not in backups.
CREATE TABLE session (
    id       INTEGER PRIMARY KEY,
    token    BLOB NOT NULL UNIQUE,            -- BLAKE3 of the token
    account  INTEGER NOT NULL,
    began_at INTEGER NOT NULL,                -- UTC seconds
    seen_at  INTEGER NOT NULL                 -- UTC seconds; written once an hour at most
) STRICT;

-- Browsers that have signed in before: whoever guesses passwords elsewhere does not keep them out. Not
-- in backups.
CREATE TABLE device (
    token   BLOB PRIMARY KEY,                 -- BLAKE3 of the token
    account INTEGER NOT NULL,
    seen_at INTEGER NOT NULL                  -- UTC seconds
) STRICT, WITHOUT ROWID;

-- What programs show in place of a password.
CREATE TABLE api_token (
    id         INTEGER PRIMARY KEY,
    token      BLOB NOT NULL UNIQUE,          -- BLAKE3 of the token
    scope      TEXT NOT NULL,                 -- 'read', 'ingest', 'admin'
    site       TEXT,                          -- its name in beacons.toml; NULL: every site
    label      TEXT NOT NULL,                 -- what it is for
    created_at INTEGER NOT NULL,              -- UTC seconds
    used_on    INTEGER                        -- the UTC day of its last use, its first second; NULL: none
) STRICT;
