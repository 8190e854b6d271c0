-- +goose Up

-- What changes in an incident without making it worse is said in the thread of its message: when that was last done,
-- and of each member when it was last decided that it is a problem, or clear.
ALTER TABLE incidents ADD COLUMN said INTEGER;
ALTER TABLE members ADD COLUMN turned INTEGER;
