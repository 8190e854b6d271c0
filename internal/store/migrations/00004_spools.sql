-- +goose Up

-- Where a mail lies that came by a Maildir or an mbox; '' for one of an IMAP mailbox.
ALTER TABLE mails ADD COLUMN place TEXT NOT NULL DEFAULT '';

-- How far each mbox has been read.
CREATE TABLE spools (
    name TEXT NOT NULL PRIMARY KEY,
    mark TEXT NOT NULL CHECK (json_valid(mark)) -- as probes has it
) STRICT;

-- Which mails of each Maildir have been read: a row for each file that is there.
CREATE TABLE spool_mails (
    spool TEXT    NOT NULL,
    mail  INTEGER NOT NULL, -- hash of the file's name without flags
    PRIMARY KEY (spool, mail)
) STRICT, WITHOUT ROWID;
