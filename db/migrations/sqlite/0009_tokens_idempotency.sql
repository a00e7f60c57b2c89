-- +goose Up
-- Bearer tokens of the REST interfaces. A token is kept as its SHA-256 only.
CREATE TABLE tokens (
    id          INTEGER NOT NULL PRIMARY KEY,
    top_id      INTEGER NOT NULL,
    customer_id INTEGER NOT NULL REFERENCES owners (id),
    name        TEXT NOT NULL,
    hash        BLOB NOT NULL,
    hint        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    revoked_at  INTEGER,
    CONSTRAINT tokens_id CHECK (id > 0),
    CONSTRAINT tokens_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT tokens_customer CHECK (customer_id > 0 AND customer_id % 2 = 0),
    CONSTRAINT tokens_name CHECK (length(name) BETWEEN 1 AND 128),
    CONSTRAINT tokens_hash CHECK (length(hash) = 32),
    -- Where a token would fit, it must not.
    CONSTRAINT tokens_hint CHECK (length(hint) <= 4)
) STRICT;

-- What is revoked may come again: an operator's setting goes back to an earlier token.
CREATE UNIQUE INDEX tokens_hash ON tokens (hash) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX tokens_name ON tokens (customer_id, name) WHERE revoked_at IS NULL;

-- +goose StatementBegin
CREATE TRIGGER tokens_revoked BEFORE UPDATE ON tokens WHEN OLD.revoked_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a revoked token never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER tokens_no_delete BEFORE DELETE ON tokens
BEGIN SELECT RAISE(ABORT, 'a token is revoked, not deleted'); END;
-- +goose StatementEnd

-- Answers that are given again for the same Idempotency-Key. Each is written in the
-- transaction of what it answers.
CREATE TABLE idempotency_keys (
    customer_id  INTEGER NOT NULL REFERENCES owners (id),
    key          TEXT NOT NULL,
    top_id       INTEGER NOT NULL,
    input_hash   BLOB NOT NULL,
    status       INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    headers      TEXT NOT NULL,
    body         BLOB,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (customer_id, key),
    CONSTRAINT idempotency_customer CHECK (customer_id > 0 AND customer_id % 2 = 0),
    CONSTRAINT idempotency_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT idempotency_key CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_input CHECK (length(input_hash) = 32),
    -- A refusal changes nothing and is not kept.
    CONSTRAINT idempotency_status CHECK (status BETWEEN 200 AND 399)
) STRICT;

CREATE INDEX idempotency_time ON idempotency_keys (created_at);
