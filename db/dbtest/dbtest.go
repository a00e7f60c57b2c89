// Package dbtest is the conformance suite of billing.Store: every engine is run
// through it. It owns no engine, and knows of them only what the port promises
// and the names of the tables and columns, which all engines share.
//
// It has five grades: records (every method, round trips), constraints (every
// state that must be impossible is tried), transactions, concurrency, paging.
package dbtest

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topupd/billing"
)

// Engine is what is tested.
type Engine struct {
	// Open makes an empty store, which ends with the test.
	Open func(t testing.TB) billing.Store
	// Exec runs a statement on the store's database behind the port's back; its
	// rules are in force. Nil leaves out what the port cannot provoke.
	Exec func(t testing.TB, s billing.Store, query string) error
}

// Run runs every grade.
func Run(t *testing.T, e Engine) {
	for _, grade := range []struct {
		name string
		run  func(*testing.T, Engine)
	}{
		{"records", records},
		{"constraints", constraints},
		{"transactions", transactions},
		{"concurrency", concurrency},
		{"paging", paging},
	} {
		t.Run(grade.name, func(t *testing.T) { grade.run(t, e) })
	}
}

const (
	usd = billing.Unit("USD")
	sms = billing.Unit("SMS")
)

var (
	acme  = billing.Customer(10) // below root
	acmeE = billing.Customer(11) // below acme
	zeta  = billing.Customer(12) // below root
	alice = billing.Account(100) // of acme
	bob   = billing.Account(101) // of acmeE
	carol = billing.Account(102) // of zeta

	// noon is a moment that no zone or rounding leaves as it is by chance.
	noon = time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.FixedZone("UTC+5:45", (5*60+45)*60))
)

// world is a store with a few owners, and what the tests need of them.
type world struct {
	testing.TB
	s    billing.Store
	exec func(query string) error
	card map[billing.OwnerID]billing.CardID
	plan billing.PlanID
}

// newWorld makes root > acme > acmeE and zeta, an account in each, a card for
// every account and a plan.
func newWorld(t testing.TB, e Engine) *world {
	t.Helper()
	w := &world{TB: t, s: e.Open(t), card: map[billing.OwnerID]billing.CardID{}}
	if e.Exec != nil {
		w.exec = func(query string) error { return e.Exec(t, w.s, query) }
	}
	w.update(func(tx billing.Tx) error {
		for _, o := range []billing.Owner{
			owner(acme, billing.Root, acme, "/1/10/"),
			owner(acmeE, acme, acme, "/1/10/11/"),
			owner(zeta, billing.Root, zeta, "/1/12/"),
			owner(alice, acme, acme, "/1/10/"),
			owner(bob, acmeE, acme, "/1/10/11/"),
			owner(carol, zeta, zeta, "/1/12/"),
		} {
			if err := tx.PutOwner(&o); err != nil {
				return err
			}
			if !o.ID.IsAccount() {
				continue
			}
			c := card(o.ID)
			if err := tx.PutCard(&c); err != nil {
				return err
			}
			w.card[o.ID] = c.ID
		}
		p := billing.Plan{Name: "Monthly 20", Price: 20 * billing.Micro, Currency: usd, Cycle: billing.CycleMonthly, Prepaid: true, OnFailure: billing.FailBlock}
		err := tx.PutPlan(&p)
		w.plan = p.ID
		return err
	})
	return w
}

func owner(id, parent, top billing.OwnerID, path string) billing.Owner {
	zero := int64(0)
	return billing.Owner{ID: id, Parent: parent, Top: top, Path: path, Name: id.String(), Currency: usd, CreditLimit: &zero}
}

func card(o billing.OwnerID) billing.Card {
	return billing.Card{Owner: o, Gateway: "sandbox", Token: []byte{1}, Last4: "4242", State: billing.CardUsable, Primary: true}
}

func (w *world) charge(o billing.OwnerID, cause string) *billing.Charge {
	top := acme
	if o == carol {
		top = zeta
	}
	return &billing.Charge{
		Owner: o, Top: top, Purpose: billing.PurposeLowBalance, Cause: cause, Card: w.card[o], Gateway: "sandbox",
		Unit: usd, Credit: 10, Gross: 10, State: billing.ChargeCreated, Attempt: 1, CreatedAt: noon,
	}
}

