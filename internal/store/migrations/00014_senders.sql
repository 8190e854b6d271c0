-- +goose Up

-- Who handed in the mail of each address and hour, as logs tell it, for the suspects of an
-- incident: the heaviest of each hour, for SendersKept. They are our own users, hosts and programs.
CREATE TABLE senders (
    hour    INTEGER NOT NULL, -- since 1970
    kind    TEXT    NOT NULL, -- bounce.OriginKind
    target  TEXT    NOT NULL, -- Target.ID that it left from
    name    TEXT    NOT NULL,
    mails   INTEGER NOT NULL, -- that were delivered or refused for good
    unknown INTEGER NOT NULL, -- of these, to recipients that there are not
    refused INTEGER NOT NULL, -- refused or deferred for reputation, each mail once
    PRIMARY KEY (hour, kind, target, name)
) STRICT, WITHOUT ROWID;
