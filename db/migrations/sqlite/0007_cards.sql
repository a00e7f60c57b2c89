-- +goose Up
-- What the switch's card methods keep: type, alias, address and telephone. A deleted
-- card is a name in the history: nothing can be charged by it.

ALTER TABLE cards ADD COLUMN card_type INTEGER NOT NULL DEFAULT 0 CHECK (card_type BETWEEN 0 AND 6);
ALTER TABLE cards ADD COLUMN alias TEXT NOT NULL DEFAULT '' CHECK (state <> 'deleted' OR ((token IS NULL OR aside = 'one_time') AND alias = ''));
ALTER TABLE cards ADD COLUMN street1 TEXT NOT NULL DEFAULT '';
ALTER TABLE cards ADD COLUMN street2 TEXT NOT NULL DEFAULT '';
ALTER TABLE cards ADD COLUMN region TEXT NOT NULL DEFAULT '';
ALTER TABLE cards ADD COLUMN postal_code TEXT NOT NULL DEFAULT '';
ALTER TABLE cards ADD COLUMN city TEXT NOT NULL DEFAULT '';
ALTER TABLE cards ADD COLUMN country TEXT NOT NULL DEFAULT '' CHECK (length(country) = 0 OR length(country) = 2);
ALTER TABLE cards ADD COLUMN phone TEXT NOT NULL DEFAULT '';
