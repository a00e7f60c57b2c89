-- +goose Up
-- Money is INTEGER millionths, times are UTC microseconds (NULL: never), ids of
-- owners are 2n for customer n and 2n+1 for account n. Every table that grows
-- carries top_id, the ancestor directly below root, so that the same schema can
-- be distributed by customer.

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE owners (
    id            INTEGER NOT NULL PRIMARY KEY,
    kind          INTEGER NOT NULL,
    parent_id     INTEGER REFERENCES owners (id),
    top_id        INTEGER NOT NULL,
    path          TEXT NOT NULL,
    name          TEXT NOT NULL,
    username      TEXT NOT NULL,
    email         TEXT NOT NULL,
    currency      TEXT NOT NULL,
    balance_group INTEGER NOT NULL,
    credit_limit  INTEGER,
    time_zone     TEXT NOT NULL,
    blocked       INTEGER NOT NULL,
    held          INTEGER NOT NULL,
    extra         TEXT NOT NULL,
    created_at    INTEGER,
    updated_at    INTEGER,
    CONSTRAINT owners_id CHECK (id > 1),
    CONSTRAINT owners_kind CHECK (kind = id % 2),
    CONSTRAINT owners_parent CHECK ((id = 2) = (parent_id IS NULL)),
    CONSTRAINT owners_parent_customer CHECK (parent_id IS NULL OR (parent_id % 2 = 0 AND parent_id <> id)),
    CONSTRAINT owners_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT owners_path CHECK (path LIKE '/1/%' AND (kind = 1 OR path LIKE '%/' || (id / 2) || '/')),
    CONSTRAINT owners_username CHECK (kind = 1 OR username = ''),
    CONSTRAINT owners_currency CHECK (length(currency) = 3),
    CONSTRAINT owners_balance_group CHECK (balance_group >= 0 AND (kind = 1 OR balance_group = 0)),
    CONSTRAINT owners_root CHECK (id <> 2 OR (credit_limit IS NULL AND path = '/1/' AND top_id = 2)),
    CONSTRAINT owners_blocked CHECK (blocked BETWEEN 0 AND 255),
    CONSTRAINT owners_held CHECK (held IN (0, 1))
) STRICT;

CREATE UNIQUE INDEX owners_username ON owners (username) WHERE username <> '';
CREATE UNIQUE INDEX owners_balance_group ON owners (balance_group) WHERE balance_group <> 0;
CREATE INDEX owners_kind ON owners (kind, id);
CREATE INDEX owners_top ON owners (top_id, id);

INSERT INTO owners (id, kind, parent_id, top_id, path, name, username, email, currency, balance_group,
    credit_limit, time_zone, blocked, held, extra, created_at, updated_at)
VALUES (2, 0, NULL, 2, '/1/', 'root', '', '', 'USD', 0, NULL, '', 0, 0, '', NULL, NULL);

CREATE TABLE cards (
    id               INTEGER NOT NULL PRIMARY KEY,
    owner_id         INTEGER NOT NULL REFERENCES owners (id),
    top_id           INTEGER NOT NULL,
    gateway          TEXT NOT NULL,
    gateway_customer TEXT NOT NULL,
    token            BLOB,
    fingerprint      TEXT NOT NULL,
    brand            TEXT NOT NULL,
    last4            TEXT NOT NULL,
    exp_month        INTEGER NOT NULL,
    exp_year         INTEGER NOT NULL,
    holder           TEXT NOT NULL,
    is_primary       INTEGER NOT NULL,
    state            TEXT NOT NULL,
    aside            TEXT NOT NULL,
    auto_collect     INTEGER NOT NULL,
    priority         INTEGER NOT NULL,
    extra            TEXT NOT NULL,
    created_at       INTEGER,
    updated_at       INTEGER,
    CONSTRAINT cards_id CHECK (id > 0),
    CONSTRAINT cards_state CHECK (state IN ('usable', 'aside', 'deleted')),
    CONSTRAINT cards_expiry CHECK (exp_month BETWEEN 0 AND 12 AND exp_year >= 0),
    -- Where a card number would fit, it must not.
    CONSTRAINT cards_last4 CHECK (length(last4) <= 4),
    CONSTRAINT cards_primary CHECK (is_primary IN (0, 1)),
    CONSTRAINT cards_auto_collect CHECK (auto_collect IN (0, 1))
) STRICT;

CREATE INDEX cards_owner ON cards (owner_id);
CREATE INDEX cards_expiry ON cards (exp_year, exp_month) WHERE state = 'usable';
CREATE UNIQUE INDEX cards_primary ON cards (owner_id) WHERE is_primary AND state <> 'deleted';

