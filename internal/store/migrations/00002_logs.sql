-- +goose Up

-- How far each log of an MTA has been read, and whether it can be.
CREATE TABLE logs (
    name     TEXT    NOT NULL PRIMARY KEY,
    position TEXT    CHECK (json_valid(position)), -- where to go on, as probes has it; NULL: never read
    state    BLOB,                                 -- what joining its lines needs after a restart
    read_at  INTEGER,                              -- when the position was last written
    began    INTEGER,                              -- when its first line was read
    upto     INTEGER,                              -- time of the latest event in it
    lines    INTEGER NOT NULL DEFAULT 0,           -- since began
    mail     INTEGER NOT NULL DEFAULT 0,           -- of these, by programs of a mail server
    told     INTEGER NOT NULL DEFAULT 0,           -- events that they told
    unread   INTEGER NOT NULL DEFAULT 0,           -- lines that should have told one and could not be read
    gap      TEXT    NOT NULL DEFAULT '',          -- what was lost last, and when
    gap_at   INTEGER,
    ok       INTEGER NOT NULL DEFAULT 0,
    since    INTEGER, -- since when ok has this value
    seen     INTEGER, -- when it was last looked at
    trouble  TEXT    NOT NULL DEFAULT ''
) STRICT;

-- Refusals come from logs too now: one row a message and recipient, however many
-- tries. SQLite cannot take a NOT NULL back, so the table is made anew.
CREATE TABLE refusals (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    mail           INTEGER REFERENCES mails (id) ON DELETE CASCADE, -- NULL: read from a log
    log            TEXT    NOT NULL, -- name of the log; '' for a mail
    queue_id       TEXT    NOT NULL, -- of the message, at the reporting host; '' if not known
    recipient      TEXT    NOT NULL, -- keyed hash, or the position if it is not known
    position       INTEGER NOT NULL, -- within the mail
    first          INTEGER NOT NULL, -- the first try that was refused
    at             INTEGER NOT NULL, -- and the last
    heard          INTEGER NOT NULL, -- the last that was heard of the message, whatever it was
    tries          INTEGER NOT NULL, -- that were refused
    outcome        TEXT    NOT NULL, -- action heard last
    final          INTEGER NOT NULL, -- the MTA will not try again
    instead        INTEGER,          -- id of the row of a log that is the same refusal, and counts in place of this one
    target         TEXT    NOT NULL, -- whom the refusal is laid at; '' if that is not known
    counted        INTEGER NOT NULL, -- proved, for reputation, laid at a target, and no other row counts instead
    action         TEXT    NOT NULL, -- the worst that was heard
    domain         TEXT    NOT NULL,
    reply          TEXT    NOT NULL,
    status         TEXT    NOT NULL,
    diagnostic     TEXT    NOT NULL,
    stage          TEXT    NOT NULL,
    category       TEXT    NOT NULL,
    reputation     INTEGER NOT NULL,
    temporary      INTEGER NOT NULL,
    vendor         TEXT    NOT NULL,
    blocklist      TEXT    NOT NULL,
    named_address  TEXT    NOT NULL,
    named_domain   TEXT    NOT NULL,
    url            TEXT    NOT NULL,
    code           TEXT    NOT NULL,
    rule           TEXT    NOT NULL,
    remedy         TEXT    NOT NULL,
    remote_host    TEXT    NOT NULL,
    remote_addr    TEXT    NOT NULL,
    reporting_host TEXT    NOT NULL,
    source         TEXT    NOT NULL,
    message_id     TEXT    NOT NULL,
    sender         TEXT    NOT NULL,
    UNIQUE (mail, recipient)
) STRICT;
INSERT INTO refusals SELECT id, mail, '', '', recipient, position, at, at, at, 1, action, action <> 'delayed', NULL, target, counted, action, domain, reply, status,
    diagnostic, stage, category, reputation, temporary, vendor, blocklist, named_address, named_domain, url, code, rule, remedy, remote_host, remote_addr,
    reporting_host, source, message_id, sender FROM bounces;
DROP TABLE bounces;
ALTER TABLE refusals RENAME TO bounces;
CREATE INDEX bounces_by_time ON bounces (at);
CREATE INDEX bounces_counted ON bounces (at) WHERE counted;
CREATE INDEX bounces_by_target ON bounces (target, at) WHERE counted;
CREATE INDEX bounces_by_queue ON bounces (queue_id, recipient) WHERE queue_id <> '';
CREATE INDEX bounces_by_message ON bounces (message_id, recipient) WHERE message_id <> '';
-- Messages that an MTA still tries: each delivery is looked for among them.
CREATE INDEX bounces_pending ON bounces (queue_id, recipient) WHERE log <> '' AND NOT final;

-- What became of mails in one hour: those that were taken, and those that were refused
-- or deferred for reputation for the first time. Domain '*' is all receivers together.
CREATE TABLE traffic (
    target    TEXT    NOT NULL,
    domain    TEXT    NOT NULL,
    hour      INTEGER NOT NULL, -- since 1970
    vendor    TEXT    NOT NULL, -- whose host answered for the receiver; '' if that is not known
    delivered INTEGER NOT NULL,
    deferred  INTEGER NOT NULL,
    refused   INTEGER NOT NULL,
    PRIMARY KEY (target, domain, hour, vendor)
) STRICT, WITHOUT ROWID;
CREATE INDEX traffic_deferred ON traffic (hour) WHERE deferred > 0;

-- Receivers that refused mail of a target, and whether they have taken any since.
CREATE TABLE acceptances (
    target   TEXT    NOT NULL,
    domain   TEXT    NOT NULL,
    refused  INTEGER NOT NULL, -- the last refusal for reputation
    first    INTEGER,          -- the first mail taken since; NULL: none
    last     INTEGER,
    accepted INTEGER NOT NULL, -- how many
    PRIMARY KEY (target, domain)
) STRICT, WITHOUT ROWID;

-- What a list answered about a target when a refusal had named it: the other half of the evidence.
CREATE TABLE answers (
    target  TEXT    NOT NULL,
    source  TEXT    NOT NULL, -- id of the list
    at      INTEGER NOT NULL,
    status  TEXT    NOT NULL,
    summary TEXT    NOT NULL,
    content TEXT    NOT NULL CHECK (json_valid(content)), -- its evidence
    PRIMARY KEY (target, source)
) STRICT, WITHOUT ROWID;

-- Complaints are laid at targets as refusals are.
ALTER TABLE mails ADD COLUMN target TEXT NOT NULL DEFAULT '';
ALTER TABLE mails ADD COLUMN complained INTEGER;
UPDATE mails SET target = coalesce(feedback ->> 'Source', ''), complained = coalesce(received, stored) WHERE kind = 'complaint';
CREATE INDEX mails_complaints ON mails (complained) WHERE kind = 'complaint';
