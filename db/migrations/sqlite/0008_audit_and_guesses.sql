-- +goose Up
-- Audit rows are kept for a time that the operator sets, and then go. Whatever that
-- is, what was done within the last twelve hours is deleted by nobody.
DROP TRIGGER audit_no_delete;

-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN OLD.logged_at > (unixepoch() - 43200) * 1000000
BEGIN SELECT RAISE(ABORT, 'an audit row is not deleted before its time'); END;
-- +goose StatementEnd

-- How many vouchers did not work for an account, or for a login, since a time: who
-- guesses is refused for an hour. One row each, so it grows no further than they do.
CREATE TABLE voucher_guesses (
    subject TEXT NOT NULL PRIMARY KEY,
    top_id  INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    wrong   INTEGER NOT NULL,
    CONSTRAINT voucher_guesses_subject CHECK (subject <> ''),
    CONSTRAINT voucher_guesses_top CHECK (top_id > 0 AND top_id % 2 = 0),
    CONSTRAINT voucher_guesses_wrong CHECK (wrong > 0)
) STRICT, WITHOUT ROWID;
