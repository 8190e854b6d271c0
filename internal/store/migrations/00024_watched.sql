-- +goose Up

-- Since when a mailbox or a log has been watched: when it could first be read. What came of it from
-- then on was read, now or after a restart, as reading goes on where it stopped.
ALTER TABLE mailboxes ADD COLUMN watched INTEGER;
ALTER TABLE logs ADD COLUMN watched INTEGER;
UPDATE mailboxes SET watched = coalesce((SELECT min(stored) FROM mails WHERE mailbox = name), iif(ok, since, NULL), read_at);
UPDATE logs SET watched = coalesce(began, iif(ok, since, NULL), read_at);
