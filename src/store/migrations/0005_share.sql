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
