-- +goose Up

-- Marks the file as ours ("repu").
PRAGMA application_id = 1919250549;

-- Values that are made once: the key of recipient hashes.
CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The one daemon that runs on this database.
CREATE TABLE lease (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    token    TEXT    NOT NULL, -- random; who knows it holds the lease
    holder   TEXT    NOT NULL,
    host     TEXT    NOT NULL,
    pid      INTEGER NOT NULL,
    scope    TEXT    NOT NULL, -- within which the pid means something; '' if not known
    acquired INTEGER NOT NULL,
    renewed  INTEGER NOT NULL,
    expires  INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    check_name TEXT    NOT NULL,
    started    INTEGER NOT NULL,
    finished   INTEGER,
    state      TEXT    NOT NULL CHECK (state IN ('running', 'complete', 'troubled', 'abandoned')),
    summary    TEXT    CHECK (json_valid(summary))
) STRICT;
CREATE INDEX runs_by_check ON runs (check_name, id);

-- How far each mailbox has been read, and whether it can be.
CREATE TABLE mailboxes (
    name         TEXT    NOT NULL PRIMARY KEY,
    uid_validity INTEGER NOT NULL DEFAULT 0,
    uid          INTEGER NOT NULL DEFAULT 0,
    read_at      INTEGER, -- when the position was last written
    ok           INTEGER NOT NULL DEFAULT 0,
    since        INTEGER, -- since when ok has this value
    seen         INTEGER, -- when it was last looked at
    trouble      TEXT    NOT NULL DEFAULT ''
) STRICT;

-- One row a mail, whatever it is. The hash of its content is what makes it one:
-- the place changes with UIDVALIDITY.
CREATE TABLE mails (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    hash         TEXT    NOT NULL UNIQUE,
    mailbox      TEXT    NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid          INTEGER NOT NULL,
    received     INTEGER,
    stored       INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    cut          INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    proof        TEXT    NOT NULL, -- kind of proof, '' if there is none
    proof_detail TEXT    NOT NULL,
    trouble      TEXT    NOT NULL,
    subject      TEXT    NOT NULL, -- of mails that a person has to look at
    message_id   TEXT    NOT NULL,
    feedback     TEXT    CHECK (json_valid(feedback)) -- of a complaint
) STRICT;
CREATE INDEX mails_by_stored ON mails (mailbox, stored);
CREATE INDEX mails_unparsed ON mails (stored) WHERE kind = 'unparsed';

