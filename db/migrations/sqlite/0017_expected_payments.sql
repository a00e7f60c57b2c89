-- +goose Up
-- Expected payments that a person asks for, of types of the operator's, and those that an import brings: they have no
-- charge here, and no payment.

CREATE TABLE expected_payment_types (
    id           INTEGER NOT NULL PRIMARY KEY,
    name         TEXT NOT NULL,
    display_name TEXT NOT NULL,
    description  TEXT NOT NULL,
    created_at   INTEGER,
    updated_at   INTEGER,
    CONSTRAINT expected_payment_types_id CHECK (id > 0),
    CONSTRAINT expected_payment_types_name CHECK (name <> '')
) STRICT;
CREATE UNIQUE INDEX expected_payment_types_name ON expected_payment_types (name COLLATE NOCASE);
-- What profiles make.
INSERT INTO expected_payment_types (id, name, display_name, description) VALUES (1, 'Auto Top-up', 'Auto Top-up', '');

-- profile_id may be null and fulfilled_at is new, so the table is made anew.
CREATE TABLE expected_payments_new (
    id                 INTEGER NOT NULL PRIMARY KEY,
    owner_id           INTEGER NOT NULL REFERENCES owners (id),
    top_id             INTEGER NOT NULL,
    type_id            INTEGER NOT NULL REFERENCES expected_payment_types (id),
    profile_id         INTEGER REFERENCES auto_topup_profiles (id),
    run_date           TEXT NOT NULL,
    run_id             INTEGER REFERENCES runs (id),
    amount             INTEGER NOT NULL,
    unit               TEXT NOT NULL,
    method             TEXT NOT NULL,
    reason             TEXT NOT NULL,
    card_id            INTEGER REFERENCES cards (id),
    charge_id          INTEGER REFERENCES charges (id),
    imported           INTEGER NOT NULL,
    payment_id         INTEGER,
    fulfilled_at       INTEGER,
    our_reference      TEXT NOT NULL,
    customer_reference TEXT NOT NULL,
    revision           INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    deleted_at         INTEGER,
    CONSTRAINT expected_payments_id CHECK (id > 0),
    CONSTRAINT expected_payments_owner CHECK (owner_id % 2 = 0),
    CONSTRAINT expected_payments_date CHECK (length(run_date) = 10),
    CONSTRAINT expected_payments_amount CHECK (amount > 0),
    CONSTRAINT expected_payments_unit CHECK (length(unit) = 3),
    CONSTRAINT expected_payments_method CHECK (method = 'none' OR method = 'card' OR method = 'direct_debit'),
    CONSTRAINT expected_payments_imported CHECK (imported BETWEEN 0 AND 1),
    CONSTRAINT expected_payments_collected CHECK ((method = 'card') = (card_id IS NOT NULL)
        AND (method = 'card' AND imported = 0) = (charge_id IS NOT NULL)),
    -- A profile's are of its own type, a person's of another, and nobody collects those.
    CONSTRAINT expected_payments_type CHECK ((type_id = 1) = (profile_id IS NOT NULL)
        AND (profile_id IS NOT NULL OR (method = 'none' AND run_id IS NULL))),
    CONSTRAINT expected_payments_fulfilled CHECK (payment_id IS NULL OR fulfilled_at IS NOT NULL),
    CONSTRAINT expected_payments_unpaid CHECK (fulfilled_at IS NULL OR payment_id IS NOT NULL OR imported = 1),
    CONSTRAINT expected_payments_withdrawn CHECK (deleted_at IS NULL OR fulfilled_at IS NULL OR charge_id IS NOT NULL OR imported = 1),
    CONSTRAINT expected_payments_revision CHECK (revision >= 1)
) STRICT;
INSERT INTO expected_payments_new (id, owner_id, top_id, type_id, profile_id, run_date, run_id, amount, unit, method, reason, card_id,
    charge_id, imported, payment_id, fulfilled_at, our_reference, customer_reference, revision, created_at, updated_at, deleted_at)
SELECT id, owner_id, top_id, 1, profile_id, run_date, run_id, amount, unit, method, reason, card_id, charge_id, 0, payment_id,
    CASE WHEN payment_id IS NOT NULL THEN updated_at END, our_reference, customer_reference, revision, created_at, updated_at, deleted_at
FROM expected_payments;

CREATE TABLE correspondence_new (
    id          INTEGER NOT NULL PRIMARY KEY,
    owner_id    INTEGER NOT NULL REFERENCES owners (id),
    top_id      INTEGER NOT NULL,
    type_id     INTEGER NOT NULL REFERENCES correspondence_types (id),
    expected_id INTEGER NOT NULL REFERENCES expected_payments_new (id),
    notice_id   INTEGER NOT NULL REFERENCES notices (id),
    created_at  INTEGER NOT NULL,
    CONSTRAINT correspondence_id CHECK (id > 0)
) STRICT;
INSERT INTO correspondence_new SELECT id, owner_id, top_id, type_id, expected_id, notice_id, created_at FROM correspondence;

-- The reference of the letters follows the new table's name.
DROP TABLE correspondence;
DROP TABLE expected_payments;
ALTER TABLE expected_payments_new RENAME TO expected_payments;
ALTER TABLE correspondence_new RENAME TO correspondence;

CREATE UNIQUE INDEX correspondence_expected ON correspondence (expected_id);
CREATE INDEX correspondence_owner ON correspondence (owner_id, id);

-- One top-up of a customer by a profile on a day, also after the first was deleted; what persons expect is not counted.
CREATE UNIQUE INDEX expected_payments_once ON expected_payments (owner_id, profile_id, run_date);
CREATE UNIQUE INDEX expected_payments_charge ON expected_payments (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX expected_payments_owner ON expected_payments (owner_id, id);
CREATE INDEX expected_payments_top ON expected_payments (top_id, id);
CREATE INDEX expected_payments_open ON expected_payments (owner_id)
    WHERE fulfilled_at IS NULL AND deleted_at IS NULL AND profile_id IS NOT NULL;
CREATE INDEX expected_payments_last ON expected_payments (owner_id, run_date) WHERE profile_id IS NOT NULL;
CREATE INDEX expected_payments_type ON expected_payments (type_id);
CREATE INDEX expected_payments_card ON expected_payments (card_id) WHERE card_id IS NOT NULL;
CREATE INDEX expected_payments_profile ON expected_payments (profile_id) WHERE profile_id IS NOT NULL;

-- +goose StatementBegin
CREATE TRIGGER expected_payments_frozen BEFORE UPDATE OF owner_id, type_id, profile_id, run_date, amount, unit, method, card_id, charge_id, imported, created_at ON expected_payments
BEGIN SELECT RAISE(ABORT, 'what was expected never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER expected_payments_no_delete BEFORE DELETE ON expected_payments
BEGIN SELECT RAISE(ABORT, 'an expected payment is never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER expected_payment_types_built_in BEFORE DELETE ON expected_payment_types WHEN OLD.id = 1
BEGIN SELECT RAISE(ABORT, 'what profiles make has a type'); END;
-- +goose StatementEnd
