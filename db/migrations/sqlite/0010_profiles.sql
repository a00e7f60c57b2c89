-- +goose Up
-- Auto top-up profiles, what they know of customers, and what they lead to. Until now
-- they were kept as they came: profiles in objects, a customer's members in extra.

-- What the operator calls its letters. The first three come with topupd.
CREATE TABLE correspondence_types (
    id         INTEGER NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at INTEGER,
    CONSTRAINT correspondence_types_id CHECK (id > 0),
    CONSTRAINT correspondence_types_name CHECK (name <> '')
) STRICT;
CREATE UNIQUE INDEX correspondence_types_name ON correspondence_types (name COLLATE NOCASE);
INSERT INTO correspondence_types (id, name) VALUES (1, 'Auto Top-up Expected'), (2, 'Auto Top-up Card'), (3, 'Auto Top-up Direct Debit');

-- Values are millionths, of money or of a percent.
CREATE TABLE auto_topup_profiles (
    id                   INTEGER NOT NULL PRIMARY KEY,
    name                 TEXT NOT NULL,
    description          TEXT NOT NULL,
    enabled              INTEGER NOT NULL,
    trigger_basis        TEXT NOT NULL,
    trigger_type         TEXT NOT NULL,
    trigger_value        INTEGER NOT NULL,
    reference_limit      TEXT NOT NULL,
    topup_mode           TEXT NOT NULL,
    topup_value          INTEGER NOT NULL,
    topup_limit          TEXT NOT NULL,
    auto_collect         INTEGER NOT NULL,
    letter_expected      INTEGER REFERENCES correspondence_types (id),
    letter_card          INTEGER REFERENCES correspondence_types (id),
    letter_direct_debit  INTEGER REFERENCES correspondence_types (id),
    min_days             INTEGER NOT NULL,
    customer_id          INTEGER REFERENCES owners (id),
    created_at           INTEGER,
    updated_at           INTEGER,
    -- A deleted profile stays a row: expected payments name it, and its id is not used again.
    deleted_at           INTEGER,
    CONSTRAINT auto_topup_profiles_id CHECK (id > 0),
    CONSTRAINT auto_topup_profiles_name CHECK (name <> ''),
    CONSTRAINT auto_topup_profiles_flags CHECK (enabled BETWEEN 0 AND 1 AND auto_collect BETWEEN 0 AND 1),
    CONSTRAINT auto_topup_profiles_basis CHECK (trigger_basis = 'outstanding' OR trigger_basis = 'overdue' OR trigger_basis = 'unbilled_calls'),
    CONSTRAINT auto_topup_profiles_type CHECK (trigger_type IN ('absolute', 'percent')),
    CONSTRAINT auto_topup_profiles_mode CHECK (topup_mode IN ('fixed', 'to_percent')),
    CONSTRAINT auto_topup_profiles_values CHECK (trigger_value >= 0 AND topup_value >= 0 AND min_days >= 0),
    CONSTRAINT auto_topup_profiles_percent CHECK ((trigger_type = 'absolute' OR (trigger_value > 0 AND trigger_value <= 100000000))
        AND (topup_mode = 'fixed' OR topup_value < 100000000)),
    CONSTRAINT auto_topup_profiles_limit CHECK (reference_limit <> ''),
    CONSTRAINT auto_topup_profiles_customer CHECK (customer_id % 2 = 0)
) STRICT;

CREATE INDEX auto_topup_profiles_name ON auto_topup_profiles (name COLLATE NOCASE, id) WHERE deleted_at IS NULL;

-- What a customer owes, as told by import or PATCH: debts are positive.
CREATE TABLE owner_topup (
    owner_id     INTEGER NOT NULL PRIMARY KEY REFERENCES owners (id),
    top_id       INTEGER NOT NULL,
    profile_id   INTEGER REFERENCES auto_topup_profiles (id),
    amount       INTEGER,
    outstanding  INTEGER NOT NULL,
    overdue      INTEGER NOT NULL,
    unbilled     INTEGER NOT NULL,
    payment_type TEXT NOT NULL,
    suspended    TEXT NOT NULL,
    updated_at   INTEGER,
    CONSTRAINT owner_topup_customer CHECK (owner_id % 2 = 0),
    CONSTRAINT owner_topup_amount CHECK (amount IS NULL OR amount >= 0),
    CONSTRAINT owner_topup_payment_type CHECK (payment_type = '' OR payment_type = 'card' OR payment_type = 'direct_debit' OR payment_type = 'other')
) STRICT;
-- A run's cost follows the customers that are linked.
CREATE INDEX owner_topup_linked ON owner_topup (owner_id) WHERE profile_id IS NOT NULL;
CREATE INDEX owner_topup_profile ON owner_topup (profile_id, owner_id) WHERE profile_id IS NOT NULL;

