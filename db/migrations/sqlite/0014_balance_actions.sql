-- +goose Up
-- Adjustments, transfers and reservations: each is one balance action (0013) and has its
-- id. Amounts are millionths.

-- Buckets of allowances that were opened for an owner; what is in them is in buckets.
CREATE TABLE opened_buckets (
    owner_id   INTEGER NOT NULL,
    unit       TEXT NOT NULL,
    top_id     INTEGER NOT NULL,
    extra      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    closed_at  INTEGER,
    PRIMARY KEY (owner_id, unit),
    FOREIGN KEY (owner_id, unit) REFERENCES buckets (owner_id, unit),
    CONSTRAINT opened_buckets_unit CHECK (unit = 'SMS' OR unit = 'KB'),
    CONSTRAINT opened_buckets_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT opened_buckets_extra CHECK (extra = '' OR (json_valid(extra) AND length(extra) <= 16384)),
    CONSTRAINT opened_buckets_closed CHECK (closed_at >= created_at)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER opened_buckets_empty BEFORE UPDATE ON opened_buckets WHEN NEW.closed_at IS NOT NULL AND EXISTS (
    SELECT 1 FROM buckets b WHERE b.owner_id = NEW.owner_id AND b.unit = NEW.unit AND (b.balance <> 0 OR b.reserved <> 0))
BEGIN SELECT RAISE(ABORT, 'a bucket that is not empty stays open'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER opened_buckets_no_delete BEFORE DELETE ON opened_buckets
BEGIN SELECT RAISE(ABORT, 'a bucket is closed, not deleted'); END;
-- +goose StatementEnd

-- One without a posting was imported: its effect is in the imported balance.
CREATE TABLE adjustments (
    id             INTEGER NOT NULL PRIMARY KEY REFERENCES balance_actions (id),
    owner_id       INTEGER NOT NULL REFERENCES owners (id),
    top_id         INTEGER NOT NULL,
    unit           TEXT NOT NULL,
    amount         INTEGER NOT NULL,
    balance_before INTEGER NOT NULL,
    posting_id     INTEGER REFERENCES postings (id),
    extra          TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    CONSTRAINT adjustments_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT adjustments_unit CHECK (unit <> ''),
    CONSTRAINT adjustments_amount CHECK (amount <> 0),
    CONSTRAINT adjustments_extra CHECK (extra = '' OR (json_valid(extra) AND length(extra) <= 16384)),
    CONSTRAINT adjustments_updated CHECK (updated_at >= created_at)
) STRICT;

CREATE UNIQUE INDEX adjustments_posting ON adjustments (posting_id) WHERE posting_id IS NOT NULL;
CREATE INDEX adjustments_owner ON adjustments (owner_id, id);
CREATE INDEX adjustments_of_top ON adjustments (top_id, id);

-- +goose StatementBegin
CREATE TRIGGER adjustments_action BEFORE INSERT ON adjustments WHEN NOT EXISTS (SELECT 1 FROM balance_actions a
    WHERE a.id = NEW.id AND a.kind = 'adjustment' AND a.owner_id = NEW.owner_id AND a.top_id = NEW.top_id)
BEGIN SELECT RAISE(ABORT, 'an adjustment is the balance action of its id'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER adjustments_booked BEFORE INSERT ON adjustments WHEN NEW.posting_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM postings p JOIN entries e ON e.posting_id = p.id WHERE p.id = NEW.posting_id
        AND p.cause = 'balance_adjustment:' || NEW.id AND e.owner_id = NEW.owner_id AND e.unit = NEW.unit AND e.micros = NEW.amount)
BEGIN SELECT RAISE(ABORT, 'the posting of an adjustment books it'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER adjustments_frozen BEFORE UPDATE OF id, owner_id, top_id, unit, amount, balance_before, posting_id, created_at ON adjustments
BEGIN SELECT RAISE(ABORT, 'what was adjusted never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER adjustments_no_delete BEFORE DELETE ON adjustments
BEGIN SELECT RAISE(ABORT, 'an adjustment is never deleted'); END;
-- +goose StatementEnd

-- owner_id is the originator.
CREATE TABLE transfers (
    id              INTEGER NOT NULL PRIMARY KEY REFERENCES balance_actions (id),
    owner_id        INTEGER NOT NULL REFERENCES owners (id),
    top_id          INTEGER NOT NULL,
    receiver_id     INTEGER NOT NULL REFERENCES owners (id),
    receiver_top_id INTEGER NOT NULL,
    unit            TEXT NOT NULL,
    amount          INTEGER NOT NULL,
    cost            INTEGER NOT NULL,
    cost_by         TEXT NOT NULL,
    balance_before  INTEGER NOT NULL,
    receiver_before INTEGER NOT NULL,
    out_id          INTEGER REFERENCES postings (id),
    in_id           INTEGER REFERENCES postings (id),
    extra           TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
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
) STRICT;

CREATE UNIQUE INDEX transfers_out ON transfers (out_id) WHERE out_id IS NOT NULL;
CREATE UNIQUE INDEX transfers_in ON transfers (in_id) WHERE in_id IS NOT NULL;
CREATE INDEX transfers_owner ON transfers (owner_id, id);
CREATE INDEX transfers_receiver ON transfers (receiver_id, id);
CREATE INDEX transfers_of_top ON transfers (top_id, id);

-- +goose StatementBegin
CREATE TRIGGER transfers_action BEFORE INSERT ON transfers WHEN NOT EXISTS (SELECT 1 FROM balance_actions a
    WHERE a.id = NEW.id AND a.kind = 'transfer' AND a.owner_id = NEW.owner_id AND a.top_id = NEW.top_id)
BEGIN SELECT RAISE(ABORT, 'a transfer is the balance action of its id'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER transfers_postings BEFORE INSERT ON transfers WHEN NEW.out_id IS NOT NULL AND NOT (
    EXISTS (SELECT 1 FROM postings p JOIN entries e ON e.posting_id = p.id WHERE p.id = NEW.out_id AND p.kind = 'transfer'
        AND p.cause = 'transfer_out:' || NEW.id AND e.owner_id = NEW.owner_id AND e.unit = NEW.unit AND e.micros = -NEW.amount)
    AND EXISTS (SELECT 1 FROM postings p JOIN entries e ON e.posting_id = p.id WHERE p.id = NEW.in_id AND p.kind = 'transfer'
        AND p.cause = 'transfer_in:' || NEW.id AND e.owner_id = NEW.receiver_id AND e.unit = NEW.unit AND e.micros = NEW.amount))
BEGIN SELECT RAISE(ABORT, 'the two postings of a transfer book its two sides'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER transfers_frozen BEFORE UPDATE OF id, owner_id, top_id, receiver_id, receiver_top_id, unit, amount, cost, cost_by,
    balance_before, receiver_before, out_id, in_id, created_at ON transfers
BEGIN SELECT RAISE(ABORT, 'what was transferred never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER transfers_no_delete BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted'); END;
-- +goose StatementEnd

-- buckets.reserved is the sum of the reservations that are held.
CREATE TABLE reservations (
    id          INTEGER NOT NULL PRIMARY KEY REFERENCES balance_actions (id),
    owner_id    INTEGER NOT NULL REFERENCES owners (id),
    top_id      INTEGER NOT NULL,
    unit        TEXT NOT NULL,
    amount      INTEGER NOT NULL,
    free_before INTEGER NOT NULL,
    state       TEXT NOT NULL,
    ends_at     INTEGER,
    extra       TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    closed_at   INTEGER,
    deleted_at  INTEGER,
    FOREIGN KEY (owner_id, unit) REFERENCES buckets (owner_id, unit),
    CONSTRAINT reservations_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT reservations_amount CHECK (amount > 0),
    CONSTRAINT reservations_state CHECK (state = 'held' OR state = 'released' OR state = 'expired'),
    CONSTRAINT reservations_ends CHECK (ends_at > created_at AND (state <> 'expired' OR ends_at IS NOT NULL)),
    CONSTRAINT reservations_closed CHECK ((state = 'held') = (closed_at IS NULL)),
    CONSTRAINT reservations_deleted CHECK (deleted_at IS NULL OR closed_at IS NOT NULL),
    CONSTRAINT reservations_extra CHECK (extra = '' OR (json_valid(extra) AND length(extra) <= 16384)),
    CONSTRAINT reservations_updated CHECK (updated_at >= created_at)
) STRICT;

CREATE INDEX reservations_due ON reservations (ends_at, id) WHERE state = 'held' AND ends_at IS NOT NULL;
CREATE INDEX reservations_held ON reservations (owner_id, unit) WHERE state = 'held';
CREATE INDEX reservations_owner ON reservations (owner_id, id);
CREATE INDEX reservations_of_top ON reservations (top_id, id);

-- +goose StatementBegin
CREATE TRIGGER reservations_action BEFORE INSERT ON reservations WHEN NOT EXISTS (SELECT 1 FROM balance_actions a
    WHERE a.id = NEW.id AND a.kind = 'reservation' AND a.owner_id = NEW.owner_id AND a.top_id = NEW.top_id)
BEGIN SELECT RAISE(ABORT, 'a reservation is the balance action of its id'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER reservations_frozen BEFORE UPDATE OF id, owner_id, top_id, unit, amount, free_before, ends_at, created_at ON reservations
BEGIN SELECT RAISE(ABORT, 'what is reserved never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER reservations_final BEFORE UPDATE OF state, closed_at ON reservations
    WHEN OLD.state <> 'held' AND (NEW.state <> OLD.state OR NEW.closed_at <> OLD.closed_at)
BEGIN SELECT RAISE(ABORT, 'a reservation that ended does not change'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER reservations_no_delete BEFORE DELETE ON reservations
BEGIN SELECT RAISE(ABORT, 'a reservation is never deleted'); END;
-- +goose StatementEnd
