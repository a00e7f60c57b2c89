-- +goose Up
-- Pool plans: allowances that a customer's subscribers share. What is in an allowance
-- is the ledger's: the customer's bucket of the unit "SMS/500" for offer 500.
CREATE TABLE pool_plans (
    offer           INTEGER NOT NULL PRIMARY KEY,
    owner_id        INTEGER NOT NULL REFERENCES owners (id),
    top_id          INTEGER NOT NULL,
    name            TEXT NOT NULL,
    currency        TEXT NOT NULL,
    expiration_type TEXT NOT NULL,
    expires_at      INTEGER,
    lapsed          INTEGER NOT NULL,
    lapses          INTEGER NOT NULL,
    created_at      INTEGER,
    updated_at      INTEGER,
    CONSTRAINT pool_plans_offer CHECK (offer > 0),
    CONSTRAINT pool_plans_customer CHECK (owner_id % 2 = 0),
    CONSTRAINT pool_plans_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT pool_plans_currency CHECK (length(currency) = 3),
    -- The end of a day, in UTC.
    CONSTRAINT pool_plans_expires CHECK (expires_at % 86400000000 = 0),
    CONSTRAINT pool_plans_lapsed CHECK ((lapsed = 0 OR lapsed = 1) AND (lapsed = 0 OR expires_at IS NOT NULL)),
    CONSTRAINT pool_plans_lapses CHECK (lapses >= lapsed)
) STRICT;

CREATE INDEX pool_plans_owner ON pool_plans (owner_id);
CREATE INDEX pool_plans_due ON pool_plans (expires_at) WHERE expires_at IS NOT NULL AND lapsed = 0;

-- +goose StatementBegin
CREATE TRIGGER pool_plans_stay BEFORE UPDATE OF owner_id, top_id ON pool_plans
    WHEN NEW.owner_id <> OLD.owner_id OR NEW.top_id <> OLD.top_id
BEGIN SELECT RAISE(ABORT, 'the customer of a pool plan never changes: its buckets are the customer''s'); END;
-- +goose StatementEnd

