-- +goose Up
-- What a plan includes of seconds; NULL is unlimited. The price is told, never charged
-- by itself: it is part of the plan's.
CREATE TABLE minute_plans (
    id          INTEGER NOT NULL PRIMARY KEY,
    plan_id     INTEGER NOT NULL REFERENCES plans (id),
    description TEXT NOT NULL,
    price       INTEGER NOT NULL,
    seconds     INTEGER,
    CONSTRAINT minute_plans_id CHECK (id BETWEEN 1 AND 2147483647),
    CONSTRAINT minute_plans_price CHECK (price >= 0),
    CONSTRAINT minute_plans_seconds CHECK (seconds BETWEEN 0 AND 2147483647)
) STRICT;

CREATE INDEX minute_plans_plan ON minute_plans (plan_id, id);

-- +goose StatementBegin
CREATE TRIGGER minute_plans_stay BEFORE UPDATE OF plan_id ON minute_plans
    WHEN NEW.plan_id <> OLD.plan_id
BEGIN SELECT RAISE(ABORT, 'a minute plan stays with its plan: accounts used seconds of it'); END;
-- +goose StatementEnd

-- What an account used of one, in the period that ends at until.
CREATE TABLE minutes_used (
    owner_id       INTEGER NOT NULL REFERENCES owners (id),
    minute_plan_id INTEGER NOT NULL REFERENCES minute_plans (id),
    top_id         INTEGER NOT NULL,
    seconds        INTEGER NOT NULL,
    until          INTEGER NOT NULL,
    PRIMARY KEY (owner_id, minute_plan_id),
    CONSTRAINT minutes_used_owner CHECK (owner_id % 2 = 1),
    CONSTRAINT minutes_used_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT minutes_used_seconds CHECK (seconds BETWEEN 0 AND 2147483647)
) STRICT, WITHOUT ROWID;

CREATE INDEX minutes_used_plan ON minutes_used (minute_plan_id);
