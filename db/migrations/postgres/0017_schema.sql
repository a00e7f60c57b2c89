-- +goose Up
-- The schema as SQLite's migrations 0001 to 0017 leave it; from 0018 on each engine has a
-- file of the same number. Money is BIGINT millionths, times are UTC microseconds (NULL:
-- never), ids of owners are 2n for customer n and 2n+1 for account n. Every table that
-- grows carries top_id, the ancestor directly below root, so that the same schema can be
-- distributed by customer.
--
-- Texts are compared by their bytes, as SQLite does, whatever the database's locale is.
-- Foreign keys are deferrable: a copy of a whole database checks them at its end. Tables
-- whose rows get an id from the database have an identity; the others' ids are given by
-- transactions that run alone. An index of SQLite ends with the row's id without saying
-- so: here it is said where a list is read in that order.

-- refuse is what the triggers of a rule do.
-- +goose StatementBegin
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END $$;
-- +goose StatementEnd

-- go_on_after has the next id follow one that was given by hand: an import's, a copy's.
-- Those who do that wait for each other, so that the sequence never goes back.
-- +goose StatementBegin
CREATE FUNCTION go_on_after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('pg_class'::regclass::int, TG_ARGV[0]::regclass::int);
    PERFORM setval(TG_ARGV[0], greatest(NEW.id, pg_sequence_last_value(TG_ARGV[0])));
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- json_valid is SQLite's.
-- +goose StatementBegin
CREATE FUNCTION json_valid(record TEXT) RETURNS BOOLEAN LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    PERFORM record::json;
    RETURN TRUE;
EXCEPTION WHEN OTHERS THEN
    RETURN FALSE;
END $$;
-- +goose StatementEnd

