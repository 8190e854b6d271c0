-- +goose Up

-- What the senders publish of themselves in the DNS: a row is a run of equal answers.
CREATE TABLE published (
    target TEXT    NOT NULL, -- Target.ID
    what   TEXT    NOT NULL, -- PTR, SPF, DKIM s1, ...
    first  INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    value  TEXT    NOT NULL, -- empty: nothing is published
    PRIMARY KEY (target, what, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX published_by_first ON published (first);

-- Of which of it there is no answer at present.
CREATE TABLE unanswered (
    target TEXT    NOT NULL,
    what   TEXT    NOT NULL,
    since  INTEGER NOT NULL,
    asked  INTEGER NOT NULL, -- last
    PRIMARY KEY (target, what)
) STRICT, WITHOUT ROWID;
CREATE INDEX unanswered_by_since ON unanswered (since);
