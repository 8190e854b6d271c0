-- +goose Up

-- A year of refusals is summed up for one picture: from the index alone, since the rows are wide.
DROP INDEX bounces_counted;
CREATE INDEX bounces_counted ON bounces (at, vendor, domain, action, target, counted) WHERE counted;