CREATE TABLE meta (
    key   TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE owners (
    id            BIGINT PRIMARY KEY,
    kind          BIGINT NOT NULL,
    parent_id     BIGINT REFERENCES owners (id) DEFERRABLE,
    top_id        BIGINT NOT NULL,
    path          TEXT COLLATE "C" NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    username      TEXT COLLATE "C" NOT NULL,
    email         TEXT COLLATE "C" NOT NULL,
    currency      TEXT COLLATE "C" NOT NULL,
    balance_group BIGINT NOT NULL,
    credit_limit  BIGINT,
    time_zone     TEXT COLLATE "C" NOT NULL,
    blocked       BIGINT NOT NULL,
    held          BOOLEAN NOT NULL,
    extra         TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT,
    updated_at    BIGINT,
    lifetime      BIGINT,
    first_used_at BIGINT,
    expires_at    BIGINT,
    on_payment    TEXT COLLATE "C" NOT NULL DEFAULT '',
    min_payment   BIGINT NOT NULL DEFAULT 0,
    deleted_at    BIGINT,
    CONSTRAINT owners_lifetime CHECK (lifetime IS NULL OR (lifetime >= 1 AND kind = 1)),
    CONSTRAINT owners_first_used CHECK (first_used_at IS NULL OR lifetime IS NOT NULL),
    CONSTRAINT owners_expires CHECK ((expires_at IS NULL) = (first_used_at IS NULL)),
    CONSTRAINT owners_on_payment CHECK (on_payment = '' OR (kind = 1 AND (on_payment IN ('extend_lifetime', 'clear_first_use', 'restart_billing')))),
    CONSTRAINT owners_min_payment CHECK (min_payment >= 0),
    CONSTRAINT owners_deleted CHECK (deleted_at IS NULL OR (id <> 2 AND username = '' AND balance_group = 0)),
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
    CONSTRAINT owners_blocked CHECK (blocked BETWEEN 0 AND 255)
);

CREATE UNIQUE INDEX owners_username ON owners (username) WHERE username <> '';
CREATE UNIQUE INDEX owners_balance_group ON owners (balance_group) WHERE balance_group <> 0;
CREATE INDEX owners_kind ON owners (kind, id);
CREATE INDEX owners_top ON owners (top_id, id);
CREATE INDEX owners_parent ON owners (parent_id, kind, id) WHERE deleted_at IS NULL;
CREATE INDEX owners_name ON owners (kind, name) WHERE kind = 0 AND deleted_at IS NULL;

INSERT INTO owners (id, kind, parent_id, top_id, path, name, username, email, currency, balance_group,
    credit_limit, time_zone, blocked, held, extra, created_at, updated_at)
VALUES (2, 0, NULL, 2, '/1/', 'root', '', '', 'USD', 0, NULL, '', 0, FALSE, '', NULL, NULL);

CREATE TABLE cards (
    id               BIGINT PRIMARY KEY,
    owner_id         BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id           BIGINT NOT NULL,
    gateway          TEXT COLLATE "C" NOT NULL,
    gateway_customer TEXT COLLATE "C" NOT NULL,
    token            BYTEA,
    fingerprint      TEXT COLLATE "C" NOT NULL,
    brand            TEXT COLLATE "C" NOT NULL,
    last4            TEXT COLLATE "C" NOT NULL,
    exp_month        BIGINT NOT NULL,
    exp_year         BIGINT NOT NULL,
    holder           TEXT COLLATE "C" NOT NULL,
    is_primary       BOOLEAN NOT NULL,
    state            TEXT COLLATE "C" NOT NULL,
    aside            TEXT COLLATE "C" NOT NULL,
    auto_collect     BOOLEAN NOT NULL,
    priority         BIGINT NOT NULL,
    extra            TEXT COLLATE "C" NOT NULL,
    created_at       BIGINT,
    updated_at       BIGINT,
    card_type        BIGINT NOT NULL DEFAULT 0,
    alias            TEXT COLLATE "C" NOT NULL DEFAULT '',
    street1          TEXT COLLATE "C" NOT NULL DEFAULT '',
    street2          TEXT COLLATE "C" NOT NULL DEFAULT '',
    region           TEXT COLLATE "C" NOT NULL DEFAULT '',
    postal_code      TEXT COLLATE "C" NOT NULL DEFAULT '',
    city             TEXT COLLATE "C" NOT NULL DEFAULT '',
    country          TEXT COLLATE "C" NOT NULL DEFAULT '',
    phone            TEXT COLLATE "C" NOT NULL DEFAULT '',
    CONSTRAINT cards_type CHECK (card_type BETWEEN 0 AND 6),
    CONSTRAINT cards_deleted CHECK (state <> 'deleted' OR ((token IS NULL OR aside = 'one_time') AND alias = '')),
    CONSTRAINT cards_country CHECK (length(country) = 0 OR length(country) = 2),
    CONSTRAINT cards_id CHECK (id > 0),
    CONSTRAINT cards_state CHECK (state IN ('usable', 'aside', 'deleted')),
    CONSTRAINT cards_expiry CHECK (exp_month BETWEEN 0 AND 12 AND exp_year >= 0),
    -- Where a card number would fit, it must not.
    CONSTRAINT cards_last4 CHECK (length(last4) <= 4)
);

CREATE INDEX cards_owner ON cards (owner_id);
CREATE INDEX cards_expiry ON cards (exp_year, exp_month, id) WHERE state = 'usable';
CREATE UNIQUE INDEX cards_primary ON cards (owner_id) WHERE is_primary AND state <> 'deleted';
CREATE INDEX cards_fingerprint ON cards (fingerprint) WHERE fingerprint <> '';
CREATE INDEX cards_gateway ON cards (gateway, gateway_customer);

CREATE TRIGGER cards_one_time_new BEFORE INSERT ON cards FOR EACH ROW
    WHEN (NEW.aside = 'one_time' AND (NEW.state <> 'deleted' OR NEW.is_primary))
    EXECUTE FUNCTION refuse('a card of one payment is never used again');

-- A card that was given with one payment is deleted from the start, and stays it.
CREATE TRIGGER cards_one_time BEFORE UPDATE ON cards FOR EACH ROW
    WHEN ((OLD.aside = 'one_time' OR NEW.aside = 'one_time')
    AND (NEW.aside <> 'one_time' OR NEW.state <> 'deleted' OR NEW.is_primary))
    EXECUTE FUNCTION refuse('a card of one payment is never used again');

CREATE TABLE mandates (
    id         BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    owner_id   BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id     BIGINT NOT NULL,
    purpose    TEXT COLLATE "C" NOT NULL,
    card_id    BIGINT REFERENCES cards (id) DEFERRABLE,
    wording    TEXT COLLATE "C" NOT NULL,
    amount     BIGINT NOT NULL,
    actor      TEXT COLLATE "C" NOT NULL,
    address    TEXT COLLATE "C" NOT NULL,
    given_at   BIGINT,
    revoked_at BIGINT,
    CONSTRAINT mandates_purpose CHECK (purpose <> ''),
    CONSTRAINT mandates_amount CHECK (amount >= 0)
);

-- An owner has one mandate in force for a purpose.
CREATE UNIQUE INDEX mandates_active ON mandates (owner_id, purpose) WHERE revoked_at IS NULL;
CREATE INDEX mandates_owner ON mandates (owner_id);

CREATE TRIGGER mandates_next_id AFTER INSERT ON mandates FOR EACH ROW
    WHEN (NEW.id > COALESCE(pg_sequence_last_value('mandates_id_seq'), 0))
    EXECUTE FUNCTION go_on_after('mandates_id_seq');

CREATE TABLE low_balance (
    owner_id         BIGINT PRIMARY KEY REFERENCES owners (id) DEFERRABLE,
    top_id           BIGINT NOT NULL,
    threshold        BIGINT,
    notify_by_email  BOOLEAN NOT NULL,
    charge_card      BOOLEAN NOT NULL,
    charge_amount    BIGINT NOT NULL,
    card_id          BIGINT REFERENCES cards (id) DEFERRABLE,
    br_charge_card   BOOLEAN NOT NULL,
    br_charge_amount BIGINT,
    br_card_id       BIGINT REFERENCES cards (id) DEFERRABLE,
    retry_count      BIGINT,
    retry_interval   BIGINT,
    below            BOOLEAN NOT NULL,
    episode          BIGINT NOT NULL,
    charges          BIGINT NOT NULL,
    armed            BOOLEAN NOT NULL,
    back             BOOLEAN NOT NULL,
    mailed_at        BIGINT,
    reminders        BIGINT NOT NULL,
    suspended        TEXT COLLATE "C" NOT NULL,
    br_suspended     TEXT COLLATE "C" NOT NULL,
    reason           TEXT COLLATE "C" NOT NULL,
    judge_at         BIGINT,
    CONSTRAINT low_balance_charge_amount CHECK (charge_amount >= 0),
    CONSTRAINT low_balance_br_charge_amount CHECK (br_charge_amount >= 0),
    CONSTRAINT low_balance_retry CHECK (retry_count >= 0 AND retry_interval >= 1),
    CONSTRAINT low_balance_retry_interval CHECK (retry_interval IS NULL OR retry_count IS NOT NULL),
    CONSTRAINT low_balance_counts CHECK (episode >= 0 AND charges >= 0 AND reminders >= 0)
);

-- The sweep's cost follows the policies that are due, not all of them.
CREATE INDEX low_balance_judge ON low_balance (judge_at, owner_id) WHERE judge_at IS NOT NULL;
CREATE INDEX low_balance_below ON low_balance (owner_id) WHERE below;

CREATE TABLE runs (
    id          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    job         TEXT COLLATE "C" NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    trigger_by  TEXT COLLATE "C" NOT NULL,
    as_of       BIGINT,
    started_at  BIGINT,
    finished_at BIGINT,
    lease_until BIGINT,
    error       TEXT COLLATE "C" NOT NULL,
    decided     BIGINT NOT NULL,
    charges     BIGINT NOT NULL,
    charged     BIGINT NOT NULL,
    declined    BIGINT NOT NULL,
    unknown     BIGINT NOT NULL,
    waiting     BIGINT NOT NULL,
    mails       BIGINT NOT NULL,
    posted      BIGINT NOT NULL,
    failed      BIGINT NOT NULL,
    skipped     TEXT COLLATE "C" NOT NULL,
    expected    BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT runs_job CHECK (job <> '')
);

-- N1: a scheduled firing runs once.
CREATE UNIQUE INDEX runs_key ON runs (job, key) WHERE key <> '';
CREATE INDEX runs_job ON runs (job, id);

CREATE TRIGGER runs_next_id AFTER INSERT ON runs FOR EACH ROW
    WHEN (NEW.id > COALESCE(pg_sequence_last_value('runs_id_seq'), 0))
    EXECUTE FUNCTION go_on_after('runs_id_seq');

CREATE TABLE postings (
    id           BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    top_id       BIGINT NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    cause        TEXT COLLATE "C" NOT NULL,
    input        TEXT COLLATE "C" NOT NULL,
    charge_id    BIGINT,
    notes        TEXT COLLATE "C" NOT NULL,
    actor        TEXT COLLATE "C" NOT NULL,
    booked_at    BIGINT,
    effective_at BIGINT,
    CONSTRAINT postings_kind CHECK (kind <> ''),
    CONSTRAINT postings_cause CHECK (cause <> '')
);

-- L4: one posting per cause. C4: one booking per charge.
CREATE UNIQUE INDEX postings_cause ON postings (cause);
CREATE UNIQUE INDEX postings_charge ON postings (charge_id) WHERE charge_id IS NOT NULL AND kind = 'charge';
CREATE INDEX postings_of_charge ON postings (charge_id) WHERE charge_id IS NOT NULL;

CREATE TRIGGER postings_next_id AFTER INSERT ON postings FOR EACH ROW
    WHEN (NEW.id > COALESCE(pg_sequence_last_value('postings_id_seq'), 0))
    EXECUTE FUNCTION go_on_after('postings_id_seq');

CREATE TRIGGER postings_no_update BEFORE UPDATE ON postings FOR EACH ROW
    EXECUTE FUNCTION refuse('L2: a posting is never changed');

-- L2: what was booked is never changed or deleted.
CREATE TRIGGER postings_no_delete BEFORE DELETE ON postings FOR EACH ROW
    EXECUTE FUNCTION refuse('L2: a posting is never deleted');

CREATE TABLE charges (
    id          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    owner_id    BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id      BIGINT NOT NULL,
    purpose     TEXT COLLATE "C" NOT NULL,
    cause       TEXT COLLATE "C" NOT NULL,
    card_id     BIGINT NOT NULL REFERENCES cards (id) DEFERRABLE,
    gateway     TEXT COLLATE "C" NOT NULL,
    mandate_id  BIGINT REFERENCES mandates (id) DEFERRABLE,
    unit        TEXT COLLATE "C" NOT NULL,
    credit      BIGINT NOT NULL,
    tax         BIGINT NOT NULL,
    fee         BIGINT NOT NULL,
    gross       BIGINT NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    attempt     BIGINT NOT NULL,
    due_at      BIGINT,
    lease_until BIGINT,
    period      TEXT COLLATE "C" NOT NULL,
    run_id      BIGINT REFERENCES runs (id) DEFERRABLE,
    reason      TEXT COLLATE "C" NOT NULL,
    posting_id  BIGINT REFERENCES postings (id) DEFERRABLE,
    created_at  BIGINT,
    settled_at  BIGINT,
    actor_id    BIGINT REFERENCES owners (id) DEFERRABLE,
    actor       TEXT COLLATE "C" NOT NULL DEFAULT '',
    address     TEXT COLLATE "C" NOT NULL DEFAULT '',
    payer       TEXT COLLATE "C" NOT NULL DEFAULT '',
    input       TEXT COLLATE "C" NOT NULL DEFAULT '',
    CONSTRAINT charges_by_hand CHECK ((purpose = 'manual') = (actor_id IS NOT NULL)),
    CONSTRAINT charges_purpose CHECK (purpose <> ''),
    CONSTRAINT charges_cause CHECK (cause <> ''),
    CONSTRAINT charges_unit CHECK (unit <> ''),
    CONSTRAINT charges_amounts CHECK (credit > 0 AND tax >= 0 AND fee >= 0),
    CONSTRAINT charges_gross CHECK (gross = credit + tax + fee),
    CONSTRAINT charges_attempt CHECK (attempt >= 1),
    CONSTRAINT charges_state CHECK (state IN ('created', 'submitted', 'unknown', 'unresolved', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT charges_settled CHECK (((state IN ('succeeded', 'failed', 'cancelled'))) = (settled_at IS NOT NULL)),
    CONSTRAINT charges_due CHECK (settled_at IS NULL OR due_at IS NULL),
    -- C4: succeeded and the posting commit together.
    CONSTRAINT charges_posting CHECK ((state = 'succeeded') = (posting_id IS NOT NULL))
);

CREATE UNIQUE INDEX charges_cause ON charges (cause);
-- C6: at most one open automatic charge per owner, over all purposes.
CREATE UNIQUE INDEX charges_open ON charges (owner_id) WHERE purpose <> 'manual' AND settled_at IS NULL;
CREATE INDEX charges_owner ON charges (owner_id, created_at);
CREATE INDEX charges_top ON charges (top_id, id);
CREATE INDEX charges_due ON charges (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX charges_state ON charges (state, id) WHERE settled_at IS NULL;
CREATE INDEX charges_ask ON charges (due_at, id) WHERE due_at IS NOT NULL AND state <> 'created';
CREATE INDEX charges_run ON charges (run_id, id) WHERE run_id IS NOT NULL;
-- The same payment again within the window.
CREATE INDEX charges_again ON charges (owner_id, card_id, created_at) WHERE purpose = 'manual';
CREATE INDEX charges_input ON charges (owner_id, input, created_at) WHERE purpose = 'manual' AND input <> '';

CREATE TRIGGER charges_next_id AFTER INSERT ON charges FOR EACH ROW
    WHEN (NEW.id > COALESCE(pg_sequence_last_value('charges_id_seq'), 0))
    EXECUTE FUNCTION go_on_after('charges_id_seq');

CREATE TRIGGER charges_no_delete BEFORE DELETE ON charges FOR EACH ROW
    EXECUTE FUNCTION refuse('a charge is never deleted');

CREATE TRIGGER charges_frozen BEFORE UPDATE OF owner_id, purpose, cause, card_id, gateway, unit, credit, tax, fee, gross, actor_id,
    actor, address, payer, input, created_at ON charges FOR EACH ROW
    EXECUTE FUNCTION refuse('the amount, card and cause of a charge never change');

-- The two refer to each other.
ALTER TABLE postings ADD FOREIGN KEY (charge_id) REFERENCES charges (id) DEFERRABLE;

CREATE TABLE decisions (
    id           BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    owner_id     BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id       BIGINT NOT NULL,
    decided_at   BIGINT,
    triggered_by TEXT COLLATE "C" NOT NULL,
    purpose      TEXT COLLATE "C" NOT NULL,
    run_id       BIGINT REFERENCES runs (id) DEFERRABLE,
    actor        TEXT COLLATE "C" NOT NULL,
    available    BIGINT,
    threshold    BIGINT,
    unit         TEXT COLLATE "C" NOT NULL,
    low          BOOLEAN NOT NULL,
    reason       TEXT COLLATE "C" NOT NULL,
    detail       TEXT COLLATE "C" NOT NULL,
    card_id      BIGINT REFERENCES cards (id) DEFERRABLE,
    mandate_id   BIGINT REFERENCES mandates (id) DEFERRABLE,
    credit       BIGINT,
    tax          BIGINT,
    fee          BIGINT,
    charge_id    BIGINT REFERENCES charges (id) DEFERRABLE,
    notice       TEXT COLLATE "C" NOT NULL,
    next_at      BIGINT,
    state        TEXT COLLATE "C" NOT NULL,
    CONSTRAINT decisions_reason CHECK (reason <> ''),
    CONSTRAINT decisions_plan CHECK ((credit IS NULL) = (card_id IS NULL)
        AND (credit IS NULL) = (tax IS NULL) AND (credit IS NULL) = (fee IS NULL))
);

CREATE INDEX decisions_owner ON decisions (owner_id, id);

CREATE TRIGGER decisions_next_id AFTER INSERT ON decisions FOR EACH ROW
    WHEN (NEW.id > COALESCE(pg_sequence_last_value('decisions_id_seq'), 0))
    EXECUTE FUNCTION go_on_after('decisions_id_seq');

CREATE TABLE buckets (
    owner_id BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    unit     TEXT COLLATE "C" NOT NULL,
    top_id   BIGINT NOT NULL,
    balance  BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    PRIMARY KEY (owner_id, unit),
    CONSTRAINT buckets_unit CHECK (unit <> ''),
    -- The least int64 has no negative.
    CONSTRAINT buckets_overflow CHECK (balance >= -9223372036854775807),
    CONSTRAINT buckets_reserved CHECK (reserved >= 0)
);

CREATE TABLE entries (
    posting_id BIGINT NOT NULL REFERENCES postings (id) DEFERRABLE,
    n          BIGINT NOT NULL,
    top_id     BIGINT NOT NULL,
    owner_id   BIGINT,
    account    TEXT COLLATE "C",
    unit       TEXT COLLATE "C" NOT NULL,
    micros     BIGINT NOT NULL,
    payment_at BIGINT,
    PRIMARY KEY (posting_id, n),
    FOREIGN KEY (owner_id, unit) REFERENCES buckets (owner_id, unit) DEFERRABLE,
    CONSTRAINT entries_payment CHECK (payment_at IS NULL OR owner_id IS NOT NULL),
    CONSTRAINT entries_side CHECK ((owner_id IS NULL) <> (account IS NULL)),
    CONSTRAINT entries_account CHECK (account <> ''),
    CONSTRAINT entries_unit CHECK (unit <> ''),
    CONSTRAINT entries_micros CHECK (micros <> 0)
);

CREATE INDEX entries_owner ON entries (owner_id, posting_id) WHERE owner_id IS NOT NULL;
-- A posting is one payment of an owner, never two.
CREATE UNIQUE INDEX entries_payments ON entries (owner_id, payment_at, posting_id) WHERE payment_at IS NOT NULL;

CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries FOR EACH ROW
    EXECUTE FUNCTION refuse('L2: an entry is never deleted');

CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries FOR EACH ROW
    EXECUTE FUNCTION refuse('L2: an entry is never changed');

CREATE TABLE attempts (
    charge_id    BIGINT NOT NULL REFERENCES charges (id) DEFERRABLE,
    n            BIGINT NOT NULL,
    top_id       BIGINT NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    submitted_at BIGINT,
    settled_at   BIGINT,
    lookups      BIGINT NOT NULL,
    ref          TEXT COLLATE "C" NOT NULL,
    class        TEXT COLLATE "C" NOT NULL,
    code         TEXT COLLATE "C" NOT NULL,
    message      TEXT COLLATE "C" NOT NULL,
    gateway      TEXT COLLATE "C" NOT NULL DEFAULT '',
    first_at     BIGINT,
    token        BYTEA,
    customer     TEXT COLLATE "C" NOT NULL DEFAULT '',
    card_print   TEXT COLLATE "C" NOT NULL DEFAULT '',
    advice       TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (charge_id, n),
    CONSTRAINT attempts_token CHECK (token IS NULL OR settled_at IS NULL),
    CONSTRAINT attempts_n CHECK (n >= 1),
    CONSTRAINT attempts_key CHECK (key <> ''),
    CONSTRAINT attempts_state CHECK (state IN ('submitted', 'unknown', 'not_attempted', 'succeeded', 'declined')),
    CONSTRAINT attempts_settled CHECK ((state IN ('succeeded', 'declined')) = (settled_at IS NOT NULL)),
    CONSTRAINT attempts_lookups CHECK (lookups >= 0)
);

-- C2: a gateway key belongs to one attempt, for ever.
CREATE UNIQUE INDEX attempts_key ON attempts (key);
CREATE INDEX attempts_ref ON attempts (gateway, ref) WHERE ref <> '';
CREATE INDEX attempts_declined ON attempts (card_print, settled_at) WHERE state = 'declined';
CREATE INDEX attempts_sealed ON attempts (charge_id, n) WHERE token IS NOT NULL;
CREATE INDEX attempts_submitted ON attempts (submitted_at);

CREATE TABLE plans (
    id                BIGINT PRIMARY KEY,
    name              TEXT COLLATE "C" NOT NULL,
    price             BIGINT NOT NULL,
    currency          TEXT COLLATE "C" NOT NULL,
    cycle             TEXT COLLATE "C" NOT NULL,
    prepaid           BOOLEAN NOT NULL,
    on_failure        TEXT COLLATE "C" NOT NULL,
    description       TEXT COLLATE "C" NOT NULL DEFAULT '',
    suspend_all_calls BOOLEAN NOT NULL DEFAULT FALSE,
    tariff_id         BIGINT,
    customer_id       BIGINT REFERENCES owners (id) DEFERRABLE,
    CONSTRAINT plans_tariff CHECK (tariff_id > 0),
    CONSTRAINT plans_customer CHECK (customer_id > 2 AND customer_id % 2 = 0),
    CONSTRAINT plans_id CHECK (id > 0),
    CONSTRAINT plans_price CHECK (price >= 0),
    CONSTRAINT plans_currency CHECK (length(currency) = 3),
    CONSTRAINT plans_cycle CHECK (cycle <> ''),
    CONSTRAINT plans_on_failure CHECK (on_failure IN ('block', 'tariff', 'overdraw'))
);

CREATE TABLE account_plans (
    owner_id   BIGINT PRIMARY KEY REFERENCES owners (id) DEFERRABLE,
    top_id     BIGINT NOT NULL,
    plan_id    BIGINT NOT NULL REFERENCES plans (id) DEFERRABLE,
    next_at    BIGINT,
    anchor_day BIGINT NOT NULL,
    time_zone  TEXT COLLATE "C" NOT NULL,
    suspended  BOOLEAN NOT NULL,
    CONSTRAINT account_plans_owner CHECK (owner_id % 2 = 1),
    CONSTRAINT account_plans_anchor CHECK (anchor_day BETWEEN 0 AND 31)
);

CREATE INDEX account_plans_next ON account_plans (next_at, owner_id) WHERE next_at IS NOT NULL;

CREATE TABLE periods (
    owner_id   BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    date       TEXT COLLATE "C" NOT NULL,
    top_id     BIGINT NOT NULL,
    plan_id    BIGINT NOT NULL REFERENCES plans (id) DEFERRABLE,
    price      BIGINT NOT NULL,
    unit       TEXT COLLATE "C" NOT NULL,
    prepaid    BOOLEAN NOT NULL,
    on_failure TEXT COLLATE "C" NOT NULL,
    state      TEXT COLLATE "C" NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL,
    charge_id  BIGINT REFERENCES charges (id) DEFERRABLE,
    posting_id BIGINT REFERENCES postings (id) DEFERRABLE,
    run_id     BIGINT REFERENCES runs (id) DEFERRABLE,
    start_at   BIGINT,
    created_at BIGINT,
    settled_at BIGINT,
    PRIMARY KEY (owner_id, date),
    CONSTRAINT periods_owner CHECK (owner_id % 2 = 1),
    CONSTRAINT periods_date CHECK (length(date) = 10),
    CONSTRAINT periods_price CHECK (price >= 0),
    CONSTRAINT periods_unit CHECK (unit <> ''),
    CONSTRAINT periods_on_failure CHECK (on_failure IN ('block', 'tariff', 'overdraw')),
    CONSTRAINT periods_state CHECK (state IN ('due', 'charging', 'unpaid', 'posted', 'skipped')),
    CONSTRAINT periods_settled CHECK ((state IN ('posted', 'skipped')) = (settled_at IS NOT NULL)),
    -- A free period is posted without a posting: an entry has an amount.
    CONSTRAINT periods_posting CHECK ((posting_id IS NOT NULL) = (state = 'posted' AND price > 0))
);

CREATE INDEX periods_open ON periods (owner_id, date) WHERE settled_at IS NULL;
CREATE INDEX periods_run ON periods (run_id, state) WHERE run_id IS NOT NULL;
CREATE INDEX periods_waiting ON periods (owner_id) WHERE state IN ('due', 'unpaid');

CREATE TABLE notices (
    id          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    owner_id    BIGINT REFERENCES owners (id) DEFERRABLE,
    top_id      BIGINT NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    cause       TEXT COLLATE "C" NOT NULL,
    recipient   TEXT COLLATE "C" NOT NULL,
    subject     TEXT COLLATE "C" NOT NULL,
    body        TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    tries       BIGINT NOT NULL,
    due_at      BIGINT,
    lease_until BIGINT,
    error       TEXT COLLATE "C" NOT NULL,
    run_id      BIGINT REFERENCES runs (id) DEFERRABLE,
    created_at  BIGINT,
    sent_at     BIGINT,
    CONSTRAINT notices_kind CHECK (kind <> ''),
    CONSTRAINT notices_cause CHECK (cause <> ''),
    CONSTRAINT notices_state CHECK (state IN ('pending', 'sent', 'failed', 'no_address')),
    CONSTRAINT notices_sent CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CONSTRAINT notices_tries CHECK (tries >= 0)
);

CREATE UNIQUE INDEX notices_cause ON notices (cause);
CREATE INDEX notices_owner ON notices (owner_id, id);
CREATE INDEX notices_due ON notices (due_at, id) WHERE due_at IS NOT NULL AND state = 'pending';
CREATE INDEX notices_run ON notices (run_id) WHERE run_id IS NOT NULL;

CREATE TRIGGER notices_next_id AFTER INSERT ON notices FOR EACH ROW
    WHEN (NEW.id > COALESCE(pg_sequence_last_value('notices_id_seq'), 0))
    EXECUTE FUNCTION go_on_after('notices_id_seq');

CREATE TABLE logins (
    name       TEXT COLLATE "C" PRIMARY KEY,
    owner_id   BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    ha1        BYTEA,
    realm      TEXT COLLATE "C" NOT NULL,
    disabled   BOOLEAN NOT NULL,
    created_at BIGINT,
    updated_at BIGINT,
    CONSTRAINT logins_name CHECK (name <> ''),
    CONSTRAINT logins_customer CHECK (owner_id % 2 = 0)
);

CREATE INDEX logins_owner ON logins (owner_id, name);

CREATE TABLE objects (
    type TEXT COLLATE "C" NOT NULL,
    key  TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (type, key),
    CONSTRAINT objects_type CHECK (type <> ''),
    CONSTRAINT objects_body CHECK (body <> '')
);

CREATE TABLE refunds (
    id          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    charge_id   BIGINT NOT NULL REFERENCES charges (id) DEFERRABLE,
    owner_id    BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id      BIGINT NOT NULL,
    gateway     TEXT COLLATE "C" NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    ref         TEXT COLLATE "C" NOT NULL,
    unit        TEXT COLLATE "C" NOT NULL,
    amount      BIGINT NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    reason      TEXT COLLATE "C" NOT NULL,
    actor       TEXT COLLATE "C" NOT NULL,
    code        TEXT COLLATE "C" NOT NULL,
    message     TEXT COLLATE "C" NOT NULL,
    lookups     BIGINT NOT NULL,
    due_at      BIGINT,
    lease_until BIGINT,
    posting_id  BIGINT REFERENCES postings (id) DEFERRABLE,
    reversal_id BIGINT REFERENCES postings (id) DEFERRABLE,
    created_at  BIGINT,
    settled_at  BIGINT,
    CONSTRAINT refunds_amount CHECK (amount > 0),
    CONSTRAINT refunds_named CHECK (key <> '' OR ref <> ''),
    CONSTRAINT refunds_lookups CHECK (lookups >= 0),
    CONSTRAINT refunds_state CHECK (state IN ('created', 'submitted', 'unknown', 'succeeded', 'failed')),
    CONSTRAINT refunds_settled CHECK ((state IN ('succeeded', 'failed')) = (settled_at IS NOT NULL)),
    CONSTRAINT refunds_due CHECK (settled_at IS NULL OR due_at IS NULL),
    -- A refund that succeeded is booked; one that failed afterwards is booked back.
    CONSTRAINT refunds_posting CHECK (state <> 'succeeded' OR (posting_id IS NOT NULL AND reversal_id IS NULL)),
    CONSTRAINT refunds_reversal CHECK (state = 'succeeded' OR (posting_id IS NULL) = (reversal_id IS NULL))
);

CREATE UNIQUE INDEX refunds_key ON refunds (key) WHERE key <> '';
CREATE UNIQUE INDEX refunds_ref ON refunds (gateway, ref) WHERE ref <> '';
CREATE INDEX refunds_charge ON refunds (charge_id);
CREATE INDEX refunds_due ON refunds (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX refunds_open ON refunds (owner_id) WHERE settled_at IS NULL;

CREATE TRIGGER refunds_next_id AFTER INSERT ON refunds FOR EACH ROW
    WHEN (NEW.id > COALESCE(pg_sequence_last_value('refunds_id_seq'), 0))
    EXECUTE FUNCTION go_on_after('refunds_id_seq');

CREATE TRIGGER refunds_frozen BEFORE UPDATE OF charge_id, owner_id, gateway, key, unit, amount ON refunds FOR EACH ROW
    EXECUTE FUNCTION refuse('the amount and charge of a refund never change');

CREATE TRIGGER refunds_no_delete BEFORE DELETE ON refunds FOR EACH ROW
    EXECUTE FUNCTION refuse('a refund is never deleted');

CREATE TABLE disputes (
    id         BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    charge_id  BIGINT NOT NULL REFERENCES charges (id) DEFERRABLE,
    owner_id   BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id     BIGINT NOT NULL,
    gateway    TEXT COLLATE "C" NOT NULL,
    ref        TEXT COLLATE "C" NOT NULL,
    unit       TEXT COLLATE "C" NOT NULL,
    amount     BIGINT NOT NULL,
    withdrawn  BIGINT NOT NULL,
    reinstated BIGINT NOT NULL,
    fee        BIGINT NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL,
    state      TEXT COLLATE "C" NOT NULL,
    opened_at  BIGINT,
    closed_at  BIGINT,
    lifted_at  BIGINT,
    lifted_by  TEXT COLLATE "C" NOT NULL,
    CONSTRAINT disputes_ref_set CHECK (ref <> ''),
    CONSTRAINT disputes_amounts CHECK (amount >= 0 AND withdrawn >= 0 AND reinstated >= 0),
    CONSTRAINT disputes_state CHECK (state IN ('open', 'won', 'lost')),
    CONSTRAINT disputes_closed CHECK ((state <> 'open') = (closed_at IS NOT NULL))
);

CREATE UNIQUE INDEX disputes_ref ON disputes (gateway, ref);
CREATE INDEX disputes_charge ON disputes (charge_id);
CREATE INDEX disputes_held ON disputes (owner_id) WHERE lifted_at IS NULL;
CREATE INDEX disputes_open ON disputes (owner_id) WHERE closed_at IS NULL;

CREATE TRIGGER disputes_next_id AFTER INSERT ON disputes FOR EACH ROW
    WHEN (NEW.id > COALESCE(pg_sequence_last_value('disputes_id_seq'), 0))
    EXECUTE FUNCTION go_on_after('disputes_id_seq');

-- One row for each event that was acted on: told twice, it acts once.
CREATE TABLE gateway_events (
    gateway     TEXT COLLATE "C" NOT NULL,
    event_id    TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    top_id      BIGINT NOT NULL,
    charge_id   BIGINT REFERENCES charges (id) DEFERRABLE,
    happened_at BIGINT,
    received_at BIGINT,
    PRIMARY KEY (gateway, event_id),
    CONSTRAINT gateway_events_id CHECK (event_id <> ''),
    CONSTRAINT gateway_events_kind CHECK (kind <> '')
);

-- When a gateway may be called next, over all servers.
CREATE TABLE pace (
    gateway    TEXT COLLATE "C" PRIMARY KEY,
    next_at    BIGINT,
    slow       BIGINT NOT NULL,
    limited_at BIGINT,
    CONSTRAINT pace_slow CHECK (slow >= 1)
);

-- The global breaker: with a row of stopped_at nothing is sent.
CREATE TABLE sending (
    id         BIGINT PRIMARY KEY,
    stopped_at BIGINT,
    resumed_at BIGINT,
    reason     TEXT COLLATE "C" NOT NULL,
    CONSTRAINT sending_one CHECK (id = 1)
);

INSERT INTO sending (id, stopped_at, resumed_at, reason) VALUES (1, NULL, NULL, '');

-- Who changed what, from where.
CREATE TABLE audit (
    id          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    top_id      BIGINT NOT NULL,
    logged_at   BIGINT NOT NULL,
    actor       TEXT COLLATE "C" NOT NULL,
    customer_id BIGINT,
    api         TEXT COLLATE "C" NOT NULL,
    address     TEXT COLLATE "C" NOT NULL,
    action      TEXT COLLATE "C" NOT NULL,
    resource    TEXT COLLATE "C" NOT NULL,
    info        TEXT COLLATE "C" NOT NULL,
    CONSTRAINT audit_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT audit_customer CHECK (customer_id % 2 = 0),
    CONSTRAINT audit_action CHECK (action <> ''),
    CONSTRAINT audit_resource CHECK (resource <> '')
);

CREATE INDEX audit_time ON audit (logged_at);

CREATE TRIGGER audit_next_id AFTER INSERT ON audit FOR EACH ROW
    WHEN (NEW.id > COALESCE(pg_sequence_last_value('audit_id_seq'), 0))
    EXECUTE FUNCTION go_on_after('audit_id_seq');

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW
    EXECUTE FUNCTION refuse('an audit row is never changed');

-- Whatever the time is that an operator keeps them for, what was done within the last
-- twelve hours is deleted by nobody.
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW
    WHEN (OLD.logged_at > (extract(epoch FROM clock_timestamp())::bigint - 43200) * 1000000)
    EXECUTE FUNCTION refuse('an audit row is not deleted before its time');

-- Codes and PINs are kept as hashes only. top_id is the user's once it is used, till
-- then root's.
CREATE TABLE vouchers (
    id         BIGINT PRIMARY KEY,
    top_id     BIGINT NOT NULL,
    code_hash  BYTEA NOT NULL,
    pin_hash   BYTEA,
    hint       TEXT COLLATE "C" NOT NULL,
    amount     BIGINT NOT NULL,
    currency   TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    used_at    BIGINT,
    used_by    BIGINT REFERENCES owners (id) DEFERRABLE,
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
);

CREATE UNIQUE INDEX vouchers_code ON vouchers (code_hash);

CREATE TRIGGER vouchers_used_once BEFORE UPDATE ON vouchers FOR EACH ROW
    WHEN (OLD.used_at IS NOT NULL)
    EXECUTE FUNCTION refuse('a used voucher never changes');

CREATE TRIGGER vouchers_no_delete BEFORE DELETE ON vouchers FOR EACH ROW
    EXECUTE FUNCTION refuse('a voucher is never deleted');

-- How many vouchers did not work for an account, or for a login, since a time: who
-- guesses is refused for an hour.
CREATE TABLE voucher_guesses (
    subject TEXT COLLATE "C" PRIMARY KEY,
    top_id  BIGINT NOT NULL,
    since   BIGINT NOT NULL,
    wrong   BIGINT NOT NULL,
    CONSTRAINT voucher_guesses_subject CHECK (subject <> ''),
    CONSTRAINT voucher_guesses_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT voucher_guesses_wrong CHECK (wrong > 0)
);

-- Bearer tokens of the REST interfaces. A token is kept as its SHA-256 only.
CREATE TABLE tokens (
    id          BIGINT PRIMARY KEY,
    top_id      BIGINT NOT NULL,
    customer_id BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    name        TEXT COLLATE "C" NOT NULL,
    hash        BYTEA NOT NULL,
    hint        TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    revoked_at  BIGINT,
    CONSTRAINT tokens_id CHECK (id > 0),
    CONSTRAINT tokens_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT tokens_customer CHECK (customer_id > 0 AND customer_id % 2 = 0),
    CONSTRAINT tokens_name CHECK (length(name) BETWEEN 1 AND 128),
    CONSTRAINT tokens_hash CHECK (length(hash) = 32),
    -- Where a token would fit, it must not.
    CONSTRAINT tokens_hint CHECK (length(hint) <= 4)
);

-- What is revoked may come again: an operator's setting goes back to an earlier token.
CREATE UNIQUE INDEX tokens_hash ON tokens (hash) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX tokens_name ON tokens (customer_id, name) WHERE revoked_at IS NULL;

CREATE TRIGGER tokens_revoked BEFORE UPDATE ON tokens FOR EACH ROW
    WHEN (OLD.revoked_at IS NOT NULL)
    EXECUTE FUNCTION refuse('a revoked token never changes');

CREATE TRIGGER tokens_no_delete BEFORE DELETE ON tokens FOR EACH ROW
    EXECUTE FUNCTION refuse('a token is revoked, not deleted');

-- Answers that are given again for the same Idempotency-Key.
CREATE TABLE idempotency_keys (
    customer_id  BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    key          TEXT COLLATE "C" NOT NULL,
    top_id       BIGINT NOT NULL,
    input_hash   BYTEA NOT NULL,
    status       BIGINT NOT NULL,
    content_type TEXT COLLATE "C" NOT NULL,
    headers      TEXT COLLATE "C" NOT NULL,
    body         BYTEA,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (customer_id, key),
    CONSTRAINT idempotency_customer CHECK (customer_id > 0 AND customer_id % 2 = 0),
    CONSTRAINT idempotency_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT idempotency_key CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_input CHECK (length(input_hash) = 32),
    -- A refusal changes nothing and is not kept.
    CONSTRAINT idempotency_status CHECK (status BETWEEN 200 AND 399)
);

CREATE INDEX idempotency_time ON idempotency_keys (created_at);

-- What the operator calls its letters. The first three come with topupd.
CREATE TABLE correspondence_types (
    id         BIGINT PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT,
    CONSTRAINT correspondence_types_id CHECK (id > 0),
    CONSTRAINT correspondence_types_name CHECK (name <> '')
);

CREATE UNIQUE INDEX correspondence_types_name ON correspondence_types (lower(name));

INSERT INTO correspondence_types (id, name) VALUES (1, 'Auto Top-up Expected'), (2, 'Auto Top-up Card'), (3, 'Auto Top-up Direct Debit');

-- Values are millionths, of money or of a percent.
CREATE TABLE auto_topup_profiles (
    id                  BIGINT PRIMARY KEY,
    name                TEXT COLLATE "C" NOT NULL,
    description         TEXT COLLATE "C" NOT NULL,
    enabled             BOOLEAN NOT NULL,
    trigger_basis       TEXT COLLATE "C" NOT NULL,
    trigger_type        TEXT COLLATE "C" NOT NULL,
    trigger_value       BIGINT NOT NULL,
    reference_limit     TEXT COLLATE "C" NOT NULL,
    topup_mode          TEXT COLLATE "C" NOT NULL,
    topup_value         BIGINT NOT NULL,
    topup_limit         TEXT COLLATE "C" NOT NULL,
    auto_collect        BOOLEAN NOT NULL,
    letter_expected     BIGINT REFERENCES correspondence_types (id) DEFERRABLE,
    letter_card         BIGINT REFERENCES correspondence_types (id) DEFERRABLE,
    letter_direct_debit BIGINT REFERENCES correspondence_types (id) DEFERRABLE,
    min_days            BIGINT NOT NULL,
    customer_id         BIGINT REFERENCES owners (id) DEFERRABLE,
    created_at          BIGINT,
    updated_at          BIGINT,
    -- A deleted profile stays a row: expected payments name it, and its id is not used again.
    deleted_at          BIGINT,
    CONSTRAINT auto_topup_profiles_id CHECK (id > 0),
    CONSTRAINT auto_topup_profiles_name CHECK (name <> ''),
    CONSTRAINT auto_topup_profiles_basis CHECK (trigger_basis IN ('outstanding', 'overdue', 'unbilled_calls')),
    CONSTRAINT auto_topup_profiles_type CHECK (trigger_type IN ('absolute', 'percent')),
    CONSTRAINT auto_topup_profiles_mode CHECK (topup_mode IN ('fixed', 'to_percent')),
    CONSTRAINT auto_topup_profiles_values CHECK (trigger_value >= 0 AND topup_value >= 0 AND min_days >= 0),
    CONSTRAINT auto_topup_profiles_percent CHECK ((trigger_type = 'absolute' OR (trigger_value > 0 AND trigger_value <= 100000000))
        AND (topup_mode = 'fixed' OR topup_value < 100000000)),
    CONSTRAINT auto_topup_profiles_limit CHECK (reference_limit <> ''),
    CONSTRAINT auto_topup_profiles_customer CHECK (customer_id % 2 = 0)
);

CREATE INDEX auto_topup_profiles_name ON auto_topup_profiles (lower(name), id) WHERE deleted_at IS NULL;

-- +goose StatementBegin
CREATE FUNCTION auto_topup_profiles_linked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.deleted_at IS NOT NULL AND EXISTS (SELECT 1 FROM owner_topup WHERE profile_id = NEW.id) THEN
        RAISE EXCEPTION 'a linked profile is not deleted';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER auto_topup_profiles_linked BEFORE UPDATE ON auto_topup_profiles FOR EACH ROW EXECUTE FUNCTION auto_topup_profiles_linked();

-- What a customer owes, as told by import or PATCH: debts are positive.
CREATE TABLE owner_topup (
    owner_id     BIGINT PRIMARY KEY REFERENCES owners (id) DEFERRABLE,
    top_id       BIGINT NOT NULL,
    profile_id   BIGINT REFERENCES auto_topup_profiles (id) DEFERRABLE,
    amount       BIGINT,
    outstanding  BIGINT NOT NULL,
    overdue      BIGINT NOT NULL,
    unbilled     BIGINT NOT NULL,
    payment_type TEXT COLLATE "C" NOT NULL,
    suspended    TEXT COLLATE "C" NOT NULL,
    updated_at   BIGINT,
    CONSTRAINT owner_topup_customer CHECK (owner_id % 2 = 0),
    CONSTRAINT owner_topup_amount CHECK (amount IS NULL OR amount >= 0),
    CONSTRAINT owner_topup_payment_type CHECK (payment_type = '' OR payment_type = 'card' OR payment_type = 'direct_debit' OR payment_type = 'other')
);

-- A run's cost follows the customers that are linked.
CREATE INDEX owner_topup_linked ON owner_topup (owner_id) WHERE profile_id IS NOT NULL;
CREATE INDEX owner_topup_profile ON owner_topup (profile_id, owner_id) WHERE profile_id IS NOT NULL;

CREATE TABLE owner_limits (
    owner_id BIGINT NOT NULL REFERENCES owner_topup (owner_id) DEFERRABLE,
    name     TEXT COLLATE "C" NOT NULL,
    top_id   BIGINT NOT NULL,
    micros   BIGINT NOT NULL,
    PRIMARY KEY (owner_id, name),
    CONSTRAINT owner_limits_name CHECK (name <> '')
);

-- Subscriptions, payments that their owners already made at a gateway, and the orders
-- that say which payment topped up which subscription.
CREATE TABLE subscriptions (
    id                BIGINT PRIMARY KEY,
    owner_id          BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id            BIGINT NOT NULL,
    phone_number      TEXT COLLATE "C" NOT NULL,
    category          BIGINT,
    wholesale_partner BIGINT,
    sales_code        TEXT COLLATE "C",
    state             TEXT COLLATE "C" NOT NULL,
    CONSTRAINT subscriptions_id CHECK (id > 0),
    CONSTRAINT subscriptions_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT subscriptions_state CHECK (state = 'active' OR state = 'terminated')
);

-- +goose StatementBegin
CREATE FUNCTION subscriptions_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.owner_id <> OLD.owner_id AND EXISTS (SELECT 1 FROM orders o WHERE o.subscription_id = OLD.id) THEN
        RAISE EXCEPTION 'a subscription with orders stays with its owner';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER subscriptions_owner BEFORE UPDATE OF owner_id ON subscriptions FOR EACH ROW EXECUTE FUNCTION subscriptions_owner();

CREATE TABLE gateway_payments (
    id       BIGINT PRIMARY KEY,
    owner_id BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id   BIGINT NOT NULL,
    amount   BIGINT NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    card_id  BIGINT REFERENCES cards (id) DEFERRABLE,
    status   TEXT COLLATE "C" NOT NULL,
    CONSTRAINT gateway_payments_id CHECK (id > 0),
    CONSTRAINT gateway_payments_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT gateway_payments_amount CHECK (amount > 0),
    CONSTRAINT gateway_payments_currency CHECK (length(currency) = 3),
    CONSTRAINT gateway_payments_status CHECK (status <> '')
);

CREATE INDEX gateway_payments_card ON gateway_payments (card_id) WHERE card_id IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION gateway_payments_used() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM orders o WHERE o.payment_id = OLD.id) THEN
        RAISE EXCEPTION 'a payment that was used never changes';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER gateway_payments_used BEFORE UPDATE ON gateway_payments FOR EACH ROW EXECUTE FUNCTION gateway_payments_used();

CREATE TRIGGER gateway_payments_no_delete BEFORE DELETE ON gateway_payments FOR EACH ROW
    EXECUTE FUNCTION refuse('a payment is never deleted');

-- An order keeps what it was made with: whoever asks again gets the same order. One
-- that was imported has no posting here.
CREATE TABLE orders (
    id                BIGINT PRIMARY KEY,
    subscription_id   BIGINT NOT NULL REFERENCES subscriptions (id) DEFERRABLE,
    payment_id        BIGINT NOT NULL REFERENCES gateway_payments (id) DEFERRABLE,
    top_id            BIGINT NOT NULL,
    posting_id        BIGINT REFERENCES postings (id) DEFERRABLE,
    order_type        BIGINT NOT NULL,
    status            BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    effective_at      BIGINT NOT NULL,
    phone_number      TEXT COLLATE "C" NOT NULL,
    category          BIGINT,
    wholesale_partner BIGINT,
    sales_code        TEXT COLLATE "C",
    CONSTRAINT orders_id CHECK (id > 0),
    CONSTRAINT orders_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT orders_type CHECK (order_type > 0),
    CONSTRAINT orders_status CHECK (status > 0)
);

-- A payment is used once.
CREATE UNIQUE INDEX orders_payment ON orders (payment_id);
CREATE INDEX orders_subscription ON orders (subscription_id, id);

-- +goose StatementBegin
CREATE FUNCTION orders_of_a_paid_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM gateway_payments p JOIN subscriptions s ON s.owner_id = p.owner_id
        WHERE p.id = NEW.payment_id AND s.id = NEW.subscription_id AND p.status = 'paid') THEN
        RAISE EXCEPTION 'an order needs a paid payment of the owner of its subscription';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER orders_of_a_paid_payment BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION orders_of_a_paid_payment();

-- Causes are unique, so a posting is that of one order.
-- +goose StatementBegin
CREATE FUNCTION orders_posting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.posting_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM postings p WHERE p.id = NEW.posting_id AND p.kind = 'gateway_payment' AND p.cause = 'gateway_payment:' || NEW.payment_id) THEN
        RAISE EXCEPTION 'the posting of an order is that of its payment';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER orders_posting BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION orders_posting();

CREATE TRIGGER orders_no_update BEFORE UPDATE ON orders FOR EACH ROW
    EXECUTE FUNCTION refuse('an order is never changed');

CREATE TRIGGER orders_no_delete BEFORE DELETE ON orders FOR EACH ROW
    EXECUTE FUNCTION refuse('an order is never deleted');

-- Pool plans: allowances that a customer's subscribers share. What is in an allowance
-- is the ledger's: the customer's bucket of the unit "SMS/500" for offer 500.
CREATE TABLE pool_plans (
    offer           BIGINT PRIMARY KEY,
    owner_id        BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id          BIGINT NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    currency        TEXT COLLATE "C" NOT NULL,
    expiration_type TEXT COLLATE "C" NOT NULL,
    expires_at      BIGINT,
    lapsed          BOOLEAN NOT NULL,
    lapses          BIGINT NOT NULL,
    created_at      BIGINT,
    updated_at      BIGINT,
    CONSTRAINT pool_plans_offer CHECK (offer > 0),
    CONSTRAINT pool_plans_customer CHECK (owner_id % 2 = 0),
    CONSTRAINT pool_plans_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT pool_plans_currency CHECK (length(currency) = 3),
    -- The end of a day, in UTC.
    CONSTRAINT pool_plans_expires CHECK (expires_at % 86400000000 = 0),
    CONSTRAINT pool_plans_lapsed CHECK (NOT lapsed OR expires_at IS NOT NULL),
    CONSTRAINT pool_plans_lapses CHECK (lapses >= lapsed::int)
);

CREATE INDEX pool_plans_owner ON pool_plans (owner_id);
CREATE INDEX pool_plans_due ON pool_plans (expires_at) WHERE expires_at IS NOT NULL AND NOT lapsed;

CREATE TRIGGER pool_plans_stay BEFORE UPDATE OF owner_id, top_id ON pool_plans FOR EACH ROW
    WHEN (NEW.owner_id <> OLD.owner_id OR NEW.top_id <> OLD.top_id)
    EXECUTE FUNCTION refuse('the customer of a pool plan never changes: its buckets are the customer''s');

CREATE TABLE pool_balances (
    offer       BIGINT NOT NULL REFERENCES pool_plans (offer) DEFERRABLE,
    unit        TEXT COLLATE "C" NOT NULL,
    top_id      BIGINT NOT NULL,
    total       BIGINT NOT NULL,
    low_at      BIGINT,
    low_percent BIGINT,
    low         BOOLEAN NOT NULL,
    episodes    BIGINT NOT NULL,
    PRIMARY KEY (offer, unit),
    CONSTRAINT pool_balances_unit CHECK (unit = 'SMS' OR unit = 'KB'),
    CONSTRAINT pool_balances_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT pool_balances_total CHECK (total >= 0),
    CONSTRAINT pool_balances_low_at CHECK (low_at >= 0),
    CONSTRAINT pool_balances_percent CHECK (low_percent BETWEEN 0 AND 100000000),
    CONSTRAINT pool_balances_one CHECK (low_at IS NULL OR low_percent IS NULL),
    CONSTRAINT pool_balances_episodes CHECK (episodes >= low::int)
);

CREATE TABLE pool_subscribers (
    offer      BIGINT NOT NULL REFERENCES pool_plans (offer) DEFERRABLE,
    n          BIGINT NOT NULL,
    top_id     BIGINT NOT NULL,
    subscriber TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (offer, n),
    CONSTRAINT pool_subscribers_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT pool_subscribers_named CHECK (subscriber <> '')
);

CREATE UNIQUE INDEX pool_subscribers_once ON pool_subscribers (offer, subscriber);

-- A request that was acknowledged: a worker applies it once. It needs no lease, since
-- nothing leaves the database: the transaction that applies it is the claim.
CREATE TABLE pool_topups (
    id           TEXT COLLATE "C" PRIMARY KEY,
    requester_id BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    login        TEXT COLLATE "C" NOT NULL,
    owner_id     BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id       BIGINT NOT NULL,
    offer        BIGINT NOT NULL REFERENCES pool_plans (offer) DEFERRABLE,
    charge       BIGINT NOT NULL,
    currency     TEXT COLLATE "C" NOT NULL,
    expires_at   BIGINT,
    sms          BIGINT NOT NULL,
    kb           BIGINT NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    reason       TEXT COLLATE "C" NOT NULL,
    posting_id   BIGINT REFERENCES postings (id) DEFERRABLE,
    tries        BIGINT NOT NULL,
    due_at       BIGINT,
    created_at   BIGINT NOT NULL,
    finished_at  BIGINT,
    CONSTRAINT pool_topups_id CHECK (length(id) = 36),
    CONSTRAINT pool_topups_requester CHECK (requester_id % 2 = 0 AND requester_id <> owner_id),
    CONSTRAINT pool_topups_customer CHECK (owner_id % 2 = 0),
    CONSTRAINT pool_topups_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT pool_topups_charge CHECK (charge >= 0 AND length(currency) = 3),
    CONSTRAINT pool_topups_expires CHECK (expires_at % 86400000000 = 0),
    CONSTRAINT pool_topups_allowance CHECK (sms >= 0 AND kb >= 0 AND sms + kb > 0),
    CONSTRAINT pool_topups_state CHECK (state IN ('open', 'success', 'failure', 'fault')),
    CONSTRAINT pool_topups_due CHECK ((state = 'open') = (due_at IS NOT NULL)),
    CONSTRAINT pool_topups_finished CHECK ((state = 'open') = (finished_at IS NULL)),
    -- Its state and its posting commit together.
    CONSTRAINT pool_topups_posting CHECK ((state = 'success') = (posting_id IS NOT NULL)),
    CONSTRAINT pool_topups_tries CHECK (tries >= 0)
);

CREATE INDEX pool_topups_due ON pool_topups (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX pool_topups_old ON pool_topups (finished_at) WHERE finished_at IS NOT NULL;
CREATE UNIQUE INDEX pool_topups_posting ON pool_topups (posting_id) WHERE posting_id IS NOT NULL;
CREATE INDEX pool_topups_owner ON pool_topups (owner_id);

CREATE TRIGGER pool_topups_frozen BEFORE UPDATE OF id, requester_id, login, owner_id, top_id, offer, charge, currency, expires_at, sms, kb,
    created_at ON pool_topups FOR EACH ROW
    EXECUTE FUNCTION refuse('what a pool top-up asks for never changes');

CREATE TRIGGER pool_topups_final BEFORE UPDATE ON pool_topups FOR EACH ROW
    WHEN (OLD.state <> 'open')
    EXECUTE FUNCTION refuse('a finished pool top-up never changes');

CREATE TRIGGER pool_topups_no_delete BEFORE DELETE ON pool_topups FOR EACH ROW
    WHEN (OLD.state = 'open')
    EXECUTE FUNCTION refuse('an open pool top-up is never deleted');

-- Balance actions of TMF654: top-ups, adjustments, transfers and reservations have one
-- sequence of ids, and each has one row in a table of its own kind.
CREATE TABLE balance_actions (
    id         BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    kind       TEXT COLLATE "C" NOT NULL,
    owner_id   BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id     BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT balance_actions_id CHECK (id > 0),
    CONSTRAINT balance_actions_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT balance_actions_kind CHECK (kind IN ('topup', 'adjustment', 'transfer', 'reservation'))
);

CREATE INDEX balance_actions_owner ON balance_actions (owner_id, id);
CREATE INDEX balance_actions_top ON balance_actions (top_id, id);
CREATE INDEX balance_actions_time ON balance_actions (created_at, id);

CREATE TRIGGER balance_actions_next_id AFTER INSERT ON balance_actions FOR EACH ROW
    WHEN (NEW.id > COALESCE(pg_sequence_last_value('balance_actions_id_seq'), 0))
    EXECUTE FUNCTION go_on_after('balance_actions_id_seq');

CREATE TRIGGER balance_actions_no_update BEFORE UPDATE ON balance_actions FOR EACH ROW
    EXECUTE FUNCTION refuse('a balance action is never changed');

CREATE TRIGGER balance_actions_no_delete BEFORE DELETE ON balance_actions FOR EACH ROW
    EXECUTE FUNCTION refuse('a balance action is never deleted');

-- What an account uses of the network, as TMF654 shows it as a product.
CREATE TABLE services (
    id       BIGINT PRIMARY KEY,
    owner_id BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id   BIGINT NOT NULL,
    class    TEXT COLLATE "C" NOT NULL,
    CONSTRAINT services_id CHECK (id > 0),
    CONSTRAINT services_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT services_class CHECK (class LIKE '/_%')
);

CREATE INDEX services_owner ON services (owner_id, id);

-- A rule has the id of its first execution, which is the top-up that made it. Period n
-- starts n periods after the anchor, in the owner's zone.
CREATE TABLE topup_rules (
    id         BIGINT PRIMARY KEY REFERENCES balance_actions (id) DEFERRABLE,
    owner_id   BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id     BIGINT NOT NULL,
    unit       TEXT COLLATE "C" NOT NULL,
    amount     BIGINT NOT NULL,
    period     TEXT COLLATE "C" NOT NULL,
    periods    BIGINT,
    anchor     BIGINT NOT NULL,
    -- The next period, and when it is due; no time once nothing more is to come.
    next_n     BIGINT NOT NULL,
    next_at    BIGINT,
    done       BIGINT NOT NULL,
    failures   BIGINT NOT NULL,
    state      TEXT COLLATE "C" NOT NULL,
    suspended  TEXT COLLATE "C" NOT NULL,
    -- Why the due period waits; told once.
    reason     TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT topup_rules_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT topup_rules_unit CHECK (length(unit) = 3),
    CONSTRAINT topup_rules_amount CHECK (amount > 0),
    CONSTRAINT topup_rules_period CHECK (period IN ('daily', 'weekly', 'fortnightly', 'monthly')),
    CONSTRAINT topup_rules_periods CHECK (periods >= 1),
    CONSTRAINT topup_rules_next CHECK (next_n >= 0 AND (state = 'active') = (next_at IS NOT NULL)),
    CONSTRAINT topup_rules_done CHECK (done >= 0 AND (periods IS NULL OR done <= periods)),
    CONSTRAINT topup_rules_failures CHECK (failures >= 0),
    CONSTRAINT topup_rules_state CHECK (state IN ('active', 'finished', 'cancelled', 'failed')),
    CONSTRAINT topup_rules_finished CHECK ((state <> 'finished' OR (periods IS NOT NULL AND done = periods)) AND (state <> 'active' OR periods IS NULL OR done < periods)),
    CONSTRAINT topup_rules_suspended CHECK (suspended = '' OR state = 'active')
);

CREATE INDEX topup_rules_due ON topup_rules (next_at, id) WHERE next_at IS NOT NULL AND suspended = '';
CREATE INDEX topup_rules_owner ON topup_rules (owner_id, id);
CREATE INDEX topup_rules_suspended ON topup_rules (owner_id) WHERE suspended <> '';

CREATE TRIGGER topup_rules_frozen BEFORE UPDATE OF id, owner_id, unit, amount, period, anchor, created_at ON topup_rules FOR EACH ROW
    EXECUTE FUNCTION refuse('what a rule tops up, how much and when never changes');

CREATE TRIGGER topup_rules_over BEFORE UPDATE ON topup_rules FOR EACH ROW
    WHEN (OLD.state <> 'active' AND NEW.state = 'active')
    EXECUTE FUNCTION refuse('a rule that ended does not start again');

CREATE TRIGGER topup_rules_no_delete BEFORE DELETE ON topup_rules FOR EACH ROW
    EXECUTE FUNCTION refuse('a rule is never deleted');

-- Money is in millionths; balances are of the owner's bucket, positive for funds.
CREATE TABLE topups (
    id             BIGINT PRIMARY KEY REFERENCES balance_actions (id) DEFERRABLE,
    owner_id       BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id         BIGINT NOT NULL,
    unit           TEXT COLLATE "C" NOT NULL,
    amount         BIGINT NOT NULL,
    state          TEXT COLLATE "C" NOT NULL,
    rule_id        BIGINT REFERENCES topup_rules (id) DEFERRABLE,
    period         BIGINT NOT NULL,
    charge_id      BIGINT REFERENCES charges (id) DEFERRABLE,
    voucher        TEXT COLLATE "C" NOT NULL,
    posting_id     BIGINT REFERENCES postings (id) DEFERRABLE,
    balance_before BIGINT,
    balance_after  BIGINT,
    reason         TEXT COLLATE "C" NOT NULL,
    imported       BOOLEAN NOT NULL,
    extra          TEXT COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL,
    settled_at     BIGINT,
    deleted_at     BIGINT,
    CONSTRAINT topups_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT topups_unit CHECK (length(unit) = 3),
    CONSTRAINT topups_amount CHECK (amount > 0),
    CONSTRAINT topups_state CHECK (state IN ('created', 'completed', 'failed', 'cancelled')),
    CONSTRAINT topups_settled CHECK ((state = 'created') = (settled_at IS NULL)),
    CONSTRAINT topups_period CHECK (period >= 0 AND (rule_id IS NOT NULL OR period = 0)),
    CONSTRAINT topups_first CHECK (rule_id IS NULL OR rule_id <= id),
    -- Never credited before it was paid: a credit has its posting, and only what was paid has one.
    CONSTRAINT topups_paid CHECK ((state = 'completed' AND (imported OR posting_id IS NOT NULL)) OR (state <> 'completed' AND posting_id IS NULL)),
    CONSTRAINT topups_open CHECK (state <> 'created' OR charge_id IS NOT NULL OR imported),
    CONSTRAINT topups_source CHECK (charge_id IS NULL OR voucher = ''),
    CONSTRAINT topups_balances CHECK ((balance_before IS NULL) = (balance_after IS NULL) AND (posting_id IS NULL OR balance_before IS NOT NULL)
        AND (balance_before IS NULL OR (state = 'completed' AND balance_after - balance_before = amount))),
    CONSTRAINT topups_extra CHECK (extra = '' OR (json_valid(extra) AND length(extra) <= 16384))
);

-- A period of a rule is executed once, and one at a time.
CREATE UNIQUE INDEX topups_once ON topups (rule_id, period) WHERE rule_id IS NOT NULL;
CREATE UNIQUE INDEX topups_one_open ON topups (rule_id) WHERE rule_id IS NOT NULL AND state = 'created' AND charge_id IS NOT NULL;
CREATE UNIQUE INDEX topups_charge ON topups (charge_id) WHERE charge_id IS NOT NULL;
CREATE UNIQUE INDEX topups_posting ON topups (posting_id) WHERE posting_id IS NOT NULL;
CREATE INDEX topups_owner ON topups (owner_id, id);
CREATE INDEX topups_of_top ON topups (top_id, id);

CREATE TRIGGER topups_frozen BEFORE UPDATE OF id, owner_id, unit, amount, rule_id, period, imported ON topups FOR EACH ROW
    EXECUTE FUNCTION refuse('what a top-up is about never changes');

-- An import may say more of what it brought before.
CREATE TRIGGER topups_made BEFORE UPDATE OF voucher, created_at ON topups FOR EACH ROW
    WHEN ((NEW.voucher <> OLD.voucher OR NEW.created_at <> OLD.created_at) AND (NOT OLD.imported OR OLD.charge_id IS NOT NULL))
    EXECUTE FUNCTION refuse('what a top-up is about never changes');

CREATE TRIGGER topups_charge_stays BEFORE UPDATE OF charge_id ON topups FOR EACH ROW
    WHEN (OLD.charge_id IS NOT NULL AND NEW.charge_id IS DISTINCT FROM OLD.charge_id)
    EXECUTE FUNCTION refuse('a top-up keeps its charge');

-- Money that moved is credited whatever was known before; nothing else leaves an end.
CREATE TRIGGER topups_final BEFORE UPDATE OF state ON topups FOR EACH ROW
    WHEN (OLD.state <> 'created' AND NEW.state <> OLD.state
    AND NOT (NEW.state = 'completed' AND NEW.charge_id IS NOT NULL) AND NOT (OLD.imported AND OLD.charge_id IS NULL))
    EXECUTE FUNCTION refuse('a settled top-up stays as it is');

-- +goose StatementBegin
CREATE FUNCTION topups_credited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.posting_id IS NOT NULL AND NEW.charge_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM charges c WHERE c.id = NEW.charge_id AND c.state = 'succeeded' AND c.posting_id = NEW.posting_id
        AND c.owner_id = NEW.owner_id AND c.credit = NEW.amount) THEN
        RAISE EXCEPTION 'a top-up is credited by its own charge';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER topups_credited BEFORE UPDATE ON topups FOR EACH ROW EXECUTE FUNCTION topups_credited();

CREATE TRIGGER topups_no_delete BEFORE DELETE ON topups FOR EACH ROW
    EXECUTE FUNCTION refuse('a top-up is never deleted');

-- Buckets of allowances that were opened for an owner; what is in them is in buckets.
CREATE TABLE opened_buckets (
    owner_id   BIGINT NOT NULL,
    unit       TEXT COLLATE "C" NOT NULL,
    top_id     BIGINT NOT NULL,
    extra      TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at  BIGINT,
    PRIMARY KEY (owner_id, unit),
    FOREIGN KEY (owner_id, unit) REFERENCES buckets (owner_id, unit) DEFERRABLE,
    CONSTRAINT opened_buckets_unit CHECK (unit = 'SMS' OR unit = 'KB'),
    CONSTRAINT opened_buckets_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT opened_buckets_extra CHECK (extra = '' OR (json_valid(extra) AND length(extra) <= 16384)),
    CONSTRAINT opened_buckets_closed CHECK (closed_at >= created_at)
);

-- +goose StatementBegin
CREATE FUNCTION opened_buckets_empty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.closed_at IS NOT NULL AND EXISTS (
        SELECT 1 FROM buckets b WHERE b.owner_id = NEW.owner_id AND b.unit = NEW.unit AND (b.balance <> 0 OR b.reserved <> 0)) THEN
        RAISE EXCEPTION 'a bucket that is not empty stays open';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER opened_buckets_empty BEFORE UPDATE ON opened_buckets FOR EACH ROW EXECUTE FUNCTION opened_buckets_empty();

CREATE TRIGGER opened_buckets_no_delete BEFORE DELETE ON opened_buckets FOR EACH ROW
    EXECUTE FUNCTION refuse('a bucket is closed, not deleted');

-- One without a posting was imported: its effect is in the imported balance.
CREATE TABLE adjustments (
    id             BIGINT PRIMARY KEY REFERENCES balance_actions (id) DEFERRABLE,
    owner_id       BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id         BIGINT NOT NULL,
    unit           TEXT COLLATE "C" NOT NULL,
    amount         BIGINT NOT NULL,
    balance_before BIGINT NOT NULL,
    posting_id     BIGINT REFERENCES postings (id) DEFERRABLE,
    extra          TEXT COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    CONSTRAINT adjustments_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT adjustments_unit CHECK (unit <> ''),
    CONSTRAINT adjustments_amount CHECK (amount <> 0),
    CONSTRAINT adjustments_extra CHECK (extra = '' OR (json_valid(extra) AND length(extra) <= 16384)),
    CONSTRAINT adjustments_updated CHECK (updated_at >= created_at)
);

CREATE UNIQUE INDEX adjustments_posting ON adjustments (posting_id) WHERE posting_id IS NOT NULL;
CREATE INDEX adjustments_owner ON adjustments (owner_id, id);
CREATE INDEX adjustments_of_top ON adjustments (top_id, id);

-- +goose StatementBegin
CREATE FUNCTION adjustments_action() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM balance_actions a
        WHERE a.id = NEW.id AND a.kind = 'adjustment' AND a.owner_id = NEW.owner_id AND a.top_id = NEW.top_id) THEN
        RAISE EXCEPTION 'an adjustment is the balance action of its id';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER adjustments_action BEFORE INSERT ON adjustments FOR EACH ROW EXECUTE FUNCTION adjustments_action();

-- +goose StatementBegin
CREATE FUNCTION adjustments_booked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.posting_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM postings p JOIN entries e ON e.posting_id = p.id WHERE p.id = NEW.posting_id
        AND p.cause = 'balance_adjustment:' || NEW.id AND e.owner_id = NEW.owner_id AND e.unit = NEW.unit AND e.micros = NEW.amount) THEN
        RAISE EXCEPTION 'the posting of an adjustment books it';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER adjustments_booked BEFORE INSERT ON adjustments FOR EACH ROW EXECUTE FUNCTION adjustments_booked();

