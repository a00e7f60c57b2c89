-- +goose Up
-- Who is told of events, and where. The secret signs what is sent, and is sealed.
CREATE TABLE hub_subscriptions (
    id          INTEGER NOT NULL PRIMARY KEY,
    top_id      INTEGER NOT NULL,
    customer_id INTEGER NOT NULL REFERENCES owners (id),
    callback    TEXT NOT NULL,
    query       TEXT NOT NULL,
    wanted      TEXT NOT NULL,
    -- It wants to know of changed balances, which is what happens most.
    balances    INTEGER NOT NULL,
    secret      BLOB,
    created_at  INTEGER NOT NULL,
    deleted_at  INTEGER,
    CONSTRAINT hub_subscriptions_id CHECK (id > 0),
    CONSTRAINT hub_subscriptions_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT hub_subscriptions_customer CHECK (customer_id > 0 AND customer_id % 2 = 0),
    CONSTRAINT hub_subscriptions_callback CHECK (callback LIKE 'https://_%' OR callback LIKE 'http://_%'),
    CONSTRAINT hub_subscriptions_length CHECK (length(callback) <= 2000 AND length(query) <= 2000),
    CONSTRAINT hub_subscriptions_balances CHECK (balances = 0 OR balances = 1),
    -- A sealed value is longer than a key that somebody would put here by mistake.
    CONSTRAINT hub_subscriptions_secret CHECK (secret IS NULL OR length(secret) > 0),
    CONSTRAINT hub_subscriptions_deleted CHECK (deleted_at IS NULL OR secret IS NULL)
) STRICT;

CREATE UNIQUE INDEX hub_subscriptions_once ON hub_subscriptions (customer_id, callback, query) WHERE deleted_at IS NULL;
CREATE INDEX hub_subscriptions_balances ON hub_subscriptions (balances) WHERE deleted_at IS NULL AND balances = 1;

-- +goose StatementBegin
CREATE TRIGGER hub_subscriptions_frozen BEFORE UPDATE OF id, top_id, customer_id, callback, query, wanted, balances, created_at ON hub_subscriptions
BEGIN SELECT RAISE(ABORT, 'a subscription is deleted and made anew, never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER hub_subscriptions_final BEFORE UPDATE ON hub_subscriptions WHEN OLD.deleted_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a deleted subscription never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER hub_subscriptions_no_delete BEFORE DELETE ON hub_subscriptions
BEGIN SELECT RAISE(ABORT, 'a subscription stays, marked as deleted'); END;
-- +goose StatementEnd

-- What happened, as the engine's record was at that moment. Only what somebody subscribed to is kept.
CREATE TABLE events (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    top_id      INTEGER NOT NULL,
    owner_id    INTEGER NOT NULL REFERENCES owners (id),
    kind        TEXT NOT NULL,
    resource    TEXT NOT NULL,
    resource_id INTEGER NOT NULL,
    record      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    CONSTRAINT events_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT events_kind CHECK (kind = 'create' OR kind = 'cancel' OR kind = 'failure' OR kind = 'change' OR kind = 'status' OR kind = 'delete'),
    CONSTRAINT events_resource CHECK (resource = 'topup' OR resource = 'adjustment' OR resource = 'transfer' OR resource = 'reservation' OR resource = 'bucket'),
    CONSTRAINT events_of_bucket CHECK (resource <> 'bucket' OR kind = 'create' OR kind = 'change' OR kind = 'delete'),
    CONSTRAINT events_resource_id CHECK (resource_id > 0),
    CONSTRAINT events_record CHECK (json_valid(record))
) STRICT;

CREATE INDEX events_owner ON events (owner_id, id);
CREATE INDEX events_time ON events (at);

-- +goose StatementBegin
CREATE TRIGGER events_frozen BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'an event never changes'); END;
-- +goose StatementEnd

-- One event on its way to one subscription. Of what is about one record only the
-- oldest is due, so that a subscription hears of it in its order; the others wait.
CREATE TABLE deliveries (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    top_id      INTEGER NOT NULL,
    event_id    INTEGER NOT NULL REFERENCES events (id),
    hub_id      INTEGER NOT NULL REFERENCES hub_subscriptions (id),
    subject     TEXT NOT NULL,
    state       TEXT NOT NULL,
    tries       INTEGER NOT NULL,
    due_at      INTEGER,
    lease_until INTEGER,
    status      INTEGER NOT NULL,
    error       TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER,
    CONSTRAINT deliveries_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT deliveries_subject CHECK (subject <> ''),
    CONSTRAINT deliveries_state CHECK (state = 'pending' OR state = 'delivered' OR state = 'dead'),
    CONSTRAINT deliveries_due CHECK (due_at IS NULL OR state = 'pending'),
    CONSTRAINT deliveries_lease CHECK (lease_until IS NULL OR due_at IS NOT NULL),
    CONSTRAINT deliveries_finished CHECK ((state = 'pending') = (finished_at IS NULL)),
    CONSTRAINT deliveries_status CHECK (status = 0 OR status BETWEEN 100 AND 999),
    CONSTRAINT deliveries_delivered CHECK (state <> 'delivered' OR (error = '' AND tries > 0 AND status BETWEEN 200 AND 299)),
    CONSTRAINT deliveries_dead CHECK (state <> 'dead' OR error <> ''),
    CONSTRAINT deliveries_tries CHECK (tries >= 0),
    -- Whatever a callback says is cut before it comes here.
    CONSTRAINT deliveries_error CHECK (length(error) <= 500)
) STRICT;

CREATE UNIQUE INDEX deliveries_once ON deliveries (event_id, hub_id);
CREATE UNIQUE INDEX deliveries_head ON deliveries (hub_id, subject) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_due ON deliveries (hub_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (hub_id, subject, id) WHERE state = 'pending';
CREATE INDEX deliveries_state ON deliveries (state, id);
CREATE INDEX deliveries_hub ON deliveries (hub_id, id);

-- +goose StatementBegin
CREATE TRIGGER deliveries_frozen BEFORE UPDATE OF id, top_id, event_id, hub_id, subject, created_at ON deliveries
BEGIN SELECT RAISE(ABORT, 'what is delivered to whom never changes'); END;
-- +goose StatementEnd