CREATE TABLE owner_limits (
    owner_id INTEGER NOT NULL REFERENCES owner_topup (owner_id),
    name     TEXT NOT NULL,
    top_id   INTEGER NOT NULL,
    micros   INTEGER NOT NULL,
    PRIMARY KEY (owner_id, name),
    CONSTRAINT owner_limits_name CHECK (name <> '')
) STRICT, WITHOUT ROWID;

CREATE TABLE expected_payments (
    id                 INTEGER NOT NULL PRIMARY KEY,
    owner_id           INTEGER NOT NULL REFERENCES owners (id),
    top_id             INTEGER NOT NULL,
    profile_id         INTEGER NOT NULL REFERENCES auto_topup_profiles (id),
    run_date           TEXT NOT NULL,
    run_id             INTEGER REFERENCES runs (id),
    amount             INTEGER NOT NULL,
    unit               TEXT NOT NULL,
    method             TEXT NOT NULL,
    reason             TEXT NOT NULL,
    card_id            INTEGER REFERENCES cards (id),
    charge_id          INTEGER REFERENCES charges (id),
    payment_id         INTEGER,
    our_reference      TEXT NOT NULL,
    customer_reference TEXT NOT NULL,
    revision           INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    deleted_at         INTEGER,
    CONSTRAINT expected_payments_owner CHECK (owner_id % 2 = 0),
    CONSTRAINT expected_payments_date CHECK (length(run_date) = 10),
    CONSTRAINT expected_payments_amount CHECK (amount > 0),
    CONSTRAINT expected_payments_unit CHECK (length(unit) = 3),
    CONSTRAINT expected_payments_method CHECK (method = 'none' OR method = 'card' OR method = 'direct_debit'),
    CONSTRAINT expected_payments_collected CHECK ((method = 'card') = (card_id IS NOT NULL) AND (method = 'card') = (charge_id IS NOT NULL)),
    CONSTRAINT expected_payments_revision CHECK (revision >= 1)
) STRICT;
-- One top-up of a customer by a profile on a day, also after the first was deleted.
CREATE UNIQUE INDEX expected_payments_once ON expected_payments (owner_id, profile_id, run_date);
CREATE UNIQUE INDEX expected_payments_charge ON expected_payments (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX expected_payments_owner ON expected_payments (owner_id, id);
CREATE INDEX expected_payments_top ON expected_payments (top_id, id);
CREATE INDEX expected_payments_open ON expected_payments (owner_id) WHERE payment_id IS NULL AND deleted_at IS NULL;
CREATE INDEX expected_payments_last ON expected_payments (owner_id, run_date);

-- +goose StatementBegin
CREATE TRIGGER expected_payments_frozen BEFORE UPDATE OF owner_id, profile_id, run_date, amount, unit, method, card_id, charge_id, created_at ON expected_payments
BEGIN SELECT RAISE(ABORT, 'what was expected never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER expected_payments_no_delete BEFORE DELETE ON expected_payments
BEGIN SELECT RAISE(ABORT, 'an expected payment is never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER auto_topup_profiles_linked BEFORE UPDATE ON auto_topup_profiles
    WHEN NEW.deleted_at IS NOT NULL AND EXISTS (SELECT 1 FROM owner_topup WHERE profile_id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a linked profile is not deleted'); END;
-- +goose StatementEnd

-- A letter of a top-up; the notice is how it is delivered.
CREATE TABLE correspondence (
    id          INTEGER NOT NULL PRIMARY KEY,
    owner_id    INTEGER NOT NULL REFERENCES owners (id),
    top_id      INTEGER NOT NULL,
    type_id     INTEGER NOT NULL REFERENCES correspondence_types (id),
    expected_id INTEGER NOT NULL REFERENCES expected_payments (id),
    notice_id   INTEGER NOT NULL REFERENCES notices (id),
    created_at  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX correspondence_expected ON correspondence (expected_id);
CREATE INDEX correspondence_owner ON correspondence (owner_id, id);

ALTER TABLE runs ADD COLUMN expected INTEGER NOT NULL DEFAULT 0;

-- What is there moves. Money was always kept as a string: decimal text becomes millionths digit by digit; the rare exponent
-- alone goes through the printer of numbers.
CREATE TABLE moving (key TEXT NOT NULL, member TEXT NOT NULL, text TEXT NOT NULL) STRICT;
INSERT INTO moving SELECT 'profile:' || o.key, m.key, CAST(m.value AS TEXT)
FROM objects o, json_each(o.body) m WHERE o.type = 'auto_topup_profile' AND (m.key = 'triggerValue' OR m.key = 'topupValue');
INSERT INTO moving SELECT 'owner:' || o.id, m.key, CAST(m.value AS TEXT)
FROM owners o, json_each(NULLIF(o.extra, '')) m WHERE o.kind = 0 AND o.extra <> ''
    AND (m.key = 'autoTopupAmount' OR m.key = 'outstanding' OR m.key = 'overdue' OR m.key = 'unbilledCalls') AND m.type <> 'null';
INSERT INTO moving SELECT 'limit:' || o.id, m.key, CAST(m.value AS TEXT)
FROM owners o, json_each(NULLIF(o.extra, ''), '$.limits') m WHERE o.kind = 0 AND o.extra <> '';
UPDATE moving SET text = printf('%.6f', CAST(text AS REAL)) WHERE text LIKE '%e%';

CREATE TABLE moved (key TEXT NOT NULL, member TEXT NOT NULL, micros INTEGER NOT NULL, PRIMARY KEY (key, member)) STRICT;
INSERT INTO moved
SELECT key, member, CASE WHEN text LIKE '-%' THEN -1 ELSE 1 END *
    CAST((CASE WHEN instr(u, '.') > 0 THEN substr(u, 1, instr(u, '.') - 1) ELSE u END)
        || substr((CASE WHEN instr(u, '.') > 0 THEN substr(u, instr(u, '.') + 1) ELSE '' END) || '000000', 1, 6) AS INTEGER)
FROM (SELECT key, member, text, ltrim(text, '+-') AS u FROM moving);

-- A profile keeps its id where that is a number; others get one above the highest.
CREATE TABLE moved_ids (key TEXT NOT NULL PRIMARY KEY, id INTEGER NOT NULL) STRICT;
INSERT INTO moved_ids SELECT key, CAST(key AS INTEGER) FROM objects
WHERE type = 'auto_topup_profile' AND key = CAST(CAST(key AS INTEGER) AS TEXT) AND CAST(key AS INTEGER) > 0;
INSERT INTO moved_ids SELECT key, (SELECT COALESCE(MAX(id), 0) FROM moved_ids) + row_number() OVER (ORDER BY key) FROM objects
WHERE type = 'auto_topup_profile' AND key NOT IN (SELECT key FROM moved_ids);

-- Words that nobody knows leave the profile switched off.
INSERT INTO auto_topup_profiles (id, name, description, enabled, trigger_basis, trigger_type, trigger_value, reference_limit,
    topup_mode, topup_value, topup_limit, auto_collect, min_days, created_at, updated_at)
SELECT id, name, '', on_ AND basis IS NOT NULL AND kind IS NOT NULL AND mode IS NOT NULL AND tv >= 0 AND pv >= 0
        AND (kind = 'absolute' OR (tv > 0 AND tv <= 100000000)) AND (mode = 'fixed' OR pv < 100000000),
    COALESCE(basis, 'outstanding'),
    CASE WHEN kind = 'percent' AND tv > 0 AND tv <= 100000000 THEN 'percent' ELSE 'absolute' END, MAX(tv, 0), lim,
    CASE WHEN mode = 'to_percent' AND pv < 100000000 THEN 'to_percent' ELSE 'fixed' END, MAX(pv, 0), '', collect, 0,
    CAST(strftime('%s', 'now') AS INTEGER) * 1000000, CAST(strftime('%s', 'now') AS INTEGER) * 1000000
FROM (SELECT i.id,
    COALESCE(NULLIF(o.body ->> '$.name', ''), o.key) AS name,
    COALESCE(o.body ->> '$.enabled', 'Yes') = 'Yes' AS on_,
    COALESCE(o.body ->> '$.autoCollect', 'No') = 'Yes' AS collect,
    CASE lower(replace(replace(COALESCE(o.body ->> '$.triggerBasis', 'outstanding'), ' ', ''), '_', ''))
        WHEN 'outstanding' THEN 'outstanding' WHEN 'overdue' THEN 'overdue' WHEN 'unbilledcalls' THEN 'unbilled_calls' END AS basis,
    CASE lower(replace(replace(COALESCE(o.body ->> '$.triggerType', 'absoluteamount'), ' ', ''), '_', ''))
        WHEN 'absoluteamount' THEN 'absolute' WHEN 'percentoflimit' THEN 'percent' END AS kind,
    CASE lower(replace(replace(COALESCE(o.body ->> '$.topupMode', 'fixedamount'), ' ', ''), '_', ''))
        WHEN 'fixedamount' THEN 'fixed' WHEN 'topercentoflimit' THEN 'to_percent' END AS mode,
    COALESCE((SELECT micros FROM moved v WHERE v.key = 'profile:' || o.key AND v.member = 'triggerValue'), 0) AS tv,
    COALESCE((SELECT micros FROM moved v WHERE v.key = 'profile:' || o.key AND v.member = 'topupValue'), 0) AS pv,
    COALESCE(NULLIF(o.body ->> '$.referenceLimit', ''), 'Credit Limit') AS lim
    FROM objects o JOIN moved_ids i ON i.key = o.key WHERE o.type = 'auto_topup_profile');
DELETE FROM objects WHERE type = 'auto_topup_profile';

INSERT INTO owner_topup (owner_id, top_id, profile_id, amount, outstanding, overdue, unbilled, payment_type, suspended, updated_at)
SELECT o.id, o.top_id, (SELECT id FROM moved_ids i WHERE i.key = o.extra ->> '$.autoTopupProfileID'),
    (SELECT MAX(micros, 0) FROM moved v WHERE v.key = 'owner:' || o.id AND v.member = 'autoTopupAmount'),
    COALESCE((SELECT micros FROM moved v WHERE v.key = 'owner:' || o.id AND v.member = 'outstanding'), 0),
    COALESCE((SELECT micros FROM moved v WHERE v.key = 'owner:' || o.id AND v.member = 'overdue'), 0),
    COALESCE((SELECT micros FROM moved v WHERE v.key = 'owner:' || o.id AND v.member = 'unbilledCalls'), 0),
    COALESCE(o.extra ->> '$.payment_type', ''), '', o.updated_at
FROM owners o WHERE o.kind = 0 AND o.deleted_at IS NULL AND o.extra <> '' AND EXISTS (SELECT 1 FROM json_each(NULLIF(o.extra, '')) m
    WHERE m.key = 'autoTopupProfileID' OR m.key = 'autoTopupAmount' OR m.key = 'outstanding' OR m.key = 'overdue'
        OR m.key = 'unbilledCalls' OR m.key = 'payment_type' OR m.key = 'limits');
INSERT INTO owner_limits (owner_id, name, top_id, micros)
SELECT t.owner_id, v.member, t.top_id, v.micros FROM owner_topup t JOIN moved v ON v.key = 'limit:' || t.owner_id WHERE v.member <> '';
-- The import asserted the consent of whom it linked.
INSERT INTO mandates (owner_id, top_id, purpose, wording, amount, actor, address, given_at)
SELECT owner_id, top_id, 'profile', 'import-asserted-1', 0, 'import', '', CAST(strftime('%s', 'now') AS INTEGER) * 1000000
FROM owner_topup WHERE profile_id IS NOT NULL;
UPDATE owners SET extra = CASE r WHEN '{}' THEN '' ELSE r END FROM (SELECT id AS moved_id, json_remove(extra, '$.autoTopupProfileID',
    '$.autoTopupAmount', '$.outstanding', '$.overdue', '$.unbilledCalls', '$.payment_type', '$.limits') AS r
    FROM owners WHERE kind = 0 AND extra <> '') WHERE id = moved_id;
DROP TABLE moving;
DROP TABLE moved;
DROP TABLE moved_ids;
