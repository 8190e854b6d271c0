-- +goose Up

-- Receivers that refuse an address of ours at the door, as the last answer left it. One that lets it in
-- again has no row: what was before stands among the transitions.
CREATE TABLE doors (
    target   TEXT    NOT NULL,
    receiver TEXT    NOT NULL, -- domain, lower case
    source   TEXT    NOT NULL, -- whose problem it is, as in states
    vendor   TEXT    NOT NULL, -- '' if nobody is known
    host     TEXT    NOT NULL, -- that refused
    reply    TEXT    NOT NULL, -- literal, one line
    since    INTEGER NOT NULL,
    at       INTEGER NOT NULL, -- when it was last seen
    PRIMARY KEY (target, receiver)
) STRICT, WITHOUT ROWID;
