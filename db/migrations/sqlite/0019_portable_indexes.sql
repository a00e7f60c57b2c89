-- +goose Up
-- Statements find rows by an index only when they say its condition in its words, and
-- these were SQLite's alone: a flag that is compared with a number, a COLLATE NOCASE.

DROP INDEX pool_plans_due;
CREATE INDEX pool_plans_due ON pool_plans (expires_at) WHERE expires_at IS NOT NULL AND NOT lapsed;
DROP INDEX hub_subscriptions_balances;
CREATE INDEX hub_subscriptions_balances ON hub_subscriptions (balances) WHERE deleted_at IS NULL AND balances;

DROP INDEX correspondence_types_name;
CREATE UNIQUE INDEX correspondence_types_name ON correspondence_types (lower(name));
DROP INDEX expected_payment_types_name;
CREATE UNIQUE INDEX expected_payment_types_name ON expected_payment_types (lower(name));
DROP INDEX auto_topup_profiles_name;
CREATE INDEX auto_topup_profiles_name ON auto_topup_profiles (lower(name), id) WHERE deleted_at IS NULL;