func (w *world) period(date string) *billing.Period {
	return &billing.Period{
		Owner: alice, Top: acme, Date: date, Plan: w.plan, Price: 20, Unit: usd, OnFailure: billing.FailBlock,
		State: billing.PeriodDue, StartAt: noon, CreatedAt: noon,
	}
}

func posting(o billing.OwnerID, cause string, micros int64) *billing.Posting {
	return &billing.Posting{
		Top: acme, Kind: billing.PostAdjustment, Cause: cause, BookedAt: noon, EffectiveAt: noon,
		Entries: []billing.Entry{
			{Owner: o, Unit: usd, Micros: micros},
			{Account: billing.AccountAdjustment, Unit: usd, Micros: -micros},
		},
	}
}

// update runs fn, which must succeed.
func (w *world) update(fn func(billing.Tx) error) {
	w.Helper()
	if err := w.s.Update(context.Background(), fn); err != nil {
		w.Fatalf("update: %v", err)
	}
}

// view runs fn, which must succeed.
func (w *world) view(fn func(billing.Reader) error) {
	w.Helper()
	if err := w.s.View(context.Background(), fn); err != nil {
		w.Fatalf("view: %v", err)
	}
}

// refused runs fn, which must fail with the code and, unless it is empty, the field.
func (w *world) refused(code billing.Code, field string, fn func(billing.Tx) error) {
	w.Helper()
	err := w.s.Update(context.Background(), fn)
	if err == nil {
		w.Errorf("it was accepted, not refused with %v %s", code, field)
		return
	}
	if billing.ErrorCode(err) != code || (field != "" && billing.ErrorField(err) != field) {
		w.Errorf("refused with %v %q (%v), not %v %q", billing.ErrorCode(err), billing.ErrorField(err), err, code, field)
	}
}

// read is one call of a reader's method.
func read[T any](w *world, get func(billing.Reader) (T, error)) T {
	w.Helper()
	var v T
	w.view(func(r billing.Reader) (err error) {
		v, err = get(r)
		return err
	})
	return v
}

// missing holds that a reader's method says NotFound.
func missing[T any](w *world, get func(billing.Reader) (T, error)) {
	w.Helper()
	err := w.s.View(context.Background(), func(r billing.Reader) error {
		_, err := get(r)
		return err
	})
	if billing.ErrorCode(err) != billing.NotFound {
		w.Errorf("error is %v, not NotFound", err)
	}
}

// same compares, times by the moment.
func same[T any](t testing.TB, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("not as written (-want +got):\n%s", d)
	}
}

// stuff gives every field of a struct a value that is not zero and not like
// another's, so that a column that is left out or swapped shows.
func stuff(v any) {
	n := 0
	stuffValue(reflect.ValueOf(v).Elem(), &n)
}

func stuffValue(v reflect.Value, n *int) {
	*n++
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = noon.Add(time.Duration(*n) * time.Hour)
		return
	case *[]byte:
		*x = []byte{0, byte(*n), 255}
		return
	case *map[billing.Reason]int64:
		*x = map[billing.Reason]int64{billing.ReasonHeld: int64(*n)}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			stuffValue(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		stuffValue(v.Elem(), n)
	case reflect.String:
		v.SetString("text ñ'% " + string(rune('a'+*n%26)) + string(rune('a'+*n/26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n) + 1_000_000)
	case reflect.Uint8:
		v.SetUint(uint64(*n%7 + 1))
	}
}

// utc holds that every time in a record that was read is in UTC.
func utc(t testing.TB, v any) {
	t.Helper()
	utcValue(t, reflect.ValueOf(v))
}

func utcValue(t testing.TB, v reflect.Value) {
	if at, ok := v.Interface().(time.Time); ok {
		if at.Location() != time.UTC {
			t.Errorf("%v is not in UTC", at)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			utcValue(t, v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			utcValue(t, v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			utcValue(t, v.Elem())
		}
	}
}