CREATE TRIGGER adjustments_frozen BEFORE UPDATE OF id, owner_id, top_id, unit, amount, balance_before, posting_id, created_at ON adjustments FOR EACH ROW
    EXECUTE FUNCTION refuse('what was adjusted never changes');

CREATE TRIGGER adjustments_no_delete BEFORE DELETE ON adjustments FOR EACH ROW
    EXECUTE FUNCTION refuse('an adjustment is never deleted');

-- owner_id is the originator.
CREATE TABLE transfers (
    id              BIGINT PRIMARY KEY REFERENCES balance_actions (id) DEFERRABLE,
    owner_id        BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id          BIGINT NOT NULL,
    receiver_id     BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    receiver_top_id BIGINT NOT NULL,
    unit            TEXT COLLATE "C" NOT NULL,
    amount          BIGINT NOT NULL,
    cost            BIGINT NOT NULL,
    cost_by         TEXT COLLATE "C" NOT NULL,
    balance_before  BIGINT NOT NULL,
    receiver_before BIGINT NOT NULL,
    out_id          BIGINT REFERENCES postings (id) DEFERRABLE,
    in_id           BIGINT REFERENCES postings (id) DEFERRABLE,
    extra           TEXT COLLATE "C" NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    CONSTRAINT transfers_top CHECK (top_id > 0 AND top_id % 2 = 0 AND receiver_top_id > 0 AND receiver_top_id % 2 = 0),
    CONSTRAINT transfers_two CHECK (receiver_id <> owner_id),
    CONSTRAINT transfers_unit CHECK (unit <> ''),
    CONSTRAINT transfers_amount CHECK (amount > 0 AND cost >= 0),
    CONSTRAINT transfers_cost_by CHECK ((cost = 0 AND cost_by = '') OR (cost > 0 AND (cost_by = 'originator' OR cost_by = 'receiver'))),
    CONSTRAINT transfers_given CHECK (cost_by <> 'receiver' OR cost <= amount),
    -- Both sides are booked, or it was imported.
    CONSTRAINT transfers_booked CHECK ((out_id IS NULL) = (in_id IS NULL) AND (out_id IS NULL OR out_id <> in_id)),
    CONSTRAINT transfers_extra CHECK (extra = '' OR (json_valid(extra) AND length(extra) <= 16384)),
    CONSTRAINT transfers_updated CHECK (updated_at >= created_at)
);