CREATE TABLE mandates (
    id         INTEGER NOT NULL PRIMARY KEY,
    owner_id   INTEGER NOT NULL REFERENCES owners (id),
    top_id     INTEGER NOT NULL,
    purpose    TEXT NOT NULL,
    card_id    INTEGER REFERENCES cards (id),
    wording    TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    address    TEXT NOT NULL,
    given_at   INTEGER,
    revoked_at INTEGER,
    CONSTRAINT mandates_purpose CHECK (purpose <> ''),
    CONSTRAINT mandates_amount CHECK (amount >= 0)
) STRICT;

-- An owner has one mandate in force for a purpose.
CREATE UNIQUE INDEX mandates_active ON mandates (owner_id, purpose) WHERE revoked_at IS NULL;

CREATE TABLE low_balance (
    owner_id         INTEGER NOT NULL PRIMARY KEY REFERENCES owners (id),
    top_id           INTEGER NOT NULL,
    threshold        INTEGER,
    notify_by_email  INTEGER NOT NULL,
    charge_card      INTEGER NOT NULL,
    charge_amount    INTEGER NOT NULL,
    card_id          INTEGER REFERENCES cards (id),
    br_charge_card   INTEGER NOT NULL,
    br_charge_amount INTEGER,
    br_card_id       INTEGER REFERENCES cards (id),
    retry_count      INTEGER,
    retry_interval   INTEGER,
    below            INTEGER NOT NULL,
    episode          INTEGER NOT NULL,
    charges          INTEGER NOT NULL,
    armed            INTEGER NOT NULL,
    back             INTEGER NOT NULL,
    mailed_at        INTEGER,
    reminders        INTEGER NOT NULL,
    suspended        TEXT NOT NULL,
    br_suspended     TEXT NOT NULL,
    reason           TEXT NOT NULL,
    judge_at         INTEGER,
    CONSTRAINT low_balance_charge_amount CHECK (charge_amount >= 0),
    CONSTRAINT low_balance_br_charge_amount CHECK (br_charge_amount >= 0),
    CONSTRAINT low_balance_retry CHECK (retry_count >= 0 AND retry_interval >= 1),
    CONSTRAINT low_balance_retry_interval CHECK (retry_interval IS NULL OR retry_count IS NOT NULL),
    CONSTRAINT low_balance_counts CHECK (episode >= 0 AND charges >= 0 AND reminders >= 0),
    CONSTRAINT low_balance_flags CHECK (notify_by_email IN (0, 1) AND charge_card IN (0, 1)
        AND br_charge_card IN (0, 1) AND below IN (0, 1) AND armed IN (0, 1) AND back IN (0, 1))
) STRICT;

-- The sweep's cost follows the policies that are due, not all of them.
CREATE INDEX low_balance_judge ON low_balance (judge_at) WHERE judge_at IS NOT NULL;
CREATE INDEX low_balance_below ON low_balance (owner_id) WHERE below;

CREATE TABLE decisions (
    id           INTEGER NOT NULL PRIMARY KEY,
    owner_id     INTEGER NOT NULL REFERENCES owners (id),
    top_id       INTEGER NOT NULL,
    decided_at   INTEGER,
    triggered_by TEXT NOT NULL,
    purpose      TEXT NOT NULL,
    run_id       INTEGER REFERENCES runs (id),
    actor        TEXT NOT NULL,
    available    INTEGER,
    threshold    INTEGER,
    unit         TEXT NOT NULL,
    low          INTEGER NOT NULL,
    reason       TEXT NOT NULL,
    detail       TEXT NOT NULL,
    card_id      INTEGER REFERENCES cards (id),
    mandate_id   INTEGER REFERENCES mandates (id),
    credit       INTEGER,
    tax          INTEGER,
    fee          INTEGER,
    charge_id    INTEGER REFERENCES charges (id),
    notice       TEXT NOT NULL,
    next_at      INTEGER,
    state        TEXT NOT NULL,
    CONSTRAINT decisions_reason CHECK (reason <> ''),
    CONSTRAINT decisions_plan CHECK ((credit IS NULL) = (card_id IS NULL)
        AND (credit IS NULL) = (tax IS NULL) AND (credit IS NULL) = (fee IS NULL))
) STRICT;

CREATE INDEX decisions_owner ON decisions (owner_id);

