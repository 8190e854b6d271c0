-- +goose Up

-- Links that show one pool to people outside, without signing in. The token stands in the link
-- alone: whoever reads the database, or a backup of it, can open none of them.
CREATE TABLE shares (
    id      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    hash    BLOB    NOT NULL UNIQUE, -- SHA-256 of the token
    pool    TEXT    NOT NULL,
    note    TEXT    NOT NULL,        -- whom it is for; never shown by the link
    expires INTEGER NOT NULL,
    revoked INTEGER,                 -- NULL: it is not
    used    INTEGER,                 -- when it was last opened
    uses    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Who made and who revoked each.
CREATE TABLE share_events (
    id    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    share INTEGER NOT NULL REFERENCES shares (id),
    at    INTEGER NOT NULL,
    kind  TEXT    NOT NULL CHECK (kind IN ('made', 'revoked')),
    who   TEXT    NOT NULL
) STRICT;
CREATE INDEX share_events_by_share ON share_events (share, kind);
