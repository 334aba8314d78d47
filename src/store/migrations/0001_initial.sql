-- Every row of a beacon_ table is a sum, so files merge by adding and ranges tile by whole buckets.
-- Times are UTC seconds, cut in the site's own time zone. Keys are numbers of the table "text".

CREATE TABLE text (
    id    INTEGER PRIMARY KEY,
    value TEXT NOT NULL UNIQUE
) STRICT;

-- The counters of one bucket. Period first: what is written together lies together.
CREATE TABLE beacon_aggregate (
    granularity  INTEGER NOT NULL,            -- 1 second, 2 minute, 3 hour, 4 day, 5 month, 6 year
    period_start INTEGER NOT NULL,            -- the bucket's first instant
    site         INTEGER NOT NULL,
    event_type   INTEGER NOT NULL,
    identifier   INTEGER NOT NULL,            -- 0: the total over all identifiers
    count        INTEGER NOT NULL DEFAULT 0,
    visitors     INTEGER NOT NULL DEFAULT 0,  -- first seen that day, so days add up
    visits       INTEGER NOT NULL DEFAULT 0,  -- begun here, in the bucket in which they began
    bounces      INTEGER NOT NULL DEFAULT 0,  -- of these visits, those with one page view
    seconds      INTEGER NOT NULL DEFAULT 0,  -- spent here before the visit's next page view
    meta         TEXT,                        -- JSON; a page's last title, in its coarsest bucket
    PRIMARY KEY (granularity, period_start, site, event_type, identifier)
) STRICT, WITHOUT ROWID;

-- The same counters, split by the values of a dimension.
CREATE TABLE beacon_breakdown (
    granularity  INTEGER NOT NULL,
    period_start INTEGER NOT NULL,
    site         INTEGER NOT NULL,
    event_type   INTEGER NOT NULL,
    identifier   INTEGER NOT NULL,            -- 0, or an identifier for a declared pair
    dimension    INTEGER NOT NULL,
    value        INTEGER NOT NULL,
    count        INTEGER NOT NULL DEFAULT 0,
    visitors     INTEGER NOT NULL DEFAULT 0,
    visits       INTEGER NOT NULL DEFAULT 0,
    bounces      INTEGER NOT NULL DEFAULT 0,
    seconds      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (granularity, period_start, site, event_type, identifier, dimension, value)
) STRICT, WITHOUT ROWID;

-- How numbers that beacons carry are spread: one row a bar.
CREATE TABLE beacon_histogram (
    granularity  INTEGER NOT NULL,
    period_start INTEGER NOT NULL,
    site         INTEGER NOT NULL,
    event_type   INTEGER NOT NULL,
    identifier   INTEGER NOT NULL,
    measure      INTEGER NOT NULL,
    bound        INTEGER NOT NULL,            -- the bar's upper bound in thousandths; the last bar: 2^53
    count        INTEGER NOT NULL DEFAULT 0,
    sum          INTEGER NOT NULL DEFAULT 0,  -- of the values in the bar, in thousandths
    PRIMARY KEY (granularity, period_start, site, event_type, identifier, measure, bound)
) STRICT, WITHOUT ROWID;

-- Answered beacons that are not folded yet. A row leaves in the transaction that counts it. No
-- AUTOINCREMENT: that would write a second page with every commit, and a number may come back once
-- its row has left.
CREATE TABLE beacon_journal (
    id         INTEGER PRIMARY KEY,
    format     INTEGER NOT NULL,              -- how the batch is encoded
    batch      BLOB NOT NULL,                 -- beacons, one after the other
    unreadable INTEGER NOT NULL DEFAULT 0     -- 1: set aside, because it can't be decoded
) STRICT;

-- When a name (an identifier: dimension 0, or a value) was first counted: what is known is admitted.
CREATE TABLE name (
    site       INTEGER NOT NULL,
    event_type INTEGER NOT NULL,
    dimension  INTEGER NOT NULL,
    value      INTEGER NOT NULL,
    first_day  INTEGER NOT NULL,              -- first instant of that day
    PRIMARY KEY (site, event_type, dimension, value)
) STRICT, WITHOUT ROWID;

-- Who was seen today: keyed hashes of (visitor, key), 8 bytes each, a blob a fold. Gone the next day.
CREATE TABLE seen (
    id     INTEGER PRIMARY KEY,
    site   INTEGER NOT NULL,
    day    INTEGER NOT NULL,                  -- first instant of the day
    hashes BLOB NOT NULL
) STRICT;

-- Visits that may go on, as they were after a fold; a later row of the same visit stands.
CREATE TABLE visit (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,                  -- when the last of them was active
    visits BLOB NOT NULL
) STRICT;

-- Beacons that were not counted, by reason and hour (UTC).
CREATE TABLE rejected (
    hour   INTEGER NOT NULL,                  -- first instant of the hour
    site   INTEGER NOT NULL,                  -- 0: no site could be told
    reason INTEGER NOT NULL,
    agent  INTEGER NOT NULL,                  -- a user-agent family, or 0
    count  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (hour, site, reason, agent)
) STRICT, WITHOUT ROWID;

-- The documented views: text and ISO 8601 times in UTC. They stay as they are.

CREATE VIEW beacon_aggregates AS
SELECT s.value AS site,
       e.value AS event_type,
       i.value AS identifier,
       CASE a.granularity WHEN 1 THEN 'second' WHEN 2 THEN 'minute' WHEN 3 THEN 'hour'
                          WHEN 4 THEN 'day' WHEN 5 THEN 'month' ELSE 'year' END AS granularity,
       strftime('%Y-%m-%dT%H:%M:%SZ', a.period_start, 'unixepoch') AS period_start,
       a.count, a.visitors, a.visits, a.bounces, a.seconds
FROM beacon_aggregate AS a
JOIN text AS s ON s.id = a.site
JOIN text AS e ON e.id = a.event_type
LEFT JOIN text AS i ON i.id = a.identifier;

CREATE VIEW beacon_breakdowns AS
SELECT s.value AS site,
       e.value AS event_type,
       i.value AS identifier,
       CASE b.granularity WHEN 1 THEN 'second' WHEN 2 THEN 'minute' WHEN 3 THEN 'hour'
                          WHEN 4 THEN 'day' WHEN 5 THEN 'month' ELSE 'year' END AS granularity,
       strftime('%Y-%m-%dT%H:%M:%SZ', b.period_start, 'unixepoch') AS period_start,
       d.value AS dimension,
       v.value AS value,
       b.count, b.visitors, b.visits, b.bounces, b.seconds
FROM beacon_breakdown AS b
JOIN text AS s ON s.id = b.site
JOIN text AS e ON e.id = b.event_type
LEFT JOIN text AS i ON i.id = b.identifier
JOIN text AS d ON d.id = b.dimension
JOIN text AS v ON v.id = b.value;
