-- +goose Up

-- Refusals and deferrals that count, by who refused, for pictures of a time: a year of them is
-- summed up as they come, and not whenever somebody looks.
CREATE TABLE flows (
    hours    INTEGER NOT NULL, -- length of the step: 1 or 24
    step     INTEGER NOT NULL, -- number of the step since 1970
    name     TEXT    NOT NULL, -- vendor that refused, else the receiving domain
    refused  INTEGER NOT NULL,
    deferred INTEGER NOT NULL,
    PRIMARY KEY (hours, step, name)
) STRICT, WITHOUT ROWID;
INSERT INTO flows SELECT column1, at / (column1 * 3600000000), iif(vendor = '', domain, vendor), sum(action = 'failed'), sum(action <> 'failed')
    FROM (VALUES (1), (24)) CROSS JOIN bounces WHERE counted GROUP BY 1, 2, 3;

-- The sums follow the rows, whichever of the many ways a row comes to count, moves or counts no more:
-- late proof, a report of the same message, a try that fails at last. There is none for rows that are
-- deleted: what is old has happened all the same. A migration that makes bounces anew has to make these anew.
-- +goose StatementBegin
CREATE TRIGGER bounces_flow AFTER INSERT ON bounces WHEN new.counted BEGIN
    INSERT INTO flows SELECT column1, new.at / (column1 * 3600000000), iif(new.vendor = '', new.domain, new.vendor), new.action = 'failed', new.action <> 'failed'
        FROM (VALUES (1), (24)) WHERE TRUE
        ON CONFLICT (hours, step, name) DO UPDATE SET refused = refused + excluded.refused, deferred = deferred + excluded.deferred;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER bounces_flow_moves AFTER UPDATE OF counted, at, vendor, domain, action ON bounces
WHEN (old.counted, old.at, old.vendor, old.domain, old.action) IS NOT (new.counted, new.at, new.vendor, new.domain, new.action) BEGIN
    UPDATE flows SET refused = refused - (old.action = 'failed'), deferred = deferred - (old.action <> 'failed')
        WHERE old.counted AND hours = 1 AND step = old.at / 3600000000 AND name = iif(old.vendor = '', old.domain, old.vendor);
    UPDATE flows SET refused = refused - (old.action = 'failed'), deferred = deferred - (old.action <> 'failed')
        WHERE old.counted AND hours = 24 AND step = old.at / 86400000000 AND name = iif(old.vendor = '', old.domain, old.vendor);
    INSERT INTO flows SELECT column1, new.at / (column1 * 3600000000), iif(new.vendor = '', new.domain, new.vendor), new.action = 'failed', new.action <> 'failed'
        FROM (VALUES (1), (24)) WHERE new.counted
        ON CONFLICT (hours, step, name) DO UPDATE SET refused = refused + excluded.refused, deferred = deferred + excluded.deferred;
END;
-- +goose StatementEnd

-- What each receiver took in one hour, whoever sent it: traffic is by target, of which there may be
-- tens of thousands. An address and the domain that mail was sent as both count a delivery.
CREATE TABLE takers (
    hour      INTEGER NOT NULL, -- since 1970
    domain    TEXT    NOT NULL, -- the receiving one
    vendor    TEXT    NOT NULL, -- whose host answered for it; '' if that is not known
    addresses INTEGER NOT NULL, -- deliveries that count for addresses
    others    INTEGER NOT NULL, -- deliveries that count for domains
    PRIMARY KEY (hour, domain, vendor)
) STRICT, WITHOUT ROWID;
INSERT INTO takers SELECT hour, domain, vendor, sum(iif(target GLOB '*:*' OR target GLOB '*[0-9]', delivered, 0)), sum(iif(target GLOB '*:*' OR target GLOB '*[0-9]', 0, delivered))
    FROM traffic WHERE domain <> '*' AND delivered > 0 AND hour >= (SELECT max(hour) FROM traffic) - 35 * 24 GROUP BY hour, domain, vendor;
DROP INDEX traffic_by_hour; -- was for nothing else

-- Who had sent what was refused is looked up for the suspects of an incident, a week of hours at once: from the
-- index alone, since the rows are wide.
DROP INDEX bounces_by_time;
CREATE INDEX bounces_by_time ON bounces (at, log, sender, target, category, status, action, counted);