-- One row a failed or delayed recipient of one mail.
CREATE TABLE bounces (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    mail           INTEGER NOT NULL REFERENCES mails (id) ON DELETE CASCADE,
    recipient      TEXT    NOT NULL, -- keyed hash, or the position if it is not known
    position       INTEGER NOT NULL, -- within the mail
    at             INTEGER NOT NULL,
    target         TEXT    NOT NULL, -- whom the refusal is laid at; '' if that is not known
    counted        INTEGER NOT NULL, -- proved, for reputation, and laid at a target
    action         TEXT    NOT NULL,
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
CREATE INDEX bounces_by_time ON bounces (at);
CREATE INDEX bounces_counted ON bounces (at) WHERE counted;
CREATE INDEX bounces_by_target ON bounces (target, at) WHERE counted;

-- The last that is known of each question that there is something to know about.
CREATE TABLE states (
    check_name TEXT    NOT NULL,
    target     TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    status     TEXT    NOT NULL CHECK (status IN ('ok', 'problem')), -- an unknown answer is no knowledge
    code       TEXT    NOT NULL,
    severity   TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    seen       INTEGER NOT NULL,
    unknown    INTEGER, -- since when there has been no answer
    PRIMARY KEY (check_name, target, source)
) STRICT, WITHOUT ROWID;

-- One row for each change of what is known of a question, for ever.
CREATE TABLE transitions (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    check_name TEXT    NOT NULL,
    target     TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    before     TEXT    NOT NULL, -- status until then, '' for the first
    status     TEXT    NOT NULL,
    code       TEXT    NOT NULL,
    severity   TEXT    NOT NULL,
    summary    TEXT    NOT NULL,
    facts      TEXT    NOT NULL CHECK (json_valid(facts)),
    evidence   TEXT    NOT NULL CHECK (json_valid(evidence))
) STRICT;
CREATE INDEX transitions_by_key ON transitions (check_name, target, source, at);
CREATE INDEX transitions_by_target ON transitions (target, at);

CREATE TABLE incidents (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    cause     TEXT    NOT NULL,
    title     TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    severity  TEXT    NOT NULL,
    impact    TEXT    NOT NULL CHECK (json_valid(impact)),
    opened    INTEGER,
    changed   INTEGER,
    last_seen INTEGER,
    resolved  INTEGER,
    acked_by  TEXT    NOT NULL,
    acked_at  INTEGER,
    silenced  INTEGER,
    note      TEXT    NOT NULL,
    last_told INTEGER,
    reminded  INTEGER NOT NULL,
    existing  INTEGER NOT NULL,
    relapses  INTEGER NOT NULL
) STRICT;
CREATE INDEX incidents_unresolved ON incidents (id) WHERE state <> 'resolved';
CREATE INDEX incidents_resolved ON incidents (resolved) WHERE state = 'resolved';

-- What moves with every sighting: narrow rows, because a network that is listed as a
-- whole has 65,536 of them, and each round writes them all.
CREATE TABLE members (
    id          INTEGER NOT NULL PRIMARY KEY,
    incident    INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    check_name  TEXT    NOT NULL,
    target      TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    position    INTEGER NOT NULL, -- worst first
    seen        INTEGER, -- when the answer of the finding was had
    proved      TEXT    CHECK (json_valid(proved)), -- when each piece of its evidence was had, if not then
    first       INTEGER,
    last        INTEGER,
    clear       INTEGER NOT NULL,
    clear_since INTEGER,
    unknown     INTEGER,
    UNIQUE (incident, check_name, target, source)
) STRICT;

-- The rest of a member's finding, which mostly stays as it was.
CREATE TABLE findings (
    member  INTEGER NOT NULL PRIMARY KEY REFERENCES members (id) ON DELETE CASCADE,
    content TEXT    NOT NULL CHECK (json_valid(content))
) STRICT;

-- What happened to an incident and was told, and what people did about it.
CREATE TABLE events (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    incident INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    at       INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    severity TEXT    NOT NULL,
    who      TEXT    NOT NULL, -- '' if the monitor did it
    note     TEXT    NOT NULL
) STRICT;
CREATE INDEX events_by_incident ON events (incident, id);

-- What was not told, and why; one row for each reason, however often it was given.
CREATE TABLE decisions (
    incident INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    kind     TEXT    NOT NULL,
    why      TEXT    NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    times    INTEGER NOT NULL,
    PRIMARY KEY (incident, kind, why)
) STRICT, WITHOUT ROWID;

-- Notices, one row a channel. The same notice is never queued twice for one channel.
CREATE TABLE outbox (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    incident     INTEGER REFERENCES incidents (id) ON DELETE CASCADE,
    channel      TEXT    NOT NULL,
    notice       TEXT    NOT NULL, -- Notification.ID
    kind         TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('queued', 'sent', 'refused')),
    queued       INTEGER NOT NULL,
    next         INTEGER NOT NULL, -- not to be tried before
    tries        INTEGER NOT NULL,
    done         INTEGER, -- when it was sent or refused
    why          TEXT    NOT NULL, -- the last error
    -- Large, so it comes last, and goes once it is sent or refused.
    notification TEXT    CHECK (iif(state = 'queued', coalesce(json_valid(notification), 0), notification IS NULL)),
    UNIQUE (channel, notice)
) STRICT;
CREATE INDEX outbox_queued ON outbox (channel, incident, id) WHERE state = 'queued';
CREATE INDEX outbox_by_incident ON outbox (incident, id);
CREATE INDEX outbox_by_state ON outbox (channel, state, done);
