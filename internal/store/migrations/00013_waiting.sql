-- +goose Up

-- Messages that an MTA still tries, by when they were last heard of.
CREATE INDEX bounces_waiting ON bounces (heard) WHERE log <> '' AND NOT final;
