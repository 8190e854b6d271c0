-- +goose Up

-- Mails that were read, and for which something is still to be done on their server,
-- because the configuration of the mailbox says so. Written with what they said.
CREATE TABLE unsettled (
    mailbox      TEXT    NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid          INTEGER NOT NULL,
    PRIMARY KEY (mailbox, uid_validity, uid)
) STRICT, WITHOUT ROWID;
