-- +goose Up
-- Room in the pages of the rows that change all day, so that a change stays in its page
-- and the indexes are left alone.
ALTER TABLE buckets SET (fillfactor = 85);
ALTER TABLE low_balance SET (fillfactor = 85);
ALTER TABLE charges SET (fillfactor = 85);

-- The program of schema 19 works on this one, while servers are replaced one by one.
INSERT INTO meta (key, value) VALUES ('works_with_20', '19') ON CONFLICT (key) DO UPDATE SET value = excluded.value;
