-- +goose Up

-- How many reports of a day are proved is counted whenever somebody looks: from the index alone.
DROP INDEX mails_by_stored;
CREATE INDEX mails_by_stored ON mails (mailbox, stored, kind, proof);

-- The latest refusals of one vendor or one receiver, who may not have refused any for months.
CREATE INDEX bounces_by_vendor ON bounces (vendor, at) WHERE counted;
CREATE INDEX bounces_by_domain ON bounces (domain, at) WHERE counted;
