-- +goose Up
-- A recurring top-up may name its card, once and for all; without one it is charged to the primary card.

ALTER TABLE topup_rules ADD COLUMN card_id INTEGER REFERENCES cards (id);
CREATE INDEX topup_rules_card ON topup_rules (card_id) WHERE card_id IS NOT NULL;

DROP TRIGGER topup_rules_frozen;
-- +goose StatementBegin
CREATE TRIGGER topup_rules_frozen BEFORE UPDATE OF id, owner_id, unit, amount, period, anchor, card_id, created_at ON topup_rules
BEGIN SELECT RAISE(ABORT, 'what a rule tops up, how much, when and from which card never changes'); END;
-- +goose StatementEnd