CREATE UNIQUE INDEX transfers_out ON transfers (out_id) WHERE out_id IS NOT NULL;
CREATE UNIQUE INDEX transfers_in ON transfers (in_id) WHERE in_id IS NOT NULL;
CREATE INDEX transfers_owner ON transfers (owner_id, id);
CREATE INDEX transfers_receiver ON transfers (receiver_id, id);
CREATE INDEX transfers_of_top ON transfers (top_id, id);

-- +goose StatementBegin
CREATE FUNCTION transfers_action() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM balance_actions a
        WHERE a.id = NEW.id AND a.kind = 'transfer' AND a.owner_id = NEW.owner_id AND a.top_id = NEW.top_id) THEN
        RAISE EXCEPTION 'a transfer is the balance action of its id';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER transfers_action BEFORE INSERT ON transfers FOR EACH ROW EXECUTE FUNCTION transfers_action();

-- +goose StatementBegin
CREATE FUNCTION transfers_postings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.out_id IS NOT NULL AND NOT (
        EXISTS (SELECT 1 FROM postings p JOIN entries e ON e.posting_id = p.id WHERE p.id = NEW.out_id AND p.kind = 'transfer'
        AND p.cause = 'transfer_out:' || NEW.id AND e.owner_id = NEW.owner_id AND e.unit = NEW.unit AND e.micros = -NEW.amount)
        AND EXISTS (SELECT 1 FROM postings p JOIN entries e ON e.posting_id = p.id WHERE p.id = NEW.in_id AND p.kind = 'transfer'
        AND p.cause = 'transfer_in:' || NEW.id AND e.owner_id = NEW.receiver_id AND e.unit = NEW.unit AND e.micros = NEW.amount)) THEN
        RAISE EXCEPTION 'the two postings of a transfer book its two sides';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER transfers_postings BEFORE INSERT ON transfers FOR EACH ROW EXECUTE FUNCTION transfers_postings();

