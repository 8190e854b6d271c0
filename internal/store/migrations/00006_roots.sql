-- +goose Up

-- The one message that a channel keeps for each incident, and edits as that changes.
CREATE TABLE roots (
    channel TEXT    NOT NULL,
    thread  TEXT    NOT NULL, -- Notification.Thread
    handle  TEXT    NOT NULL, -- as the channel knows it
    at      INTEGER NOT NULL,
    PRIMARY KEY (channel, thread)
) STRICT, WITHOUT ROWID;
