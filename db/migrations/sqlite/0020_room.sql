-- +goose Up
-- The program of schema 19 works on this one.
INSERT INTO meta (key, value) VALUES ('works_with_20', '19') ON CONFLICT (key) DO UPDATE SET value = excluded.value;
