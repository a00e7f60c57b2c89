package db_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"topupd/billing"
	"topupd/db"
)

// bucketKey names a bucket in the naive ledger.
type bucketKey struct {
	owner billing.OwnerID
	unit  billing.Unit
}

// TestPostModel posts whatever comes, in transactions that succeed or fail, and
// compares with a map.
func TestPostModel(t *testing.T) {
	var s *db.Store
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		if n++; n%25 == 1 { // a new database is made rarely, it takes longer than the rest
			s = open(t, db.Options{})
			update(t, s, func(tx billing.Tx) error { return fill(tx, 3) })
		}
		model := map[bucketKey]int64{}
		for i := range int64(3) {
			for _, unit := range []billing.Unit{usd, "SMS"} {
				k := bucketKey{billing.Account(i + 1), unit}
				err := s.View(context.Background(), func(r billing.Reader) error {
					b, err := r.Bucket(k.owner, k.unit)
					model[k] = b.Balance
					return err
				})
				if err != nil {
					rt.Fatal(err)
				}
			}
		}
		m := &ledgerModel{prefix: fmt.Sprint(n, " "), balances: model, causes: map[string]bool{}}
		for range rapid.IntRange(1, 8).Draw(rt, "transactions") {
			m.postSome(rt, s)
		}
		compare(rt, s, m.balances)
	})
}

// ledgerModel is what the ledger should hold.
type ledgerModel struct {
	prefix   string // of this run's causes
	balances map[bucketKey]int64
	causes   map[string]bool
}

// postSome is one transaction of a few postings; the model follows only when it commits.
func (m *ledgerModel) postSome(rt *rapid.T, s *db.Store) {
	after, used := maps.Clone(m.balances), maps.Clone(m.causes)
	fails := rapid.Bool().Draw(rt, "fails")
	posts := rapid.SliceOfN(rapid.Custom(drawPosting), 1, 4).Draw(rt, "postings")
	overflows := false
	err := s.Update(context.Background(), func(tx billing.Tx) error {
		for _, p := range posts {
			p.Cause = m.prefix + p.Cause
			err := tx.Post(&p)
			switch want := modelPost(after, used, &p); {
			case want == nil && err != nil, want != nil && billing.ErrorCode(err) != *want:
				rt.Fatalf("posting %+v: %v, the model says %v", p, err, want)
			case want != nil && *want == billing.Overflow:
				overflows = true
				return err
			}
		}
		if fails {
			return errModel
		}
		return nil
	})
	if (err != nil) != (fails || overflows) {
		rt.Fatalf("the transaction: %v", err)
	}
	if err == nil {
		m.balances, m.causes = after, used
	}
}

var errModel = fmt.Errorf("the caller gave up")

func drawPosting(rt *rapid.T) billing.Posting {
	amount := rapid.OneOf(rapid.Int64Range(1, 1000), rapid.Int64Range(math.MaxInt64-1000, math.MaxInt64)).Draw(rt, "amount")
	if rapid.Bool().Draw(rt, "down") {
		amount = -amount
	}
	p := posting(billing.Account(rapid.Int64Range(1, 3).Draw(rt, "owner")), fmt.Sprint("c", rapid.IntRange(1, 12).Draw(rt, "cause")), amount, time.Unix(1, 0))
	if rapid.Bool().Draw(rt, "transfer") {
		p.Entries[1] = billing.Entry{Owner: billing.Account(rapid.Int64Range(1, 3).Draw(rt, "other")), Unit: usd, Micros: -amount}
	}
	if rapid.Bool().Draw(rt, "sms") {
		p.Entries[0].Unit, p.Entries[1].Unit = "SMS", "SMS"
	}
	return *p
}

// modelPost says what must become of a posting; nil is that it is booked.
func modelPost(balances map[bucketKey]int64, causes map[string]bool, p *billing.Posting) *billing.Code {
	exists, overflow := billing.Exists, billing.Overflow
	if causes[p.Cause] {
		return &exists
	}
	for _, e := range p.Entries {
		if e.Owner == 0 {
			continue
		}
		k := bucketKey{e.Owner, e.Unit}
		sum, err := billing.AddMicros(balances[k], e.Micros)
		if err != nil {
			return &overflow
		}
		balances[k] = sum
	}
	causes[p.Cause] = true
	return nil
}

func compare(rt *rapid.T, s *db.Store, model map[bucketKey]int64) {
	err := s.View(context.Background(), func(r billing.Reader) error {
		for k, want := range model {
			b, err := r.Bucket(k.owner, k.unit)
			if err != nil {
				return err
			}
			if b.Balance != want {
				rt.Fatalf("%v has %d %s, the model %d", k.owner, b.Balance, k.unit, want)
			}
		}
		return nil
	})
	if err != nil {
		rt.Fatal(err)
	}
	if found, err := s.Verify(context.Background(), 0); err != nil || len(found) != 0 {
		rt.Fatalf("verify: %v %v", found, err)
	}
}