CREATE TABLE pool_balances (
    offer       INTEGER NOT NULL REFERENCES pool_plans (offer),
    unit        TEXT NOT NULL,
    top_id      INTEGER NOT NULL,
    total       INTEGER NOT NULL,
    low_at      INTEGER,
    low_percent INTEGER,
    low         INTEGER NOT NULL,
    episodes    INTEGER NOT NULL,
    PRIMARY KEY (offer, unit),
    CONSTRAINT pool_balances_unit CHECK (unit = 'SMS' OR unit = 'KB'),
    CONSTRAINT pool_balances_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT pool_balances_total CHECK (total >= 0),
    CONSTRAINT pool_balances_low_at CHECK (low_at >= 0),
    CONSTRAINT pool_balances_percent CHECK (low_percent BETWEEN 0 AND 100000000),
    CONSTRAINT pool_balances_one CHECK (low_at IS NULL OR low_percent IS NULL),
    CONSTRAINT pool_balances_low CHECK (low = 0 OR low = 1),
    CONSTRAINT pool_balances_episodes CHECK (episodes >= low)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_subscribers (
    offer      INTEGER NOT NULL REFERENCES pool_plans (offer),
    n          INTEGER NOT NULL,
    top_id     INTEGER NOT NULL,
    subscriber TEXT NOT NULL,
    PRIMARY KEY (offer, n),
    CONSTRAINT pool_subscribers_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT pool_subscribers_named CHECK (subscriber <> '')
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX pool_subscribers_once ON pool_subscribers (offer, subscriber);

-- A request that was acknowledged: a worker applies it once. It needs no lease, since
-- nothing leaves the database: the transaction that applies it is the claim.
CREATE TABLE pool_topups (
    id           TEXT NOT NULL PRIMARY KEY,
    requester_id INTEGER NOT NULL REFERENCES owners (id),
    login        TEXT NOT NULL,
    owner_id     INTEGER NOT NULL REFERENCES owners (id),
    top_id       INTEGER NOT NULL,
    offer        INTEGER NOT NULL REFERENCES pool_plans (offer),
    charge       INTEGER NOT NULL,
    currency     TEXT NOT NULL,
    expires_at   INTEGER,
    sms          INTEGER NOT NULL,
    kb           INTEGER NOT NULL,
    state        TEXT NOT NULL,
    reason       TEXT NOT NULL,
    posting_id   INTEGER REFERENCES postings (id),
    tries        INTEGER NOT NULL,
    due_at       INTEGER,
    created_at   INTEGER NOT NULL,
    finished_at  INTEGER,
    CONSTRAINT pool_topups_id CHECK (length(id) = 36),
    CONSTRAINT pool_topups_requester CHECK (requester_id % 2 = 0 AND requester_id <> owner_id),
    CONSTRAINT pool_topups_customer CHECK (owner_id % 2 = 0),
    CONSTRAINT pool_topups_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT pool_topups_charge CHECK (charge >= 0 AND length(currency) = 3),
    CONSTRAINT pool_topups_expires CHECK (expires_at % 86400000000 = 0),
    CONSTRAINT pool_topups_allowance CHECK (sms >= 0 AND kb >= 0 AND sms + kb > 0),
    CONSTRAINT pool_topups_state CHECK (state = 'open' OR state = 'success' OR state = 'failure' OR state = 'fault'),
    CONSTRAINT pool_topups_due CHECK ((state = 'open') = (due_at IS NOT NULL)),
    CONSTRAINT pool_topups_finished CHECK ((state = 'open') = (finished_at IS NULL)),
    -- Its state and its posting commit together.
    CONSTRAINT pool_topups_posting CHECK ((state = 'success') = (posting_id IS NOT NULL)),
    CONSTRAINT pool_topups_tries CHECK (tries >= 0)
) STRICT;

CREATE INDEX pool_topups_due ON pool_topups (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX pool_topups_old ON pool_topups (finished_at) WHERE finished_at IS NOT NULL;
CREATE UNIQUE INDEX pool_topups_posting ON pool_topups (posting_id) WHERE posting_id IS NOT NULL;
CREATE INDEX pool_topups_owner ON pool_topups (owner_id);

-- +goose StatementBegin
CREATE TRIGGER pool_topups_frozen BEFORE UPDATE OF id, requester_id, login, owner_id, top_id, offer, charge, currency,
    expires_at, sms, kb, created_at ON pool_topups
BEGIN SELECT RAISE(ABORT, 'what a pool top-up asks for never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER pool_topups_final BEFORE UPDATE ON pool_topups WHEN OLD.state <> 'open'
BEGIN SELECT RAISE(ABORT, 'a finished pool top-up never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER pool_topups_no_delete BEFORE DELETE ON pool_topups WHEN OLD.state = 'open'
BEGIN SELECT RAISE(ABORT, 'an open pool top-up is never deleted'); END;
-- +goose StatementEnd

-- Lines that an import kept so far become rows, unless they do not fit: a customer that
-- is not there, another currency than the customer's, a unit that is none. Those stay.
CREATE TABLE moved_pool_plans AS
SELECT j.key AS key, j.body AS body, CAST(j.body ->> '$.offer' AS INTEGER) AS offer, o.id AS owner_id, o.top_id AS top_id
FROM objects j JOIN owners o ON o.id = 2 * CAST(j.body ->> '$.i_customer' AS INTEGER) AND o.deleted_at IS NULL
    AND o.currency = j.body ->> '$.currency'
WHERE j.type = 'pool_plan' AND (j.body ->> '$.offer') > 0
    AND NOT EXISTS (SELECT 1 FROM json_each(j.body, '$.balances') b WHERE b.key NOT IN ('SMS', 'KB')
        OR ltrim(b.value, '-') GLOB '*[^0-9.]*' OR ltrim(b.value, '-') NOT GLOB '[0-9]*' OR instr(b.value || '.', '.') > 14
        OR b.value GLOB '*.*.*' OR (b.key = 'SMS' AND rtrim(rtrim(b.value || CASE instr(b.value, '.') WHEN 0 THEN '.' ELSE '' END, '0'), '.') GLOB '*.*'));

INSERT INTO pool_plans (offer, owner_id, top_id, name, currency, expiration_type, expires_at, lapsed, lapses, created_at, updated_at)
SELECT offer, owner_id, top_id, body ->> '$.name', body ->> '$.currency', COALESCE(body ->> '$.expirationType', ''),
    CAST(strftime('%s', body ->> '$.expires', '+1 day') AS INTEGER) * 1000000, 0, 0, NULL, NULL
FROM moved_pool_plans;

INSERT INTO pool_subscribers (offer, n, top_id, subscriber)
SELECT m.offer, MIN(s.key) + 1, m.top_id, s.value FROM moved_pool_plans m, json_each(m.body, '$.subscribers') s
WHERE s.value <> '' GROUP BY m.offer, m.top_id, s.value;

-- Six digits after the point, as text, are the millionths.
CREATE TABLE moved_pool_balances AS
SELECT m.offer AS offer, m.owner_id AS owner_id, m.top_id AS top_id, b.key AS unit, CAST(
    CASE instr(b.value, '.') WHEN 0 THEN b.value || '000000'
    ELSE substr(b.value, 1, instr(b.value, '.') - 1) || substr(substr(b.value, instr(b.value, '.') + 1) || '000000', 1, 6) END
    AS INTEGER) AS micros
FROM moved_pool_plans m, json_each(m.body, '$.balances') b;

INSERT INTO pool_balances (offer, unit, top_id, total, low_at, low_percent, low, episodes)
SELECT offer, unit, top_id, MAX(micros, 0), NULL, NULL, 0, 0 FROM moved_pool_balances;

INSERT INTO buckets (owner_id, unit, top_id, balance, reserved)
SELECT owner_id, unit || '/' || offer, top_id, micros, 0 FROM moved_pool_balances WHERE micros <> 0;

INSERT INTO postings (top_id, kind, cause, input, charge_id, notes, actor, booked_at, effective_at)
SELECT top_id, 'adjustment', 'migration:pool:' || offer || ':' || unit, '', NULL, '', 'migration',
    CAST(strftime('%s', 'now') AS INTEGER) * 1000000, CAST(strftime('%s', 'now') AS INTEGER) * 1000000
FROM moved_pool_balances WHERE micros <> 0;

INSERT INTO entries (posting_id, n, top_id, owner_id, account, unit, micros, payment_at)
SELECT p.id, 0, m.top_id, m.owner_id, NULL, m.unit || '/' || m.offer, m.micros, NULL
FROM moved_pool_balances m JOIN postings p ON p.cause = 'migration:pool:' || m.offer || ':' || m.unit;

INSERT INTO entries (posting_id, n, top_id, owner_id, account, unit, micros, payment_at)
SELECT p.id, 1, m.top_id, NULL, 'adjustment', m.unit || '/' || m.offer, -m.micros, NULL
FROM moved_pool_balances m JOIN postings p ON p.cause = 'migration:pool:' || m.offer || ':' || m.unit;

DELETE FROM objects WHERE type = 'pool_plan' AND key IN (SELECT key FROM moved_pool_plans);
DROP TABLE moved_pool_balances;
DROP TABLE moved_pool_plans;