CREATE TABLE buckets (
    owner_id INTEGER NOT NULL REFERENCES owners (id),
    unit     TEXT NOT NULL,
    top_id   INTEGER NOT NULL,
    balance  INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    PRIMARY KEY (owner_id, unit),
    CONSTRAINT buckets_unit CHECK (unit <> ''),
    -- The least int64 has no negative; STRICT refuses what is beyond the range.
    CONSTRAINT buckets_overflow CHECK (balance >= -9223372036854775807),
    CONSTRAINT buckets_reserved CHECK (reserved >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE postings (
    id           INTEGER NOT NULL PRIMARY KEY,
    top_id       INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    cause        TEXT NOT NULL,
    input        TEXT NOT NULL,
    charge_id    INTEGER REFERENCES charges (id),
    notes        TEXT NOT NULL,
    actor        TEXT NOT NULL,
    booked_at    INTEGER,
    effective_at INTEGER,
    CONSTRAINT postings_kind CHECK (kind <> ''),
    CONSTRAINT postings_cause CHECK (cause <> '')
) STRICT;

-- L4: one posting per cause. C4: one booking per charge.
CREATE UNIQUE INDEX postings_cause ON postings (cause);
CREATE UNIQUE INDEX postings_charge ON postings (charge_id) WHERE charge_id IS NOT NULL AND kind = 'charge';

CREATE TABLE entries (
    posting_id INTEGER NOT NULL REFERENCES postings (id),
    n          INTEGER NOT NULL,
    top_id     INTEGER NOT NULL,
    owner_id   INTEGER,
    account    TEXT,
    unit       TEXT NOT NULL,
    micros     INTEGER NOT NULL,
    PRIMARY KEY (posting_id, n),
    FOREIGN KEY (owner_id, unit) REFERENCES buckets (owner_id, unit),
    CONSTRAINT entries_side CHECK ((owner_id IS NULL) <> (account IS NULL)),
    CONSTRAINT entries_account CHECK (account <> ''),
    CONSTRAINT entries_unit CHECK (unit <> ''),
    CONSTRAINT entries_micros CHECK (micros <> 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX entries_owner ON entries (owner_id, posting_id) WHERE owner_id IS NOT NULL;

-- L2: what was booked is never changed or deleted.
-- +goose StatementBegin
CREATE TRIGGER postings_no_update BEFORE UPDATE ON postings
BEGIN SELECT RAISE(ABORT, 'L2: a posting is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER postings_no_delete BEFORE DELETE ON postings
BEGIN SELECT RAISE(ABORT, 'L2: a posting is never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'L2: an entry is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'L2: an entry is never deleted'); END;
-- +goose StatementEnd

CREATE TABLE runs (
    id          INTEGER NOT NULL PRIMARY KEY,
    job         TEXT NOT NULL,
    key         TEXT NOT NULL,
    trigger_by  TEXT NOT NULL,
    as_of       INTEGER,
    started_at  INTEGER,
    finished_at INTEGER,
    lease_until INTEGER,
    error       TEXT NOT NULL,
    decided     INTEGER NOT NULL,
    charges     INTEGER NOT NULL,
    charged     INTEGER NOT NULL,
    declined    INTEGER NOT NULL,
    unknown     INTEGER NOT NULL,
    waiting     INTEGER NOT NULL,
    mails       INTEGER NOT NULL,
    posted      INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    skipped     TEXT NOT NULL,
    CONSTRAINT runs_job CHECK (job <> '')
) STRICT;

-- N1: a scheduled firing runs once.
CREATE UNIQUE INDEX runs_key ON runs (job, key) WHERE key <> '';
CREATE INDEX runs_job ON runs (job);

CREATE TABLE charges (
    id          INTEGER NOT NULL PRIMARY KEY,
    owner_id    INTEGER NOT NULL REFERENCES owners (id),
    top_id      INTEGER NOT NULL,
    purpose     TEXT NOT NULL,
    cause       TEXT NOT NULL,
    card_id     INTEGER NOT NULL REFERENCES cards (id),
    gateway     TEXT NOT NULL,
    mandate_id  INTEGER REFERENCES mandates (id),
    unit        TEXT NOT NULL,
    credit      INTEGER NOT NULL,
    tax         INTEGER NOT NULL,
    fee         INTEGER NOT NULL,
    gross       INTEGER NOT NULL,
    state       TEXT NOT NULL,
    attempt     INTEGER NOT NULL,
    due_at      INTEGER,
    lease_until INTEGER,
    period      TEXT NOT NULL,
    run_id      INTEGER REFERENCES runs (id),
    reason      TEXT NOT NULL,
    posting_id  INTEGER REFERENCES postings (id),
    created_at  INTEGER,
    settled_at  INTEGER,
    CONSTRAINT charges_purpose CHECK (purpose <> ''),
    CONSTRAINT charges_cause CHECK (cause <> ''),
    CONSTRAINT charges_unit CHECK (unit <> ''),
    CONSTRAINT charges_amounts CHECK (credit > 0 AND tax >= 0 AND fee >= 0),
    CONSTRAINT charges_gross CHECK (gross = credit + tax + fee),
    CONSTRAINT charges_attempt CHECK (attempt >= 1),
    CONSTRAINT charges_state CHECK (state IN ('created', 'submitted', 'unknown', 'unresolved',
        'succeeded', 'failed', 'cancelled')),
    CONSTRAINT charges_settled CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (settled_at IS NOT NULL)),
    CONSTRAINT charges_due CHECK (settled_at IS NULL OR due_at IS NULL),
    -- C4: succeeded and the posting commit together.
    CONSTRAINT charges_posting CHECK ((state = 'succeeded') = (posting_id IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX charges_cause ON charges (cause);
-- C6: at most one open automatic charge per owner, over all purposes.
CREATE UNIQUE INDEX charges_open ON charges (owner_id) WHERE purpose <> 'manual' AND settled_at IS NULL;
CREATE INDEX charges_owner ON charges (owner_id, created_at);
CREATE INDEX charges_top ON charges (top_id);
CREATE INDEX charges_due ON charges (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX charges_run ON charges (run_id, state) WHERE run_id IS NOT NULL;
CREATE INDEX charges_state ON charges (state) WHERE settled_at IS NULL;

-- +goose StatementBegin
CREATE TRIGGER charges_frozen BEFORE UPDATE OF owner_id, purpose, cause, card_id, gateway, unit, credit, tax, fee, gross
ON charges
BEGIN SELECT RAISE(ABORT, 'the amount, card and cause of a charge never change'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER charges_no_delete BEFORE DELETE ON charges
BEGIN SELECT RAISE(ABORT, 'a charge is never deleted'); END;
-- +goose StatementEnd

CREATE TABLE attempts (
    charge_id    INTEGER NOT NULL REFERENCES charges (id),
    n            INTEGER NOT NULL,
    top_id       INTEGER NOT NULL,
    key          TEXT NOT NULL,
    state        TEXT NOT NULL,
    submitted_at INTEGER,
    settled_at   INTEGER,
    lookups      INTEGER NOT NULL,
    ref          TEXT NOT NULL,
    class        TEXT NOT NULL,
    code         TEXT NOT NULL,
    message      TEXT NOT NULL,
    PRIMARY KEY (charge_id, n),
    CONSTRAINT attempts_n CHECK (n >= 1),
    CONSTRAINT attempts_key CHECK (key <> ''),
    CONSTRAINT attempts_state CHECK (state IN ('submitted', 'unknown', 'not_attempted', 'succeeded', 'declined')),
    CONSTRAINT attempts_settled CHECK ((state IN ('succeeded', 'declined')) = (settled_at IS NOT NULL)),
    CONSTRAINT attempts_lookups CHECK (lookups >= 0)
) STRICT, WITHOUT ROWID;

-- C2: a gateway key belongs to one attempt, for ever.
CREATE UNIQUE INDEX attempts_key ON attempts (key);

CREATE TABLE plans (
    id         INTEGER NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    price      INTEGER NOT NULL,
    currency   TEXT NOT NULL,
    cycle      TEXT NOT NULL,
    prepaid    INTEGER NOT NULL,
    on_failure TEXT NOT NULL,
    CONSTRAINT plans_id CHECK (id > 0),
    CONSTRAINT plans_price CHECK (price >= 0),
    CONSTRAINT plans_currency CHECK (length(currency) = 3),
    CONSTRAINT plans_cycle CHECK (cycle <> ''),
    CONSTRAINT plans_prepaid CHECK (prepaid IN (0, 1)),
    CONSTRAINT plans_on_failure CHECK (on_failure IN ('block', 'tariff', 'overdraw'))
) STRICT;

CREATE TABLE account_plans (
    owner_id   INTEGER NOT NULL PRIMARY KEY REFERENCES owners (id),
    top_id     INTEGER NOT NULL,
    plan_id    INTEGER NOT NULL REFERENCES plans (id),
    next_at    INTEGER,
    anchor_day INTEGER NOT NULL,
    time_zone  TEXT NOT NULL,
    suspended  INTEGER NOT NULL,
    CONSTRAINT account_plans_owner CHECK (owner_id % 2 = 1),
    CONSTRAINT account_plans_anchor CHECK (anchor_day BETWEEN 0 AND 31),
    CONSTRAINT account_plans_suspended CHECK (suspended IN (0, 1))
) STRICT;

CREATE INDEX account_plans_next ON account_plans (next_at, owner_id) WHERE next_at IS NOT NULL;

CREATE TABLE periods (
    owner_id   INTEGER NOT NULL REFERENCES owners (id),
    date       TEXT NOT NULL,
    top_id     INTEGER NOT NULL,
    plan_id    INTEGER NOT NULL REFERENCES plans (id),
    price      INTEGER NOT NULL,
    unit       TEXT NOT NULL,
    prepaid    INTEGER NOT NULL,
    on_failure TEXT NOT NULL,
    state      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    charge_id  INTEGER REFERENCES charges (id),
    posting_id INTEGER REFERENCES postings (id),
    run_id     INTEGER REFERENCES runs (id),
    start_at   INTEGER,
    created_at INTEGER,
    settled_at INTEGER,
    PRIMARY KEY (owner_id, date),
    CONSTRAINT periods_owner CHECK (owner_id % 2 = 1),
    CONSTRAINT periods_date CHECK (length(date) = 10),
    CONSTRAINT periods_price CHECK (price >= 0),
    CONSTRAINT periods_unit CHECK (unit <> ''),
    CONSTRAINT periods_prepaid CHECK (prepaid IN (0, 1)),
    CONSTRAINT periods_on_failure CHECK (on_failure IN ('block', 'tariff', 'overdraw')),
    CONSTRAINT periods_state CHECK (state IN ('due', 'charging', 'unpaid', 'posted', 'skipped')),
    CONSTRAINT periods_settled CHECK ((state IN ('posted', 'skipped')) = (settled_at IS NOT NULL)),
    -- A free period is posted without a posting: an entry has an amount.
    CONSTRAINT periods_posting CHECK ((posting_id IS NOT NULL) = (state = 'posted' AND price > 0))
) STRICT;

CREATE INDEX periods_open ON periods (owner_id, date) WHERE settled_at IS NULL;
CREATE INDEX periods_run ON periods (run_id, state) WHERE run_id IS NOT NULL;
CREATE INDEX periods_waiting ON periods (owner_id) WHERE state IN ('due', 'unpaid');

CREATE TABLE notices (
    id          INTEGER NOT NULL PRIMARY KEY,
    owner_id    INTEGER REFERENCES owners (id),
    top_id      INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    cause       TEXT NOT NULL,
    recipient   TEXT NOT NULL,
    subject     TEXT NOT NULL,
    body        TEXT NOT NULL,
    state       TEXT NOT NULL,
    tries       INTEGER NOT NULL,
    due_at      INTEGER,
    lease_until INTEGER,
    error       TEXT NOT NULL,
    run_id      INTEGER REFERENCES runs (id),
    created_at  INTEGER,
    sent_at     INTEGER,
    CONSTRAINT notices_kind CHECK (kind <> ''),
    CONSTRAINT notices_cause CHECK (cause <> ''),
    CONSTRAINT notices_state CHECK (state IN ('pending', 'sent', 'failed', 'no_address')),
    CONSTRAINT notices_sent CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CONSTRAINT notices_tries CHECK (tries >= 0)
) STRICT;

CREATE UNIQUE INDEX notices_cause ON notices (cause);
CREATE INDEX notices_owner ON notices (owner_id);
CREATE INDEX notices_due ON notices (due_at) WHERE due_at IS NOT NULL AND state = 'pending';
CREATE INDEX notices_run ON notices (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE logins (
    name       TEXT NOT NULL PRIMARY KEY,
    owner_id   INTEGER NOT NULL REFERENCES owners (id),
    ha1        BLOB,
    realm      TEXT NOT NULL,
    disabled   INTEGER NOT NULL,
    created_at INTEGER,
    updated_at INTEGER,
    CONSTRAINT logins_name CHECK (name <> ''),
    CONSTRAINT logins_customer CHECK (owner_id % 2 = 0),
    CONSTRAINT logins_disabled CHECK (disabled IN (0, 1))
) STRICT;

CREATE TABLE objects (
    type TEXT NOT NULL,
    key  TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (type, key),
    CONSTRAINT objects_type CHECK (type <> ''),
    CONSTRAINT objects_body CHECK (body <> '')
) STRICT;
