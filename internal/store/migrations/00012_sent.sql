-- +goose Up

-- Which mails left of late, as keyed hashes of Message-ID and receiving domain, 8 bytes each, in
-- the order they were read: what is appended touches a page or two, and 2 million are 16 MB.
CREATE TABLE sent (
    id     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    log    TEXT    NOT NULL,
    at     INTEGER NOT NULL, -- when the last of them was read
    n      INTEGER NOT NULL, -- how many
    hashes BLOB    NOT NULL
) STRICT;
CREATE INDEX sent_by_log ON sent (log, id);
CREATE INDEX sent_by_time ON sent (at, n);

-- The same hash of the message that a report returns; 0: it names none.
ALTER TABLE bounces ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;
CREATE INDEX mails_unproved ON mails (stored) WHERE proof = '' AND kind = 'bounce';
