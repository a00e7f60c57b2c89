-- +goose Up
-- What real gateways need: attempts by card and by the gateway's id, refunds,
-- disputes, what a gateway told on its own, and how fast it may be called.

ALTER TABLE attempts ADD COLUMN gateway TEXT NOT NULL DEFAULT '';
-- Since when its outcome may be unknown: submitted_at is its last sending.
ALTER TABLE attempts ADD COLUMN first_at INTEGER;
-- What an attempt that is not settled is sent again with; sealed.
ALTER TABLE attempts ADD COLUMN token BLOB CHECK (token IS NULL OR settled_at IS NULL);
ALTER TABLE attempts ADD COLUMN customer TEXT NOT NULL DEFAULT '';
-- The card's fingerprint, or "card:ID" where none is known: the networks' limits
-- count by it.
ALTER TABLE attempts ADD COLUMN card_print TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN advice TEXT NOT NULL DEFAULT '';

UPDATE attempts SET first_at = submitted_at, gateway = (SELECT gateway FROM charges c WHERE c.id = charge_id),
    card_print = (SELECT 'card:' || card_id FROM charges c WHERE c.id = charge_id);

CREATE INDEX attempts_ref ON attempts (gateway, ref) WHERE ref <> '';
CREATE INDEX attempts_declined ON attempts (card_print, settled_at) WHERE state = 'declined';
CREATE INDEX charges_ask ON charges (due_at) WHERE due_at IS NOT NULL AND state <> 'created';
CREATE INDEX attempts_sealed ON attempts (charge_id, n) WHERE token IS NOT NULL;
CREATE INDEX attempts_submitted ON attempts (submitted_at);

CREATE INDEX postings_of_charge ON postings (charge_id) WHERE charge_id IS NOT NULL;

CREATE INDEX mandates_owner ON mandates (owner_id);
CREATE INDEX cards_fingerprint ON cards (fingerprint) WHERE fingerprint <> '';
CREATE INDEX cards_gateway ON cards (gateway, gateway_customer);

CREATE TABLE refunds (
    id          INTEGER NOT NULL PRIMARY KEY,
    charge_id   INTEGER NOT NULL REFERENCES charges (id),
    owner_id    INTEGER NOT NULL REFERENCES owners (id),
    top_id      INTEGER NOT NULL,
    gateway     TEXT NOT NULL,
    key         TEXT NOT NULL,
    ref         TEXT NOT NULL,
    unit        TEXT NOT NULL,
    amount      INTEGER NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    actor       TEXT NOT NULL,
    code        TEXT NOT NULL,
    message     TEXT NOT NULL,
    lookups     INTEGER NOT NULL,
    due_at      INTEGER,
    lease_until INTEGER,
    posting_id  INTEGER REFERENCES postings (id),
    reversal_id INTEGER REFERENCES postings (id),
    created_at  INTEGER,
    settled_at  INTEGER,
    CONSTRAINT refunds_amount CHECK (amount > 0),
    CONSTRAINT refunds_named CHECK (key <> '' OR ref <> ''),
    CONSTRAINT refunds_lookups CHECK (lookups >= 0),
    CONSTRAINT refunds_state CHECK (state IN ('created', 'submitted', 'unknown', 'succeeded', 'failed')),
    CONSTRAINT refunds_settled CHECK ((state IN ('succeeded', 'failed')) = (settled_at IS NOT NULL)),
    CONSTRAINT refunds_due CHECK (settled_at IS NULL OR due_at IS NULL),
    -- A refund that succeeded is booked; one that failed afterwards is booked back.
    CONSTRAINT refunds_posting CHECK (state <> 'succeeded' OR (posting_id IS NOT NULL AND reversal_id IS NULL)),
    CONSTRAINT refunds_reversal CHECK (state = 'succeeded' OR (posting_id IS NULL) = (reversal_id IS NULL))
) STRICT;

CREATE UNIQUE INDEX refunds_key ON refunds (key) WHERE key <> '';
CREATE UNIQUE INDEX refunds_ref ON refunds (gateway, ref) WHERE ref <> '';
CREATE INDEX refunds_charge ON refunds (charge_id);
CREATE INDEX refunds_due ON refunds (due_at) WHERE due_at IS NOT NULL;

-- +goose StatementBegin
CREATE TRIGGER refunds_frozen BEFORE UPDATE OF charge_id, owner_id, gateway, key, unit, amount ON refunds
BEGIN SELECT RAISE(ABORT, 'the amount and charge of a refund never change'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER refunds_no_delete BEFORE DELETE ON refunds
BEGIN SELECT RAISE(ABORT, 'a refund is never deleted'); END;
-- +goose StatementEnd

CREATE TABLE disputes (
    id         INTEGER NOT NULL PRIMARY KEY,
    charge_id  INTEGER NOT NULL REFERENCES charges (id),
    owner_id   INTEGER NOT NULL REFERENCES owners (id),
    top_id     INTEGER NOT NULL,
    gateway    TEXT NOT NULL,
    ref        TEXT NOT NULL,
    unit       TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    withdrawn  INTEGER NOT NULL,
    reinstated INTEGER NOT NULL,
    fee        INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    state      TEXT NOT NULL,
    opened_at  INTEGER,
    closed_at  INTEGER,
    lifted_at  INTEGER,
    lifted_by  TEXT NOT NULL,
    CONSTRAINT disputes_ref_set CHECK (ref <> ''),
    CONSTRAINT disputes_amounts CHECK (amount >= 0 AND withdrawn >= 0 AND reinstated >= 0),
    CONSTRAINT disputes_state CHECK (state IN ('open', 'won', 'lost')),
    CONSTRAINT disputes_closed CHECK ((state <> 'open') = (closed_at IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX disputes_ref ON disputes (gateway, ref);
CREATE INDEX disputes_charge ON disputes (charge_id);
CREATE INDEX disputes_held ON disputes (owner_id) WHERE lifted_at IS NULL;

-- One row for each event that was acted on: told twice, it acts once.
CREATE TABLE gateway_events (
    gateway     TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    kind        TEXT NOT NULL,
    top_id      INTEGER NOT NULL,
    charge_id   INTEGER REFERENCES charges (id),
    happened_at INTEGER,
    received_at INTEGER,
    PRIMARY KEY (gateway, event_id),
    CONSTRAINT gateway_events_id CHECK (event_id <> ''),
    CONSTRAINT gateway_events_kind CHECK (kind <> '')
) STRICT, WITHOUT ROWID;

-- When a gateway may be called next, over all servers.
CREATE TABLE pace (
    gateway    TEXT NOT NULL PRIMARY KEY,
    next_at    INTEGER,
    slow       INTEGER NOT NULL,
    limited_at INTEGER,
    CONSTRAINT pace_slow CHECK (slow >= 1)
) STRICT, WITHOUT ROWID;

-- The global breaker: with a row of stopped_at nothing is sent.
CREATE TABLE sending (
    id         INTEGER NOT NULL PRIMARY KEY,
    stopped_at INTEGER,
    resumed_at INTEGER,
    reason     TEXT NOT NULL,
    CONSTRAINT sending_one CHECK (id = 1)
) STRICT;

INSERT INTO sending (id, stopped_at, resumed_at, reason) VALUES (1, NULL, NULL, '');
