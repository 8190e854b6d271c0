-- +goose Up

-- What those who rate senders said: a row is a run of equal readings of one source
-- about one target.
CREATE TABLE readings (
    source   TEXT    NOT NULL, -- id of a score, a programme or a page
    target   TEXT    NOT NULL, -- Target.ID
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    value    TEXT    NOT NULL, -- in the words of the source
    number   REAL,             -- where it is one
    level    TEXT    NOT NULL,
    how      TEXT    NOT NULL, -- measured or recorded
    who      TEXT    NOT NULL, -- recorded it
    note     TEXT    NOT NULL,
    evidence TEXT    NOT NULL CHECK (json_valid(evidence)), -- of the last one
    PRIMARY KEY (source, target, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX readings_by_target ON readings (target);
-- What people wrote down is looked at every minute.
CREATE INDEX readings_recorded ON readings (source, target) WHERE how = 'recorded';