CREATE TRIGGER transfers_frozen BEFORE UPDATE OF id, owner_id, top_id, receiver_id, receiver_top_id, unit, amount, cost, cost_by,
    balance_before, receiver_before, out_id, in_id, created_at ON transfers FOR EACH ROW
    EXECUTE FUNCTION refuse('what was transferred never changes');

CREATE TRIGGER transfers_no_delete BEFORE DELETE ON transfers FOR EACH ROW
    EXECUTE FUNCTION refuse('a transfer is never deleted');

-- buckets.reserved is the sum of the reservations that are held.
CREATE TABLE reservations (
    id          BIGINT PRIMARY KEY REFERENCES balance_actions (id) DEFERRABLE,
    owner_id    BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id      BIGINT NOT NULL,
    unit        TEXT COLLATE "C" NOT NULL,
    amount      BIGINT NOT NULL,
    free_before BIGINT NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    ends_at     BIGINT,
    extra       TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    closed_at   BIGINT,
    deleted_at  BIGINT,
    FOREIGN KEY (owner_id, unit) REFERENCES buckets (owner_id, unit) DEFERRABLE,
    CONSTRAINT reservations_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT reservations_amount CHECK (amount > 0),
    CONSTRAINT reservations_state CHECK (state IN ('held', 'released', 'expired')),
    CONSTRAINT reservations_ends CHECK (ends_at > created_at AND (state <> 'expired' OR ends_at IS NOT NULL)),
    CONSTRAINT reservations_closed CHECK ((state = 'held') = (closed_at IS NULL)),
    CONSTRAINT reservations_deleted CHECK (deleted_at IS NULL OR closed_at IS NOT NULL),
    CONSTRAINT reservations_extra CHECK (extra = '' OR (json_valid(extra) AND length(extra) <= 16384)),
    CONSTRAINT reservations_updated CHECK (updated_at >= created_at)
);

