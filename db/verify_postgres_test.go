package db_test

import (
	"context"
	"slices"
	"testing"

	"topupd/db"
	"topupd/db/dbtest"
)

// TestVerifyFindsPostgres damages a database of PostgreSQL, with its rules out of force.
func TestVerifyFindsPostgres(t *testing.T) {
	for name, c := range map[string]struct {
		damage string
		want   []string // the invariants that are reported
	}{
		"a trigger is gone":          {`DROP TRIGGER entries_no_update ON entries`, []string{"L2"}},
		"a trigger is switched off":  {`ALTER TABLE postings DISABLE TRIGGER postings_no_delete`, []string{"L2"}},
		"a trigger has another name": {`ALTER TRIGGER transfers_frozen ON transfers RENAME TO old`, []string{"T1"}},
		"an index is gone":           {`DROP INDEX charges_open`, []string{"C6"}},
		"an entry was changed":       {`UPDATE entries SET micros = micros + 1 WHERE posting_id = 1 AND n = 0`, []string{"L1", "L3"}},
		"the posting is gone":        {`DELETE FROM postings WHERE id = 1`, []string{"L1"}},
		"a booking is gone":          {`UPDATE postings SET kind = 'adjustment' WHERE kind = 'charge'`, []string{"C4"}},
	} {
		t.Run(name, func(t *testing.T) {
			address := dbtest.Postgres(t)
			s, err := db.Open(t.Context(), address, db.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			update(t, s, bookCharge)
			if found, err := s.Verify(t.Context(), 0); err != nil || len(found) != 0 {
				t.Fatalf("before the damage: %v %v", found, err)
			}
			raw, err := dbtest.Raw(t, address).Conn(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			for _, query := range []string{`SET session_replication_role = replica`, c.damage} {
				if _, err := raw.ExecContext(t.Context(), query); err != nil {
					t.Fatal(err)
				}
			}
			found, err := s.Verify(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range found {
				got = append(got, d.Invariant)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", found, c.want)
			}
		})
	}
}
