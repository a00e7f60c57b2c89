-- +goose Up
-- Subscriptions, payments that their owners already made at a gateway, and the orders
-- that say which payment topped up which subscription.
CREATE TABLE subscriptions (
    id                INTEGER NOT NULL PRIMARY KEY,
    owner_id          INTEGER NOT NULL REFERENCES owners (id),
    top_id            INTEGER NOT NULL,
    phone_number      TEXT NOT NULL,
    category          INTEGER,
    wholesale_partner INTEGER,
    sales_code        TEXT,
    state             TEXT NOT NULL,
    CONSTRAINT subscriptions_id CHECK (id > 0),
    CONSTRAINT subscriptions_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT subscriptions_state CHECK (state = 'active' OR state = 'terminated')
) STRICT;

CREATE TABLE gateway_payments (
    id       INTEGER NOT NULL PRIMARY KEY,
    owner_id INTEGER NOT NULL REFERENCES owners (id),
    top_id   INTEGER NOT NULL,
    amount   INTEGER NOT NULL,
    currency TEXT NOT NULL,
    card_id  INTEGER REFERENCES cards (id),
    status   TEXT NOT NULL,
    CONSTRAINT gateway_payments_id CHECK (id > 0),
    CONSTRAINT gateway_payments_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT gateway_payments_amount CHECK (amount > 0),
    CONSTRAINT gateway_payments_currency CHECK (length(currency) = 3),
    CONSTRAINT gateway_payments_status CHECK (status <> '')
) STRICT;

CREATE INDEX gateway_payments_card ON gateway_payments (card_id) WHERE card_id IS NOT NULL;

-- An order keeps what it was made with: whoever asks again gets the same order. One
-- that was imported has no posting here.
CREATE TABLE orders (
    id                INTEGER NOT NULL PRIMARY KEY,
    subscription_id   INTEGER NOT NULL REFERENCES subscriptions (id),
    payment_id        INTEGER NOT NULL REFERENCES gateway_payments (id),
    top_id            INTEGER NOT NULL,
    posting_id        INTEGER REFERENCES postings (id),
    order_type        INTEGER NOT NULL,
    status            INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    effective_at      INTEGER NOT NULL,
    phone_number      TEXT NOT NULL,
    category          INTEGER,
    wholesale_partner INTEGER,
    sales_code        TEXT,
    CONSTRAINT orders_id CHECK (id > 0),
    CONSTRAINT orders_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT orders_type CHECK (order_type > 0),
    CONSTRAINT orders_status CHECK (status > 0)
) STRICT;

-- A payment is used once.
CREATE UNIQUE INDEX orders_payment ON orders (payment_id);
CREATE INDEX orders_subscription ON orders (subscription_id, id);

-- +goose StatementBegin
CREATE TRIGGER orders_of_a_paid_payment BEFORE INSERT ON orders WHEN NOT EXISTS (
    SELECT 1 FROM gateway_payments p JOIN subscriptions s ON s.owner_id = p.owner_id
    WHERE p.id = NEW.payment_id AND s.id = NEW.subscription_id AND p.status = 'paid')
BEGIN SELECT RAISE(ABORT, 'an order needs a paid payment of the owner of its subscription'); END;
-- +goose StatementEnd
-- Causes are unique, so a posting is that of one order.
-- +goose StatementBegin
CREATE TRIGGER orders_posting BEFORE INSERT ON orders WHEN NEW.posting_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM postings p WHERE p.id = NEW.posting_id AND p.kind = 'gateway_payment' AND p.cause = 'gateway_payment:' || NEW.payment_id)
BEGIN SELECT RAISE(ABORT, 'the posting of an order is that of its payment'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER orders_no_update BEFORE UPDATE ON orders
BEGIN SELECT RAISE(ABORT, 'an order is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER orders_no_delete BEFORE DELETE ON orders
BEGIN SELECT RAISE(ABORT, 'an order is never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER gateway_payments_used BEFORE UPDATE ON gateway_payments
WHEN EXISTS (SELECT 1 FROM orders o WHERE o.payment_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'a payment that was used never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER gateway_payments_no_delete BEFORE DELETE ON gateway_payments
BEGIN SELECT RAISE(ABORT, 'a payment is never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscriptions_owner BEFORE UPDATE OF owner_id ON subscriptions
WHEN NEW.owner_id <> OLD.owner_id AND EXISTS (SELECT 1 FROM orders o WHERE o.subscription_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'a subscription with orders stays with its owner'); END;
-- +goose StatementEnd

-- Lines that were kept as they came. One whose owner is not there, or whose amount is
-- no plain decimal above 0, cannot be used and stays among the objects.
INSERT INTO subscriptions (id, owner_id, top_id, phone_number, category, wholesale_partner, sales_code, state)
SELECT CAST(j.key AS INTEGER), o.id, o.top_id, json_extract(j.body, '$.phoneNumber'), json_extract(j.body, '$.categoryId'),
    json_extract(j.body, '$.wholeSalesPartnerId'), json_extract(j.body, '$.salesCode'), 'active'
FROM objects j JOIN owners o ON o.id = COALESCE(json_extract(j.body, '$.i_account') * 2 + 1, json_extract(j.body, '$.i_customer') * 2)
WHERE j.type = 'subscription';

DELETE FROM objects WHERE type = 'subscription' AND CAST(key AS INTEGER) IN (SELECT id FROM subscriptions);

-- The amount is taken apart as text: whole units, and six digits of the fraction.
INSERT INTO gateway_payments (id, owner_id, top_id, amount, currency, card_id, status)
SELECT t.id, t.owner_id, t.top_id, t.micros, t.currency,
    (SELECT c.id FROM cards c WHERE c.id = t.card AND c.owner_id = t.owner_id), t.status
FROM (
    SELECT p.*, CAST(p.whole AS INTEGER) * 1000000 + CAST(substr(p.fraction || '000000', 1, 6) AS INTEGER) AS micros
    FROM (
        SELECT a.*, substr(a.amount, 1, instr(a.amount || '.', '.') - 1) AS whole,
            rtrim(substr(a.amount, instr(a.amount || '.', '.') + 1), '0') AS fraction
        FROM (
            SELECT CAST(j.key AS INTEGER) AS id, o.id AS owner_id, o.top_id AS top_id, json_extract(j.body, '$.amount') AS amount,
                json_extract(j.body, '$.currency') AS currency, json_extract(j.body, '$.i_debit_credit_card') AS card,
                json_extract(j.body, '$.status') AS status
            FROM objects j
            JOIN owners o ON o.id = COALESCE(json_extract(j.body, '$.i_account') * 2 + 1, json_extract(j.body, '$.i_customer') * 2)
            WHERE j.type = 'payment'
        ) a
    ) p
    WHERE p.amount NOT GLOB '*[^0-9.]*' AND p.fraction NOT GLOB '*[^0-9]*' AND length(p.fraction) <= 6
        AND length(p.whole) BETWEEN 1 AND 12
) t
WHERE t.micros > 0 AND length(t.currency) = 3 AND t.status <> '';

DELETE FROM objects WHERE type = 'payment' AND CAST(key AS INTEGER) IN (SELECT id FROM gateway_payments);