CREATE INDEX reservations_due ON reservations (ends_at, id) WHERE state = 'held' AND ends_at IS NOT NULL;
CREATE INDEX reservations_held ON reservations (owner_id, unit) WHERE state = 'held';
CREATE INDEX reservations_owner ON reservations (owner_id, id);
CREATE INDEX reservations_of_top ON reservations (top_id, id);

-- +goose StatementBegin
CREATE FUNCTION reservations_action() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM balance_actions a
        WHERE a.id = NEW.id AND a.kind = 'reservation' AND a.owner_id = NEW.owner_id AND a.top_id = NEW.top_id) THEN
        RAISE EXCEPTION 'a reservation is the balance action of its id';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER reservations_action BEFORE INSERT ON reservations FOR EACH ROW EXECUTE FUNCTION reservations_action();

CREATE TRIGGER reservations_frozen BEFORE UPDATE OF id, owner_id, top_id, unit, amount, free_before, ends_at, created_at ON reservations FOR EACH ROW
    EXECUTE FUNCTION refuse('what is reserved never changes');

CREATE TRIGGER reservations_final BEFORE UPDATE OF state, closed_at ON reservations FOR EACH ROW
    WHEN (OLD.state <> 'held' AND (NEW.state <> OLD.state OR NEW.closed_at <> OLD.closed_at))
    EXECUTE FUNCTION refuse('a reservation that ended does not change');

