-- +goose Up
-- Audit rows are kept for a time that the operator sets, and then go. Whatever that
-- is, what was done within the last twelve hours is deleted by nobody.
DROP TRIGGER audit_no_delete;

-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN OLD.logged_at > (unixepoch() - 43200) * 1000000
BEGIN SELECT RAISE(ABORT, 'an audit row is not deleted before its time'); END;
-- +goose StatementEnd
