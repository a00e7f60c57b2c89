-- +goose Up
-- Accounts and customers that are made, changed and deleted over an interface:
-- an owner's validity, what a payment does to it, and that it was deleted. A row
-- never disappears, since postings and charges refer to it.

ALTER TABLE owners ADD COLUMN lifetime INTEGER
    CONSTRAINT owners_lifetime CHECK (lifetime IS NULL OR (lifetime >= 1 AND kind = 1));
ALTER TABLE owners ADD COLUMN first_used_at INTEGER
    CONSTRAINT owners_first_used CHECK (first_used_at IS NULL OR lifetime IS NOT NULL);
ALTER TABLE owners ADD COLUMN expires_at INTEGER
    CONSTRAINT owners_expires CHECK ((expires_at IS NULL) = (first_used_at IS NULL));
ALTER TABLE owners ADD COLUMN on_payment TEXT NOT NULL DEFAULT ''
    CONSTRAINT owners_on_payment CHECK (on_payment = '' OR (kind = 1
        AND (on_payment = 'extend_lifetime' OR on_payment = 'clear_first_use' OR on_payment = 'restart_billing')));
ALTER TABLE owners ADD COLUMN min_payment INTEGER NOT NULL DEFAULT 0
    CONSTRAINT owners_min_payment CHECK (min_payment >= 0);
-- What a deleted owner was called is free for another.
ALTER TABLE owners ADD COLUMN deleted_at INTEGER
    CONSTRAINT owners_deleted CHECK (deleted_at IS NULL OR (id <> 2 AND username = '' AND balance_group = 0));

CREATE INDEX owners_parent ON owners (parent_id, kind, id) WHERE deleted_at IS NULL;
CREATE INDEX owners_name ON owners (kind, name) WHERE kind = 0 AND deleted_at IS NULL;
CREATE INDEX logins_owner ON logins (owner_id, name);
CREATE INDEX refunds_open ON refunds (owner_id) WHERE settled_at IS NULL;
CREATE INDEX disputes_open ON disputes (owner_id) WHERE closed_at IS NULL;
