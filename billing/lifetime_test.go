package billing_test

import (
	"errors"
	"testing"
	"time"

	"topupd/billing"
)

const hours24 = 24 * time.Hour

// What a use and a payment do to an account's lifetime of ten days.
func TestLifetime(t *testing.T) {
	days := func(n int) time.Time { return t0.Add(time.Duration(n) * hours24) }
	for _, c := range []struct {
		name       string
		action     billing.OnPayment
		used, paid int // days; -1 not at all
		end        int // of its life; -1 none
	}{
		{"unused", billing.OnPaymentExtend, -1, 3, -1},
		{"used", billing.OnPaymentNone, 1, -1, 11},
		{"a payment without an action", billing.OnPaymentNone, 1, 5, 11},
		{"a payment extends from its day", billing.OnPaymentExtend, 1, 5, 15},
		{"also when it was over", billing.OnPaymentExtend, 1, 20, 30},
		{"a payment clears the first use", billing.OnPaymentClear, 1, 5, -1},
		{"restarting billing leaves it", billing.OnPaymentRestart, 1, 5, 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKit(t)
			k.seed("tok_ok")
			k.ok(k.update(t0, billing.OwnerLine{Lifetime: billing.To(int64(10)), OnPayment: billing.To(string(c.action))}))
			if c.used >= 0 {
				k.debit(days(c.used), usd)
				k.debit(days(c.used+1), usd) // the second use changes nothing
			}
			if c.paid >= 0 {
				k.move(days(c.paid), billing.PostCredit, usd) // an adjustment is no payment
				k.move(days(c.paid), billing.PostAddFunds, usd)
			}
			want := time.Time{}
			if c.end >= 0 {
				want = days(c.end)
			}
			o := k.owner()
			if !o.ExpiresAt.Equal(want) {
				t.Errorf("it ends %v, want %v", o.ExpiresAt, want)
			}
			if c.end >= 0 && (o.Expired(want.Add(-1)) || !o.Expired(want)) {
				t.Error("it does not end at its end")
			}
		})
	}
}

// Another lifetime counts from the first use that was; none ends it.
func TestLifetimeChanges(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.update(t0, billing.OwnerLine{Lifetime: billing.To(int64(10))}))
	k.debit(t0, usd)
	k.ok(k.update(t0.Add(hours24), billing.OwnerLine{Lifetime: billing.To(int64(3))}))
	if o := k.owner(); !o.ExpiresAt.Equal(t0.Add(3 * hours24)) {
		t.Errorf("it ends %v", o.ExpiresAt)
	}
	k.ok(k.update(t0, billing.OwnerLine{Lifetime: billing.ToNull[int64]()}))
	if o := k.owner(); o.Lifetime != nil || !o.FirstUsedAt.IsZero() || !o.ExpiresAt.IsZero() {
		t.Errorf("it still has one: %+v", o)
	}
	for _, n := range []int64{0, -1, billing.MaxLifetime + 1} {
		if err := k.update(t0, billing.OwnerLine{Lifetime: billing.To(n)}); !errors.Is(err, billing.Invalid) {
			t.Errorf("%d days: %v", n, err)
		}
	}
}

// An expired account is charged by no job, and says why; a payment by hand that
// extends its life lets the next sweep charge.
func TestExpiredIsNotCharged(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.update(t0, billing.OwnerLine{Lifetime: billing.To(int64(1)), OnPayment: billing.To(string(billing.OnPaymentExtend))}))
	k.debit(t0, usd)
	late := t0.Add(2 * hours24)
	k.debit(late, 18*usd)
	k.wantStates()
	k.wantReason(billing.ReasonExpired)
	k.sweep(late.Add(time.Hour))
	k.wantStates()
	k.move(late.Add(2*time.Hour), billing.PostAddFunds, usd)
	k.wantStates()
	k.sweep(late.Add(3 * time.Hour))
	k.wantStates(billing.ChargeSucceeded)
	k.verify()
}

// The card's own success counts as a payment too.
func TestChargeExtendsLifetime(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.update(t0, billing.OwnerLine{Lifetime: billing.To(int64(10)), OnPayment: billing.To(string(billing.OnPaymentExtend))}))
	k.debit(t0, usd)
	later := t0.Add(4 * hours24)
	k.debit(later, 18*usd)
	k.drain(later)
	k.wantStates(billing.ChargeSucceeded)
	if o := k.owner(); !o.ExpiresAt.Equal(later.Add(10 * hours24)) {
		t.Errorf("it ends %v", o.ExpiresAt)
	}
}

// A least payment holds for payments by hand, not for a card that a job charges.
func TestMinPayment(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.update(t0, billing.OwnerLine{MinPayment: billing.To(int64(50 * usd))}))
	pay := func(kind billing.PostingKind, micros int64) error {
		_, err := k.engine.MoveFunds(root(t0), billing.MoveFundsParams{Owner: billing.Account(100), Kind: kind, Amount: micros, Currency: "USD"})
		return err
	}
	if err := pay(billing.PostAddFunds, 50*usd-1); !errors.Is(err, billing.Invalid) || billing.ErrorField(err) != "amount" {
		t.Errorf("a smaller payment: %v", err)
	}
	k.wantBalance(20 * usd)
	k.ok(pay(billing.PostCredit, usd))
	k.debit(t0, 20*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeSucceeded) // of 10
	k.ok(pay(billing.PostAddFunds, 50*usd))
}

// Restarting billing moves a cycle that had stopped to the day of the payment, and
// bills no period twice.
func TestRestartBilling(t *testing.T) {
	for action, wantNext := range map[billing.OnPayment]time.Time{
		billing.OnPaymentNone:    time.Date(2027, 1, 5, 0, 0, 0, 0, time.UTC),
		billing.OnPaymentRestart: time.Date(2027, 1, 17, 0, 0, 0, 0, time.UTC),
	} {
		t.Run(string(action), func(t *testing.T) {
			k := newKit(t)
			k.seed("tok_ok")
			start := time.Date(2026, 12, 5, 6, 0, 0, 0, time.UTC)
			k.set(start, billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
			k.debit(start, 15*usd)
			k.ok(k.update(start, billing.OwnerLine{Plan: billing.To(int64(1)), OnPayment: billing.To(string(action))}))
			k.bill(start)
			k.wantBalance(5 * usd)
			paid := time.Date(2026, 12, 17, 9, 0, 0, 0, time.UTC)
			k.move(paid, billing.PostAddFunds, 5*usd) // covers nothing yet
			k.move(paid, billing.PostAddFunds, 15*usd)
			k.wantBalance(5 * usd)
			var next time.Time
			k.ok(k.engine.Snapshot(root(paid), func(r billing.Reader) error {
				ap, err := r.AccountPlan(billing.Account(100))
				next = ap.NextAt
				return err
			}))
			if !next.Equal(wantNext) {
				t.Errorf("the next period starts %v, want %v", next, wantNext)
			}
			k.move(paid, billing.PostAddFunds, 30*usd)
			k.bill(paid.Add(time.Hour))
			k.wantBalance(35 * usd)
			k.verify()
		})
	}
}
