-- Single beacons, repeats, groups of errors, alerts, and how the file grew.

-- Beacons that a repeat may follow: a keyed hash and a time (UTC milliseconds), 8 bytes each, a blob a
-- fold. Gone after the longest window.
CREATE TABLE repeatable (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,                  -- when the last of them came
    hashes BLOB NOT NULL
) STRICT;

-- Single beacons of event types that keep them. What they are split by is one column a dimension.
CREATE TABLE beacon_event (
    id              INTEGER PRIMARY KEY,      -- received at, UTC milliseconds, times 65,536, and a number
    site            INTEGER NOT NULL,
    event_type      INTEGER NOT NULL,
    identifier      INTEGER,
    visitor         INTEGER,                  -- the day's keyed hash
    began           INTEGER NOT NULL,         -- 1: it began a visit
    payload         TEXT,                     -- JSON, scrubbed; NULL: nothing that no column tells
    hostname        INTEGER,
    page            INTEGER,
    entry_page      INTEGER,
    source          INTEGER,
    channel         INTEGER,
    referrer        INTEGER,
    utm_source      INTEGER,
    utm_medium      INTEGER,
    utm_campaign    INTEGER,
    utm_content     INTEGER,
    utm_term        INTEGER,
    country         INTEGER,
    region          INTEGER,
    city            INTEGER,
    browser         INTEGER,
    browser_version INTEGER,
    os              INTEGER,
    os_version      INTEGER,
    device          INTEGER,
    screen          INTEGER,
    language        INTEGER
) STRICT;

CREATE VIEW beacon_events AS
SELECT n.id,
       strftime('%Y-%m-%dT%H:%M:%fZ', (n.id >> 16) / 1000.0, 'unixepoch') AS received_at,
       s.value AS site,
       e.value AS event_type,
       i.value AS identifier,
       printf('%016x', n.visitor) AS visitor,
       n.began,
       n.payload,
       (SELECT value FROM text WHERE id = n.hostname) AS hostname,
       (SELECT value FROM text WHERE id = n.page) AS page,
       (SELECT value FROM text WHERE id = n.entry_page) AS entry_page,
       (SELECT value FROM text WHERE id = n.source) AS source,
       (SELECT value FROM text WHERE id = n.channel) AS channel,
       (SELECT value FROM text WHERE id = n.referrer) AS referrer,
       (SELECT value FROM text WHERE id = n.utm_source) AS utm_source,
       (SELECT value FROM text WHERE id = n.utm_medium) AS utm_medium,
       (SELECT value FROM text WHERE id = n.utm_campaign) AS utm_campaign,
       (SELECT value FROM text WHERE id = n.utm_content) AS utm_content,
       (SELECT value FROM text WHERE id = n.utm_term) AS utm_term,
       (SELECT value FROM text WHERE id = n.country) AS country,
       (SELECT value FROM text WHERE id = n.region) AS region,
       (SELECT value FROM text WHERE id = n.city) AS city,
       (SELECT value FROM text WHERE id = n.browser) AS browser,
       (SELECT value FROM text WHERE id = n.browser_version) AS browser_version,
       (SELECT value FROM text WHERE id = n.os) AS os,
       (SELECT value FROM text WHERE id = n.os_version) AS os_version,
       (SELECT value FROM text WHERE id = n.device) AS device,
       (SELECT value FROM text WHERE id = n.screen) AS screen,
       (SELECT value FROM text WHERE id = n.language) AS language
FROM beacon_event AS n
JOIN text AS s ON s.id = n.site
JOIN text AS e ON e.id = n.event_type
LEFT JOIN text AS i ON i.id = n.identifier;

-- Errors by what they are: since when they are known, and what was decided about them.
CREATE TABLE error_group (
    site        INTEGER NOT NULL,
    event_type  INTEGER NOT NULL,
    identifier  INTEGER NOT NULL,
    first_at    INTEGER NOT NULL,             -- UTC seconds
    last_at     INTEGER NOT NULL,             -- UTC seconds
    state       INTEGER NOT NULL DEFAULT 0,   -- 0 open, 1 resolved, 2 muted
    state_at    INTEGER,                      -- when that was decided, UTC seconds
    returned_at INTEGER,                      -- when it last came back after it was resolved
    PRIMARY KEY (site, event_type, identifier)
) STRICT, WITHOUT ROWID;

-- How large the file was at the end of each day (UTC).
CREATE TABLE file_size (
    day   INTEGER PRIMARY KEY,                -- first instant of the day
    bytes INTEGER NOT NULL
) STRICT;

-- What alerts have noticed; an incident without an end goes on.
CREATE TABLE alert_incident (
    id      INTEGER PRIMARY KEY,
    alert   TEXT NOT NULL,                    -- its name in beacons.toml
    site    TEXT NOT NULL,
    subject TEXT NOT NULL,                    -- what it is about, an error say; '' for the site
    begun   INTEGER NOT NULL,                 -- UTC seconds
    ended   INTEGER,                          -- UTC seconds
    what    TEXT NOT NULL                     -- a sentence
) STRICT;

-- Messages that receivers wait for.
CREATE TABLE alert_message (
    id       INTEGER PRIMARY KEY,
    incident INTEGER NOT NULL,
    receiver TEXT NOT NULL,                   -- its name in beacons.toml
    recovery INTEGER NOT NULL,                -- 1: it tells that the incident is over
    tries    INTEGER NOT NULL DEFAULT 0,
    next_at  INTEGER NOT NULL,                -- not before, UTC seconds
    outcome  TEXT                             -- NULL: waits; 'sent', or why it was given up
) STRICT;

-- The least and the most of the values in a bar, in thousandths; NULL where that was not kept yet.
ALTER TABLE beacon_histogram ADD COLUMN least INTEGER;
ALTER TABLE beacon_histogram ADD COLUMN most INTEGER;

-- Months that are on their way into the archive. A file is written anew until "removing" is set; from
-- then on it is whole, and its rows leave.
CREATE TABLE archiving (
    site        INTEGER NOT NULL,
    event_type  INTEGER NOT NULL,
    granularity INTEGER NOT NULL,
    month       INTEGER NOT NULL,             -- first instant of the month
    number      INTEGER NOT NULL,             -- of the file, where a month has several
    removing    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (site, event_type, granularity, month)
) STRICT, WITHOUT ROWID;
