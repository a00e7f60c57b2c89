package db

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"topupd/billing"
)

// A password that was changed, or rights that were taken, under a server that works are
// told to callers as a database that is away; a rule that a caller broke stays its own.
func TestSetUpChangesUnderWork(t *testing.T) {
	for state, want := range map[string]billing.Code{
		"42501": billing.Busy, "28P01": billing.Busy, "3D000": billing.Busy, "23505": billing.Exists, "57P01": billing.Busy, "XX000": billing.Internal,
	} {
		if err := atWork(classifyPostgres(&pgconn.PgError{Code: state})); billing.ErrorCode(err) != want {
			t.Errorf("%s: %v", state, err)
		}
	}
	if err := atWork(nil); err != nil {
		t.Error(err)
	}
}
