-- +goose Up

-- What changed since a time, and what changed about one list: for the page and its histories.
CREATE INDEX transitions_by_time ON transitions (at);
CREATE INDEX transitions_by_source ON transitions (source, at);
