-- +goose Up

-- When an incident that came back had been resolved.
ALTER TABLE incidents ADD COLUMN ended INTEGER;
