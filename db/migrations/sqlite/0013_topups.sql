-- +goose Up
-- Balance actions of TMF654: top-ups, adjustments, transfers and reservations have one
-- sequence of ids, and each has one row in a table of its own kind.
CREATE TABLE balance_actions (
    id         INTEGER NOT NULL PRIMARY KEY,
    kind       TEXT NOT NULL,
    owner_id   INTEGER NOT NULL REFERENCES owners (id),
    top_id     INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT balance_actions_id CHECK (id > 0),
    CONSTRAINT balance_actions_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT balance_actions_kind CHECK (kind = 'topup' OR kind = 'adjustment' OR kind = 'transfer' OR kind = 'reservation')
) STRICT;

CREATE INDEX balance_actions_owner ON balance_actions (owner_id, id);
CREATE INDEX balance_actions_top ON balance_actions (top_id, id);
CREATE INDEX balance_actions_time ON balance_actions (created_at, id);

-- +goose StatementBegin
CREATE TRIGGER balance_actions_no_update BEFORE UPDATE ON balance_actions
BEGIN SELECT RAISE(ABORT, 'a balance action is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER balance_actions_no_delete BEFORE DELETE ON balance_actions
BEGIN SELECT RAISE(ABORT, 'a balance action is never deleted'); END;
-- +goose StatementEnd

-- What an account uses of the network, as TMF654 shows it as a product.
CREATE TABLE services (
    id       INTEGER NOT NULL PRIMARY KEY,
    owner_id INTEGER NOT NULL REFERENCES owners (id),
    top_id   INTEGER NOT NULL,
    class    TEXT NOT NULL,
    CONSTRAINT services_id CHECK (id > 0),
    CONSTRAINT services_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT services_class CHECK (class LIKE '/_%')
) STRICT;

CREATE INDEX services_owner ON services (owner_id, id);

-- A rule has the id of its first execution, which is the top-up that made it. Period n
-- starts n periods after the anchor, in the owner's zone.
CREATE TABLE topup_rules (
    id         INTEGER NOT NULL PRIMARY KEY REFERENCES balance_actions (id),
    owner_id   INTEGER NOT NULL REFERENCES owners (id),
    top_id     INTEGER NOT NULL,
    unit       TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    period     TEXT NOT NULL,
    periods    INTEGER,
    anchor     INTEGER NOT NULL,
    -- The next period, and when it is due; no time once nothing more is to come.
    next_n     INTEGER NOT NULL,
    next_at    INTEGER,
    done       INTEGER NOT NULL,
    failures   INTEGER NOT NULL,
    state      TEXT NOT NULL,
    suspended  TEXT NOT NULL,
    -- Why the due period waits; told once.
    reason     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT topup_rules_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT topup_rules_unit CHECK (length(unit) = 3),
    CONSTRAINT topup_rules_amount CHECK (amount > 0),
    CONSTRAINT topup_rules_period CHECK (period = 'daily' OR period = 'weekly' OR period = 'fortnightly' OR period = 'monthly'),
    CONSTRAINT topup_rules_periods CHECK (periods >= 1),
    CONSTRAINT topup_rules_next CHECK (next_n >= 0 AND (state = 'active') = (next_at IS NOT NULL)),
    CONSTRAINT topup_rules_done CHECK (done >= 0 AND (periods IS NULL OR done <= periods)),
    CONSTRAINT topup_rules_failures CHECK (failures >= 0),
    CONSTRAINT topup_rules_state CHECK (state = 'active' OR state = 'finished' OR state = 'cancelled' OR state = 'failed'),
    CONSTRAINT topup_rules_finished CHECK ((state <> 'finished' OR (periods IS NOT NULL AND done = periods)) AND (state <> 'active' OR periods IS NULL OR done < periods)),
    CONSTRAINT topup_rules_suspended CHECK (suspended = '' OR state = 'active')
) STRICT;

CREATE INDEX topup_rules_due ON topup_rules (next_at, id) WHERE next_at IS NOT NULL AND suspended = '';
CREATE INDEX topup_rules_owner ON topup_rules (owner_id, id);
CREATE INDEX topup_rules_suspended ON topup_rules (owner_id) WHERE suspended <> '';

-- +goose StatementBegin
CREATE TRIGGER topup_rules_frozen BEFORE UPDATE OF id, owner_id, unit, amount, period, anchor, created_at ON topup_rules
BEGIN SELECT RAISE(ABORT, 'what a rule tops up, how much and when never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER topup_rules_over BEFORE UPDATE ON topup_rules WHEN OLD.state <> 'active' AND NEW.state = 'active'
BEGIN SELECT RAISE(ABORT, 'a rule that ended does not start again'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER topup_rules_no_delete BEFORE DELETE ON topup_rules
BEGIN SELECT RAISE(ABORT, 'a rule is never deleted'); END;
-- +goose StatementEnd

-- Money is in millionths; balances are of the owner's bucket, positive for funds.
CREATE TABLE topups (
    id             INTEGER NOT NULL PRIMARY KEY REFERENCES balance_actions (id),
    owner_id       INTEGER NOT NULL REFERENCES owners (id),
    top_id         INTEGER NOT NULL,
    unit           TEXT NOT NULL,
    amount         INTEGER NOT NULL,
    state          TEXT NOT NULL,
    rule_id        INTEGER REFERENCES topup_rules (id),
    period         INTEGER NOT NULL,
    charge_id      INTEGER REFERENCES charges (id),
    voucher        TEXT NOT NULL,
    posting_id     INTEGER REFERENCES postings (id),
    balance_before INTEGER,
    balance_after  INTEGER,
    reason         TEXT NOT NULL,
    imported       INTEGER NOT NULL,
    extra          TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    settled_at     INTEGER,
    deleted_at     INTEGER,
    CONSTRAINT topups_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT topups_unit CHECK (length(unit) = 3),
    CONSTRAINT topups_amount CHECK (amount > 0),
    CONSTRAINT topups_state CHECK (state = 'created' OR state = 'completed' OR state = 'failed' OR state = 'cancelled'),
    CONSTRAINT topups_settled CHECK ((state = 'created') = (settled_at IS NULL)),
    CONSTRAINT topups_imported CHECK (imported = 0 OR imported = 1),
    CONSTRAINT topups_period CHECK (period >= 0 AND (rule_id IS NOT NULL OR period = 0)),
    CONSTRAINT topups_first CHECK (rule_id IS NULL OR rule_id <= id),
    -- Never credited before it was paid: a credit has its posting, and only what was paid has one.
    CONSTRAINT topups_paid CHECK ((state = 'completed' AND (imported = 1 OR posting_id IS NOT NULL)) OR (state <> 'completed' AND posting_id IS NULL)),
    CONSTRAINT topups_open CHECK (state <> 'created' OR charge_id IS NOT NULL OR imported = 1),
    CONSTRAINT topups_source CHECK (charge_id IS NULL OR voucher = ''),
    CONSTRAINT topups_balances CHECK ((balance_before IS NULL) = (balance_after IS NULL) AND (posting_id IS NULL OR balance_before IS NOT NULL)
        AND (balance_before IS NULL OR (state = 'completed' AND balance_after - balance_before = amount))),
    CONSTRAINT topups_extra CHECK (extra = '' OR (json_valid(extra) AND length(extra) <= 16384))
) STRICT;

-- A period of a rule is executed once, and one at a time.
CREATE UNIQUE INDEX topups_once ON topups (rule_id, period) WHERE rule_id IS NOT NULL;
CREATE UNIQUE INDEX topups_one_open ON topups (rule_id) WHERE rule_id IS NOT NULL AND state = 'created' AND charge_id IS NOT NULL;
CREATE UNIQUE INDEX topups_charge ON topups (charge_id) WHERE charge_id IS NOT NULL;
CREATE UNIQUE INDEX topups_posting ON topups (posting_id) WHERE posting_id IS NOT NULL;
CREATE INDEX topups_owner ON topups (owner_id, id);
CREATE INDEX topups_of_top ON topups (top_id, id);

-- +goose StatementBegin
CREATE TRIGGER topups_frozen BEFORE UPDATE OF id, owner_id, unit, amount, rule_id, period, imported ON topups
BEGIN SELECT RAISE(ABORT, 'what a top-up is about never changes'); END;
-- +goose StatementEnd
-- An import may say more of what it brought before.
-- +goose StatementBegin
CREATE TRIGGER topups_made BEFORE UPDATE OF voucher, created_at ON topups
    WHEN (NEW.voucher <> OLD.voucher OR NEW.created_at <> OLD.created_at) AND (OLD.imported = 0 OR OLD.charge_id IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'what a top-up is about never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER topups_charge_stays BEFORE UPDATE OF charge_id ON topups WHEN OLD.charge_id IS NOT NULL AND NEW.charge_id IS NOT OLD.charge_id
BEGIN SELECT RAISE(ABORT, 'a top-up keeps its charge'); END;
-- +goose StatementEnd
-- Money that moved is credited whatever was known before; nothing else leaves an end.
-- +goose StatementBegin
CREATE TRIGGER topups_final BEFORE UPDATE OF state ON topups WHEN OLD.state <> 'created' AND NEW.state <> OLD.state
    AND NOT (NEW.state = 'completed' AND NEW.charge_id IS NOT NULL) AND NOT (OLD.imported = 1 AND OLD.charge_id IS NULL)
BEGIN SELECT RAISE(ABORT, 'a settled top-up stays as it is'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER topups_credited BEFORE UPDATE ON topups WHEN NEW.posting_id IS NOT NULL AND NEW.charge_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM charges c WHERE c.id = NEW.charge_id AND c.state = 'succeeded' AND c.posting_id = NEW.posting_id
        AND c.owner_id = NEW.owner_id AND c.credit = NEW.amount)
BEGIN SELECT RAISE(ABORT, 'a top-up is credited by its own charge'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER topups_no_delete BEFORE DELETE ON topups
BEGIN SELECT RAISE(ABORT, 'a top-up is never deleted'); END;
-- +goose StatementEnd

-- Lines that were kept as they came. One whose owner is not there, or whose members do
-- not fit, stays among the objects.
INSERT INTO services (id, owner_id, top_id, class)
SELECT CAST(j.key AS INTEGER), o.id, o.top_id, j.body ->> '$.class'
FROM objects j JOIN owners o ON o.id = COALESCE((j.body ->> '$.i_account') * 2 + 1, (j.body ->> '$.i_customer') * 2) AND o.deleted_at IS NULL
WHERE j.type = 'service' AND CAST(j.key AS INTEGER) > 0 AND (j.body ->> '$.class') LIKE '/_%';
DELETE FROM objects WHERE type = 'service' AND CAST(key AS INTEGER) IN (SELECT id FROM services);

CREATE TABLE moved_rules AS
SELECT t.*, CAST(t.whole AS INTEGER) * 1000000 + CAST(substr(t.fraction || '000000', 1, 6) AS INTEGER) AS micros
FROM (
    SELECT a.*, substr(a.amount, 1, instr(a.amount || '.', '.') - 1) AS whole,
        rtrim(substr(a.amount, instr(a.amount || '.', '.') + 1), '0') AS fraction
    FROM (
        SELECT CAST(j.key AS INTEGER) AS id, o.id AS owner_id, o.top_id AS top_id, j.body ->> '$.amount' AS amount, o.currency AS unit,
            j.body ->> '$.period' AS period, j.body ->> '$.periods' AS periods, COALESCE(j.body ->> '$.done', 0) AS done,
            COALESCE(CAST(strftime('%s', j.body ->> '$.anchor') AS INTEGER), CAST(strftime('%s', 'now') AS INTEGER)) * 1000000 AS anchor,
            COALESCE(j.body ->> '$.status', 'active') AS status, 'cancelled' AS state
        FROM objects j JOIN owners o ON o.id = COALESCE((j.body ->> '$.i_account') * 2 + 1, (j.body ->> '$.i_customer') * 2)
            AND o.deleted_at IS NULL AND o.currency = j.body ->> '$.currency'
        WHERE j.type = 'recurring_topup' AND CAST(j.key AS INTEGER) > 0
    ) a
) t
WHERE t.amount NOT GLOB '*[^0-9.]*' AND t.fraction NOT GLOB '*[^0-9]*' AND length(t.fraction) <= 6 AND length(t.whole) BETWEEN 1 AND 12
    AND t.period IN ('daily', 'weekly', 'fortnightly', 'monthly') AND (t.periods IS NULL OR t.periods >= 1) AND t.done >= 0
    AND (t.periods IS NULL OR t.done <= t.periods);
DELETE FROM moved_rules WHERE micros <= 0;
UPDATE moved_rules SET state = CASE WHEN done = periods THEN 'finished' WHEN status = 'active' THEN 'active' ELSE 'cancelled' END;

INSERT INTO balance_actions (id, kind, owner_id, top_id, created_at)
SELECT id, 'topup', owner_id, top_id, anchor FROM moved_rules;
-- The first run puts the time of the next period right: months are not counted here.
INSERT INTO topup_rules (id, owner_id, top_id, unit, amount, period, periods, anchor, next_n, next_at, done, failures, state, suspended,
    reason, created_at, updated_at)
SELECT id, owner_id, top_id, unit, micros, period, periods, anchor, done, CASE state WHEN 'active' THEN anchor END, done, 0, state, '', '', anchor, anchor
FROM moved_rules;
INSERT INTO topups (id, owner_id, top_id, unit, amount, state, rule_id, period, voucher, reason, imported, extra, created_at, settled_at)
SELECT id, owner_id, top_id, unit, micros, CASE WHEN done > 0 THEN 'completed' WHEN state = 'active' THEN 'created' ELSE 'cancelled' END,
    id, 0, '', '', 1, '', anchor, CASE WHEN done > 0 OR state <> 'active' THEN anchor END
FROM moved_rules;
INSERT INTO mandates (owner_id, top_id, purpose, wording, amount, actor, address, given_at)
SELECT owner_id, MAX(top_id), 'recurring', 'import-asserted-1', MAX(micros), 'import', '', CAST(strftime('%s', 'now') AS INTEGER) * 1000000
FROM moved_rules WHERE state = 'active' GROUP BY owner_id;
DELETE FROM objects WHERE type = 'recurring_topup' AND CAST(key AS INTEGER) IN (SELECT id FROM moved_rules);
DROP TABLE moved_rules;
