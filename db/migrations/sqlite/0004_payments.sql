-- +goose Up
-- A payment is no row of its own: it is a charge, or an entry of an owner that is about
-- no charge. Both lists are read newest first, by owner and time.

-- A charge by hand has somebody who made it: the customer that acted, its login, where
-- the request came from, who pays, and a hash of what an idempotency key came with.
ALTER TABLE charges ADD COLUMN actor_id INTEGER REFERENCES owners (id)
    CONSTRAINT charges_by_hand CHECK ((purpose = 'manual') = (actor_id IS NOT NULL));
ALTER TABLE charges ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE charges ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE charges ADD COLUMN payer TEXT NOT NULL DEFAULT '';
ALTER TABLE charges ADD COLUMN input TEXT NOT NULL DEFAULT '';

-- The same payment again within the window.
CREATE INDEX charges_again ON charges (owner_id, card_id, created_at) WHERE purpose = 'manual';

CREATE INDEX charges_input ON charges (owner_id, input, created_at) WHERE purpose = 'manual' AND input <> '';

-- A card that was given with one payment is deleted from the start, and stays it.
-- +goose StatementBegin
CREATE TRIGGER cards_one_time_new BEFORE INSERT ON cards WHEN NEW.aside = 'one_time' AND (NEW.state <> 'deleted' OR NEW.is_primary)
BEGIN SELECT RAISE(ABORT, 'a card of one payment is never used again'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER cards_one_time BEFORE UPDATE ON cards WHEN (OLD.aside = 'one_time' OR NEW.aside = 'one_time')
    AND (NEW.aside <> 'one_time' OR NEW.state <> 'deleted' OR NEW.is_primary)
BEGIN SELECT RAISE(ABORT, 'a card of one payment is never used again'); END;
-- +goose StatementEnd

DROP TRIGGER charges_frozen;
-- +goose StatementBegin
CREATE TRIGGER charges_frozen BEFORE UPDATE OF owner_id, purpose, cause, card_id, gateway, unit, credit, tax, fee, gross,
    actor_id, actor, address, payer, input, created_at ON charges
BEGIN SELECT RAISE(ABORT, 'the amount, card and cause of a charge never change'); END;
-- +goose StatementEnd

-- When an entry counts as a payment of its owner; NULL when it is none.
ALTER TABLE entries ADD COLUMN payment_at INTEGER
    CONSTRAINT entries_payment CHECK (payment_at IS NULL OR owner_id IS NOT NULL);

DROP TRIGGER entries_no_update;
UPDATE entries SET payment_at = (SELECT p.effective_at FROM postings p WHERE p.id = entries.posting_id
    AND p.kind IN ('add_funds', 'credit', 'debit', 'refund', 'dispute')) WHERE owner_id IS NOT NULL;
-- +goose StatementBegin
CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'L2: an entry is never changed'); END;
-- +goose StatementEnd

-- A posting is one payment of an owner, never two.
CREATE UNIQUE INDEX entries_payments ON entries (owner_id, payment_at, posting_id) WHERE payment_at IS NOT NULL;
