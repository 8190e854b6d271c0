-- +goose Up

-- Who stands before the receivers of our mail, by their MX records.
CREATE TABLE receivers (
    domain TEXT    NOT NULL PRIMARY KEY, -- lower case
    vendor TEXT    NOT NULL,             -- '' if nobody does who is known
    how    TEXT    NOT NULL,             -- by what that is known
    mx     TEXT    NOT NULL CHECK (json_valid(mx)), -- hosts, the most preferred first
    at     INTEGER NOT NULL              -- when the DNS was asked
) STRICT, WITHOUT ROWID;