CREATE TRIGGER reservations_no_delete BEFORE DELETE ON reservations FOR EACH ROW
    EXECUTE FUNCTION refuse('a reservation is never deleted');

-- Who is told of events, and where. The secret signs what is sent, and is sealed.
CREATE TABLE hub_subscriptions (
    id          BIGINT PRIMARY KEY,
    top_id      BIGINT NOT NULL,
    customer_id BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    callback    TEXT COLLATE "C" NOT NULL,
    query       TEXT COLLATE "C" NOT NULL,
    wanted      TEXT COLLATE "C" NOT NULL,
    -- It wants to know of changed balances, which is what happens most.
    balances    BOOLEAN NOT NULL,
    secret      BYTEA,
    created_at  BIGINT NOT NULL,
    deleted_at  BIGINT,
    CONSTRAINT hub_subscriptions_id CHECK (id > 0),
    CONSTRAINT hub_subscriptions_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT hub_subscriptions_customer CHECK (customer_id > 0 AND customer_id % 2 = 0),
    CONSTRAINT hub_subscriptions_callback CHECK (callback ILIKE 'https://_%' OR callback ILIKE 'http://_%'),
    CONSTRAINT hub_subscriptions_length CHECK (length(callback) <= 2000 AND length(query) <= 2000),
    -- A sealed value is longer than a key that somebody would put here by mistake.
    CONSTRAINT hub_subscriptions_secret CHECK (secret IS NULL OR length(secret) > 0),
    CONSTRAINT hub_subscriptions_deleted CHECK (deleted_at IS NULL OR secret IS NULL)
);

CREATE UNIQUE INDEX hub_subscriptions_once ON hub_subscriptions (customer_id, callback, query) WHERE deleted_at IS NULL;
CREATE INDEX hub_subscriptions_balances ON hub_subscriptions (balances) WHERE deleted_at IS NULL AND balances;

