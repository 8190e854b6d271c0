-- +goose Up

-- What is wrong with the daemon itself, by its parts; a part that is well has no row.
CREATE TABLE conditions (
    part  TEXT    NOT NULL PRIMARY KEY,
    since INTEGER NOT NULL,
    what  TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
