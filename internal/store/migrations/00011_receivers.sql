-- +goose Up

-- What all receivers did in the last hours: the hour comes last in the key of traffic.
CREATE INDEX traffic_by_hour ON traffic (hour);