CREATE TRIGGER hub_subscriptions_frozen BEFORE UPDATE OF id, top_id, customer_id, callback, query, wanted, balances, created_at ON hub_subscriptions FOR EACH ROW
    EXECUTE FUNCTION refuse('a subscription is deleted and made anew, never changed');

CREATE TRIGGER hub_subscriptions_final BEFORE UPDATE ON hub_subscriptions FOR EACH ROW
    WHEN (OLD.deleted_at IS NOT NULL)
    EXECUTE FUNCTION refuse('a deleted subscription never changes');

CREATE TRIGGER hub_subscriptions_no_delete BEFORE DELETE ON hub_subscriptions FOR EACH ROW
    EXECUTE FUNCTION refuse('a subscription stays, marked as deleted');

-- What happened, as the engine's record was at that moment. Only what somebody subscribed
-- to is kept.
CREATE TABLE events (
    id          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    top_id      BIGINT NOT NULL,
    owner_id    BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    kind        TEXT COLLATE "C" NOT NULL,
    resource    TEXT COLLATE "C" NOT NULL,
    resource_id BIGINT NOT NULL,
    record      TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    CONSTRAINT events_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT events_kind CHECK (kind IN ('create', 'cancel', 'failure', 'change', 'status', 'delete')),
    CONSTRAINT events_resource CHECK (resource IN ('topup', 'adjustment', 'transfer', 'reservation', 'bucket')),
    CONSTRAINT events_of_bucket CHECK (resource <> 'bucket' OR kind = 'create' OR kind = 'change' OR kind = 'delete'),
    CONSTRAINT events_resource_id CHECK (resource_id > 0),
    CONSTRAINT events_record CHECK (json_valid(record))
);

CREATE INDEX events_owner ON events (owner_id, id);
CREATE INDEX events_time ON events (at);

CREATE TRIGGER events_next_id AFTER INSERT ON events FOR EACH ROW
    WHEN (NEW.id > COALESCE(pg_sequence_last_value('events_id_seq'), 0))
    EXECUTE FUNCTION go_on_after('events_id_seq');

CREATE TRIGGER events_frozen BEFORE UPDATE ON events FOR EACH ROW
    EXECUTE FUNCTION refuse('an event never changes');

-- One event on its way to one subscription. Of what is about one record only the
-- oldest is due, so that a subscription hears of it in its order; the others wait.
CREATE TABLE deliveries (
    id          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    top_id      BIGINT NOT NULL,
    event_id    BIGINT NOT NULL REFERENCES events (id) DEFERRABLE,
    hub_id      BIGINT NOT NULL REFERENCES hub_subscriptions (id) DEFERRABLE,
    subject     TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    tries       BIGINT NOT NULL,
    due_at      BIGINT,
    lease_until BIGINT,
    status      BIGINT NOT NULL,
    error       TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT,
    CONSTRAINT deliveries_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT deliveries_subject CHECK (subject <> ''),
    CONSTRAINT deliveries_state CHECK (state IN ('pending', 'delivered', 'dead')),
    CONSTRAINT deliveries_due CHECK (due_at IS NULL OR state = 'pending'),
    CONSTRAINT deliveries_lease CHECK (lease_until IS NULL OR due_at IS NOT NULL),
    CONSTRAINT deliveries_finished CHECK ((state = 'pending') = (finished_at IS NULL)),
    CONSTRAINT deliveries_status CHECK (status = 0 OR status BETWEEN 100 AND 999),
    CONSTRAINT deliveries_delivered CHECK (state <> 'delivered' OR (error = '' AND tries > 0 AND status BETWEEN 200 AND 299)),
    CONSTRAINT deliveries_dead CHECK (state <> 'dead' OR error <> ''),
    CONSTRAINT deliveries_tries CHECK (tries >= 0),
    -- Whatever a callback says is cut before it comes here.
    CONSTRAINT deliveries_error CHECK (length(error) <= 500)
);

CREATE UNIQUE INDEX deliveries_once ON deliveries (event_id, hub_id);
CREATE UNIQUE INDEX deliveries_head ON deliveries (hub_id, subject) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_due ON deliveries (hub_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (hub_id, subject, id) WHERE state = 'pending';
CREATE INDEX deliveries_state ON deliveries (state, id);
CREATE INDEX deliveries_hub ON deliveries (hub_id, id);

CREATE TRIGGER deliveries_next_id AFTER INSERT ON deliveries FOR EACH ROW
    WHEN (NEW.id > COALESCE(pg_sequence_last_value('deliveries_id_seq'), 0))
    EXECUTE FUNCTION go_on_after('deliveries_id_seq');

CREATE TRIGGER deliveries_frozen BEFORE UPDATE OF id, top_id, event_id, hub_id, subject, created_at ON deliveries FOR EACH ROW
    EXECUTE FUNCTION refuse('what is delivered to whom never changes');

-- What a plan includes of seconds; NULL is unlimited. The price is told, never charged
-- by itself: it is part of the plan's.
CREATE TABLE minute_plans (
    id          BIGINT PRIMARY KEY,
    plan_id     BIGINT NOT NULL REFERENCES plans (id) DEFERRABLE,
    description TEXT COLLATE "C" NOT NULL,
    price       BIGINT NOT NULL,
    seconds     BIGINT,
    CONSTRAINT minute_plans_id CHECK (id BETWEEN 1 AND 2147483647),
    CONSTRAINT minute_plans_price CHECK (price >= 0),
    CONSTRAINT minute_plans_seconds CHECK (seconds BETWEEN 0 AND 2147483647)
);

CREATE INDEX minute_plans_plan ON minute_plans (plan_id, id);

CREATE TRIGGER minute_plans_stay BEFORE UPDATE OF plan_id ON minute_plans FOR EACH ROW
    WHEN (NEW.plan_id <> OLD.plan_id)
    EXECUTE FUNCTION refuse('a minute plan stays with its plan: accounts used seconds of it');

-- What an account used of one, in the period that ends at until.
CREATE TABLE minutes_used (
    owner_id       BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    minute_plan_id BIGINT NOT NULL REFERENCES minute_plans (id) DEFERRABLE,
    top_id         BIGINT NOT NULL,
    seconds        BIGINT NOT NULL,
    until          BIGINT NOT NULL,
    PRIMARY KEY (owner_id, minute_plan_id),
    CONSTRAINT minutes_used_owner CHECK (owner_id % 2 = 1),
    CONSTRAINT minutes_used_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT minutes_used_seconds CHECK (seconds BETWEEN 0 AND 2147483647)
);

CREATE INDEX minutes_used_plan ON minutes_used (minute_plan_id);

CREATE TABLE expected_payment_types (
    id           BIGINT PRIMARY KEY,
    name         TEXT COLLATE "C" NOT NULL,
    display_name TEXT COLLATE "C" NOT NULL,
    description  TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT,
    updated_at   BIGINT,
    CONSTRAINT expected_payment_types_id CHECK (id > 0),
    CONSTRAINT expected_payment_types_name CHECK (name <> '')
);

CREATE UNIQUE INDEX expected_payment_types_name ON expected_payment_types (lower(name));

CREATE TRIGGER expected_payment_types_built_in BEFORE DELETE ON expected_payment_types FOR EACH ROW
    WHEN (OLD.id = 1)
    EXECUTE FUNCTION refuse('what profiles make has a type');

-- What profiles make.
INSERT INTO expected_payment_types (id, name, display_name, description) VALUES (1, 'Auto Top-up', 'Auto Top-up', '');

-- What a profile made, what a person asks for, and what an import brought, which has no
-- charge here.
CREATE TABLE expected_payments (
    id                 BIGINT PRIMARY KEY,
    owner_id           BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id             BIGINT NOT NULL,
    type_id            BIGINT NOT NULL REFERENCES expected_payment_types (id) DEFERRABLE,
    profile_id         BIGINT REFERENCES auto_topup_profiles (id) DEFERRABLE,
    run_date           TEXT COLLATE "C" NOT NULL,
    run_id             BIGINT REFERENCES runs (id) DEFERRABLE,
    amount             BIGINT NOT NULL,
    unit               TEXT COLLATE "C" NOT NULL,
    method             TEXT COLLATE "C" NOT NULL,
    reason             TEXT COLLATE "C" NOT NULL,
    card_id            BIGINT REFERENCES cards (id) DEFERRABLE,
    charge_id          BIGINT REFERENCES charges (id) DEFERRABLE,
    imported           BOOLEAN NOT NULL,
    payment_id         BIGINT,
    fulfilled_at       BIGINT,
    our_reference      TEXT COLLATE "C" NOT NULL,
    customer_reference TEXT COLLATE "C" NOT NULL,
    revision           BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    deleted_at         BIGINT,
    CONSTRAINT expected_payments_id CHECK (id > 0),
    CONSTRAINT expected_payments_owner CHECK (owner_id % 2 = 0),
    CONSTRAINT expected_payments_date CHECK (length(run_date) = 10),
    CONSTRAINT expected_payments_amount CHECK (amount > 0),
    CONSTRAINT expected_payments_unit CHECK (length(unit) = 3),
    CONSTRAINT expected_payments_method CHECK (method IN ('none', 'card', 'direct_debit')),
    CONSTRAINT expected_payments_collected CHECK ((method = 'card') = (card_id IS NOT NULL)
        AND (method = 'card' AND NOT imported) = (charge_id IS NOT NULL)),
    -- A profile's are of its own type, a person's of another, and nobody collects those.
    CONSTRAINT expected_payments_type CHECK ((type_id = 1) = (profile_id IS NOT NULL)
        AND (profile_id IS NOT NULL OR (method = 'none' AND run_id IS NULL))),
    CONSTRAINT expected_payments_fulfilled CHECK (payment_id IS NULL OR fulfilled_at IS NOT NULL),
    CONSTRAINT expected_payments_unpaid CHECK (fulfilled_at IS NULL OR payment_id IS NOT NULL OR imported),
    CONSTRAINT expected_payments_withdrawn CHECK (deleted_at IS NULL OR fulfilled_at IS NULL OR charge_id IS NOT NULL OR imported),
    CONSTRAINT expected_payments_revision CHECK (revision >= 1)
);

-- One top-up of a customer by a profile on a day, also after the first was deleted; what
-- persons expect is not counted.
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

CREATE TRIGGER expected_payments_frozen BEFORE UPDATE OF owner_id, type_id, profile_id, run_date, amount, unit, method, card_id, charge_id,
    imported, created_at ON expected_payments FOR EACH ROW
    EXECUTE FUNCTION refuse('what was expected never changes');

CREATE TRIGGER expected_payments_no_delete BEFORE DELETE ON expected_payments FOR EACH ROW
    EXECUTE FUNCTION refuse('an expected payment is never deleted');

-- A letter of a top-up; the notice is how it is delivered.
CREATE TABLE correspondence (
    id          BIGINT PRIMARY KEY,
    owner_id    BIGINT NOT NULL REFERENCES owners (id) DEFERRABLE,
    top_id      BIGINT NOT NULL,
    type_id     BIGINT NOT NULL REFERENCES correspondence_types (id) DEFERRABLE,
    expected_id BIGINT NOT NULL REFERENCES expected_payments (id) DEFERRABLE,
    notice_id   BIGINT NOT NULL REFERENCES notices (id) DEFERRABLE,
    created_at  BIGINT NOT NULL,
    CONSTRAINT correspondence_id CHECK (id > 0)
);

CREATE UNIQUE INDEX correspondence_expected ON correspondence (expected_id);
CREATE INDEX correspondence_owner ON correspondence (owner_id, id);
