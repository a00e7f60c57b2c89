-- +goose Up
-- Who changed what, from where. setLowBalance and the movements write a row each, so
-- it has one index, which grows at its end.
CREATE TABLE audit (
    id          INTEGER NOT NULL PRIMARY KEY,
    top_id      INTEGER NOT NULL,
    logged_at   INTEGER NOT NULL,
    actor       TEXT NOT NULL,
    customer_id INTEGER,
    api         TEXT NOT NULL,
    address     TEXT NOT NULL,
    action      TEXT NOT NULL,
    resource    TEXT NOT NULL,
    info        TEXT NOT NULL,
    CONSTRAINT audit_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT audit_customer CHECK (customer_id % 2 = 0),
    CONSTRAINT audit_action CHECK (action <> ''),
    CONSTRAINT audit_resource CHECK (resource <> '')
) STRICT;

CREATE INDEX audit_time ON audit (logged_at);

-- +goose StatementBegin
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'an audit row is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'an audit row is never deleted'); END;
-- +goose StatementEnd

-- Codes and PINs are kept as hashes only. top_id is the user's once it is used, till
-- then root's.
CREATE TABLE vouchers (
    id         INTEGER NOT NULL PRIMARY KEY,
    top_id     INTEGER NOT NULL,
    code_hash  BLOB NOT NULL,
    pin_hash   BLOB,
    hint       TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    currency   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at    INTEGER,
    used_by    INTEGER REFERENCES owners (id),
    CONSTRAINT vouchers_id CHECK (id > 0),
    CONSTRAINT vouchers_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT vouchers_code CHECK (length(code_hash) = 32),
    CONSTRAINT vouchers_pin CHECK (length(pin_hash) = 32),
    -- Where a code would fit, it must not.
    CONSTRAINT vouchers_hint CHECK (length(hint) <= 4),
    CONSTRAINT vouchers_amount CHECK (amount > 0),
    CONSTRAINT vouchers_currency CHECK (length(currency) = 3),
    CONSTRAINT vouchers_used CHECK ((used_at IS NULL) = (used_by IS NULL)),
    CONSTRAINT vouchers_user CHECK (used_by % 2 = 1)
) STRICT;

CREATE UNIQUE INDEX vouchers_code ON vouchers (code_hash);

-- A voucher is used once, and what it is worth is settled when it is.
-- +goose StatementBegin
CREATE TRIGGER vouchers_used_once BEFORE UPDATE ON vouchers WHEN OLD.used_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a used voucher never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER vouchers_no_delete BEFORE DELETE ON vouchers
BEGIN SELECT RAISE(ABORT, 'a voucher is never deleted'); END;
-- +goose StatementEnd

-- What getServicePlanInfo tells beyond what billing needs. customer_id is whose plan
-- it is; NULL is root's, which everybody may use.
ALTER TABLE plans ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE plans ADD COLUMN suspend_all_calls INTEGER NOT NULL DEFAULT 0
    CONSTRAINT plans_suspend_all_calls CHECK (suspend_all_calls IN (0, 1));
ALTER TABLE plans ADD COLUMN tariff_id INTEGER CONSTRAINT plans_tariff CHECK (tariff_id > 0);
ALTER TABLE plans ADD COLUMN customer_id INTEGER REFERENCES owners (id)
    CONSTRAINT plans_customer CHECK (customer_id > 2 AND customer_id % 2 = 0);
