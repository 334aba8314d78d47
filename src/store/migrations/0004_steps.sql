-- What a page view that goes on a visit adds to it, so that single page views add up to visits, bounces
-- and seconds as the sums do; NULL where it begins one, or is of none.
ALTER TABLE beacon_event ADD COLUMN left_page INTEGER; -- the page that was left for it
ALTER TABLE beacon_event ADD COLUMN gap INTEGER;       -- seconds since that one
ALTER TABLE beacon_event ADD COLUMN second INTEGER;    -- 1: the second page view, which ends the bounce
ALTER TABLE beacon_event ADD COLUMN since INTEGER;     -- seconds since the finest bucket of the visit's start

-- Errors among many page views, one site among many: each is found without reading the others.
CREATE INDEX beacon_event_kind ON beacon_event (site, event_type);
