-- +goose Up

-- Who wanted a silence, why and until when, in place of the end alone.
ALTER TABLE incidents ADD COLUMN silence TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(silence));
UPDATE incidents SET silence = json_object('Until', strftime('%Y-%m-%dT%H:%M:%SZ', silenced / 1000000, 'unixepoch')) WHERE silenced IS NOT NULL;
ALTER TABLE incidents DROP COLUMN silenced;

-- The channels that have told of it, when it became a page, and when that was escalated.
ALTER TABLE incidents ADD COLUMN told TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(told));
ALTER TABLE incidents ADD COLUMN paged INTEGER;
ALTER TABLE incidents ADD COLUMN escalated INTEGER;
-- Until now every channel told of everything.
UPDATE incidents SET told = coalesce((SELECT json_group_array(DISTINCT channel) FROM outbox WHERE incident = incidents.id), '[]') WHERE last_told IS NOT NULL;

-- When it opened and came clean of late, and since when that has been too often.
ALTER TABLE incidents ADD COLUMN turns TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(turns));
ALTER TABLE incidents ADD COLUMN flapping INTEGER;

-- Removals that were asked for. They outlive their incident.
CREATE TABLE requests (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    incident  INTEGER NOT NULL,
    list      TEXT    NOT NULL, -- id of the list, or who refused
    by        TEXT    NOT NULL,
    ref       TEXT    NOT NULL,
    note      TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    promised  INTEGER NOT NULL, -- seconds that it takes, as the operator says; 0: nobody says
    cool_down INTEGER NOT NULL  -- seconds before which asking again is held against us; 0: not known
) STRICT;
CREATE INDEX requests_by_incident ON requests (incident, at);
