-- +goose Up

-- Reports of one message count once also where no log tells of it: one of them counts
-- instead of the others.
CREATE INDEX bounces_instead ON bounces (instead) WHERE instead IS NOT NULL;
