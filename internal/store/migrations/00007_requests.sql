-- +goose Up

-- Which question a removal was asked for, so that its transitions tell when it came; '' if it
-- was none of the incident's.
ALTER TABLE requests ADD COLUMN check_name TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN target TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN source TEXT NOT NULL DEFAULT '';
