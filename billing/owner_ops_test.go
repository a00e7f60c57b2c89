package billing_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

// asCustomer acts as the login of a customer, by the switch's rule of scope.
func asCustomer(n int64, at time.Time) context.Context {
	ctx := billing.WithActor(context.Background(), billing.Actor{Login: "c", Customer: billing.Customer(n), API: "test", Direct: true})
	return billing.AsOf(ctx, at)
}

func newAccountTerms(username string) billing.CreateOwnerParams {
	return billing.CreateOwnerParams{Kind: billing.KindAccount, Terms: billing.OwnerLine{Username: billing.To(username), Plan: billing.To(int64(1))}}
}

// update changes account 100.
func (k *kit) update(at time.Time, l billing.OwnerLine) error {
	l.Owner = billing.Account(100)
	return k.engine.UpdateOwner(root(at), billing.UpdateOwnerParams{Terms: l})
}

func TestCreatedAccountsAreBilledAtOnce(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	p := newAccountTerms("new")
	p.Terms.Balance = billing.To(int64(25 * usd))
	id, err := k.engine.CreateOwner(asCustomer(10, t0), p)
	k.ok(err)
	if id != billing.Account(101) {
		t.Fatalf("made %s", id)
	}
	info, err := k.engine.GetOwner(asCustomer(10, t0), billing.OwnerQuery{Kind: billing.KindAccount, Name: "new"})
	k.ok(err)
	if info.Owner.ID != id || info.Owner.Parent != billing.Customer(10) || info.Owner.Currency != "USD" || info.Balance != 25*usd {
		t.Fatalf("%+v", info)
	}
	k.bill(t0)
	if got := k.balance(id); got != 5*usd {
		t.Errorf("balance %d after its first period", got)
	}
	k.verify()
}

// A number that was used is never given again, deleted or not.
func TestNumbersAreNotUsedAgain(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	first, err := k.engine.CreateOwner(asCustomer(10, t0), newAccountTerms("a"))
	k.ok(err)
	k.ok(k.engine.DeleteOwner(asCustomer(10, t0), first))
	second, err := k.engine.CreateOwner(asCustomer(10, t0), newAccountTerms("a"))
	k.ok(err)
	if second.Number() != first.Number()+1 {
		t.Errorf("%s after %s", second, first)
	}
	k.verify()
}

// A customer's first balance comes out of its parent's, which is judged.
func TestFirstBalanceOfACustomer(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.set(t0, billing.SetLowBalanceParams{Owner: billing.Customer(10), Threshold: billing.To(int64(450 * usd)), NotifyByEmail: billing.To(true)})
	p := billing.CreateOwnerParams{Kind: billing.KindCustomer, Terms: billing.OwnerLine{Name: billing.To("Sub"), Balance: billing.To(int64(100 * usd))}}
	sub, err := k.engine.CreateOwner(asCustomer(10, t0), p)
	k.ok(err)
	if a, b := k.balance(billing.Customer(10)), k.balance(sub); a != 400*usd || b != 100*usd {
		t.Errorf("balances %d %d", a, b)
	}
	policy, err := k.engine.GetLowBalance(root(t0), billing.Customer(10))
	k.ok(err)
	if !policy.State.Below {
		t.Error("the parent was not judged")
	}
	p.Terms.Name = billing.To("By root")
	p.Parent = billing.Customer(10)
	_, err = k.engine.CreateOwner(root(t0), p)
	k.ok(err)
	if a := k.balance(billing.Customer(10)); a != 400*usd {
		t.Errorf("root's customer moved its parent to %d", a)
	}
	k.verify()
}

func TestDeleteIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		token string
		make  func(*kit)
	}{
		"a balance": {"tok_ok", func(k *kit) { k.debit(t0, 19*usd) }},
		"a debt":    {"tok_ok", func(k *kit) { k.debit(t0, 21*usd) }},
		"an open charge": {"tok_ok", func(k *kit) {
			k.debit(t0, 20*usd) // crosses the threshold; nobody sends
		}},
		"an open period": {"tok_ok", func(k *kit) {
			k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
			k.debit(t0, 20*usd)
			k.ok(k.update(t0, billing.OwnerLine{Plan: billing.To(int64(1))}))
			k.bill(t0)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			k.seed(c.token)
			c.make(k)
			before := k.balance(billing.Account(100))
			if err := k.engine.DeleteOwner(asCustomer(10, t0), billing.Account(100)); !errors.Is(err, billing.Conflict) {
				t.Errorf("deleted: %v", err)
			}
			if o := k.owner(); !o.DeletedAt.IsZero() || k.balance(billing.Account(100)) != before {
				t.Error("something changed")
			}
			if err := k.engine.DeleteOwner(root(t0), billing.Customer(10)); !errors.Is(err, billing.Conflict) {
				t.Errorf("its customer was deleted: %v", err)
			}
		})
	}
}

// A deleted owner is unknown to every operation, to jobs too; what the gateway
// tells later is still booked.
func TestDeletedIsUnknown(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
	k.debit(t0, 20*usd)
	k.ok(k.update(t0, billing.OwnerLine{Plan: billing.To(int64(1))}))
	k.ok(k.engine.DeleteOwner(root(t0), billing.Account(100)))
	o := billing.Account(100)
	_, getErr := k.engine.GetLowBalance(root(t0), o)
	_, moveErr := k.engine.MoveFunds(root(t0), billing.MoveFundsParams{Owner: o, Kind: billing.PostCredit, Amount: 1, Currency: "USD"})
	_, infoErr := k.engine.GetOwner(root(t0), billing.OwnerQuery{Owner: o})
	_, whyErr := k.engine.Why(root(t0), o, 0, 1)
	_, mandateErr := k.engine.Mandates(root(t0), o)
	_, currencyErr := k.engine.CurrencyOf(root(t0), o)
	for name, err := range map[string]error{
		"get": getErr, "move": moveErr, "info": infoErr, "why": whyErr, "mandates": mandateErr, "currency": currencyErr,
		"set":    k.engine.SetLowBalance(root(t0), billing.SetLowBalanceParams{Owner: o, NotifyByEmail: billing.To(true)}),
		"update": k.update(t0, billing.OwnerLine{Name: billing.To("x")}),
		"block":  k.engine.BlockOwner(root(t0), o, true),
		"delete": k.engine.DeleteOwner(root(t0), o),
	} {
		if !errors.Is(err, billing.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for row, err := range k.engine.Thresholds(root(t0), billing.ThresholdFilter{}) {
		if err != nil || row.Owner.ID == o {
			t.Errorf("thresholds show it: %v", err)
		}
	}
	if run := k.sweep(t0.Add(time.Hour)); run.Tally.Decided != 0 {
		t.Errorf("the sweep judged %d", run.Tally.Decided)
	}
	if run := k.bill(t0.Add(time.Hour)); run.Tally.Decided != 0 {
		t.Errorf("the run billed %d", run.Tally.Decided)
	}
	k.verify()
}

// What a gateway takes back after the owner was deleted is booked all the same.
func TestDisputeOfADeletedOwner(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.debit(t0, 18*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeSucceeded)
	ref := k.ref()
	k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
	k.debit(t0, 12*usd)
	k.ok(k.engine.DeleteOwner(root(t0), billing.Account(100)))
	later := t0.Add(30 * 24 * time.Hour)
	k.ok(k.event(later, billing.GatewayEvent{
		ID: "e1", Kind: billing.EventDisputeWithdrawn, Ref: ref, DisputeRef: "dp_1", DisputeReason: "fraudulent",
		Amount: billing.Money(10*usd, "USD"), Fee: billing.Money(15*usd, "USD"),
	}))
	k.wantBalance(-10 * usd)
	if o := k.owner(); o.DeletedAt.IsZero() {
		t.Error("it came back")
	}
	k.drain(later)
	k.sweep(later)
	k.verify()
}

// A customer's block holds the charge of its account; lifting it, the sweep judges again.
func TestBlockHoldsAndLiftJudges(t *testing.T) {
	for name, o := range map[string]billing.OwnerID{"the account": billing.Account(100), "its customer": billing.Customer(10)} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			k.seed("tok_ok")
			k.ok(k.engine.BlockOwner(root(t0), o, true))
			k.ok(k.engine.BlockOwner(root(t0), o, true))
			k.debit(t0, 18*usd)
			k.sweep(t0.Add(time.Hour))
			k.wantStates()
			k.ok(k.engine.BlockOwner(root(t0.Add(2*time.Hour)), o, false))
			k.sweep(t0.Add(2 * time.Hour))
			k.wantStates(billing.ChargeSucceeded)
			k.wantBalance(12 * usd)
		})
	}
}

// Other causes of a block stay.
func TestUnblockLiftsTheOperatorsBlockOnly(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.store.Update(t.Context(), func(tx billing.Tx) error {
		return tx.SetBlocked(billing.Account(100), billing.BlockFraud|billing.BlockOperator, t0)
	}))
	k.ok(k.engine.BlockOwner(root(t0), billing.Account(100), false))
	if got := k.owner().Blocked; got != billing.BlockFraud {
		t.Errorf("blocked by %s", got)
	}
}

// Nobody changes its own customer, and root is changed by nobody.
func TestOwnCustomerIsNotChanged(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	for _, c := range []struct {
		ctx context.Context
		o   billing.OwnerID
	}{{asCustomer(10, t0), billing.Customer(10)}, {root(t0), billing.Root}} {
		for name, err := range map[string]error{
			"update": k.engine.UpdateOwner(c.ctx, billing.UpdateOwnerParams{Terms: billing.OwnerLine{Owner: c.o, CreditLimit: billing.To(int64(9 * usd))}}),
			"block":  k.engine.BlockOwner(c.ctx, c.o, false),
			"delete": k.engine.DeleteOwner(c.ctx, c.o),
		} {
			if !errors.Is(err, billing.NotFound) {
				t.Errorf("%s %s: %v", name, c.o, err)
			}
		}
	}
}

// A new credit limit is like a credit: it pays what waits, and the next sweep
// judges; the call itself never charges.
func TestNewCreditLimitIsJudged(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.update(t0, billing.OwnerLine{CreditLimit: billing.To(int64(100 * usd))}))
	k.debit(t0, 60*usd)
	k.wantStates()
	k.ok(k.update(t0, billing.OwnerLine{CreditLimit: billing.To(int64(40 * usd))}))
	k.wantStates()
	k.sweep(t0.Add(time.Minute))
	k.wantStates(billing.ChargeSucceeded)
}

// A login that is renamed needs its password again, and the old name is free.
func TestWebLogin(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	create := billing.CreateOwnerParams{Kind: billing.KindCustomer, Terms: billing.OwnerLine{
		Name: billing.To("Sub"), Login: billing.To("sub"), Password: billing.To(billing.Secret("one-12")),
	}}
	id, err := k.engine.CreateOwner(root(t0), create)
	k.ok(err)
	change := func(l billing.OwnerLine, access billing.Change[bool]) error {
		l.Owner = id
		return k.engine.UpdateOwner(root(t0), billing.UpdateOwnerParams{Terms: l, APIAccess: access})
	}
	works := func(name string, want bool) {
		t.Helper()
		if _, err := k.engine.Credential(t.Context(), name); (err == nil) != want {
			t.Errorf("%s gets in: %v", name, err)
		}
	}
	works("sub", true)
	if err := change(billing.OwnerLine{Login: billing.To("sub2")}, billing.Change[bool]{}); !errors.Is(err, billing.Missing) {
		t.Errorf("renamed: %v", err)
	}
	k.ok(change(billing.OwnerLine{Login: billing.To("sub2"), Password: billing.To(billing.Secret("two-12"))}, billing.Change[bool]{}))
	works("sub", false)
	works("sub2", true)
	k.ok(change(billing.OwnerLine{}, billing.To(false)))
	works("sub2", false)
	k.ok(change(billing.OwnerLine{}, billing.To(true)))
	works("sub2", true)
	k.ok(k.engine.DeleteOwner(root(t0), id))
	works("sub2", false)
}

// A form that is sent back whole takes no validity that was paid for.
func TestAFormSentBackTakesNothing(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.update(t0, billing.OwnerLine{Lifetime: billing.To(int64(30))}))
	k.debit(t0, usd)
	o := k.owner()
	o.ExpiresAt = o.ExpiresAt.Add(24 * time.Hour)
	k.ok(k.store.Update(t.Context(), func(tx billing.Tx) error { return tx.PutOwner(&o) }))
	k.ok(k.update(t0, billing.OwnerLine{Lifetime: billing.To(int64(30))}))
	if got := k.owner(); !got.ExpiresAt.Equal(o.ExpiresAt) {
		t.Errorf("ends %s, not %s", got.ExpiresAt, o.ExpiresAt)
	}
}

// A plan of another customer is not there.
func TestAnothersPlanIsUnknown(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(20), Currency: billing.To("USD")}); err != nil {
			return err
		}
		return im.Plan(billing.PlanLine{ID: 9, Name: billing.To("theirs"), Price: billing.To(int64(usd)), Currency: billing.To("USD"), Customer: billing.To(int64(20))})
	}))
	p := newAccountTerms("new")
	p.Terms.Plan = billing.To(int64(9))
	if _, err := k.engine.CreateOwner(asCustomer(10, t0), p); !errors.Is(err, billing.NotFound) {
		t.Errorf("another's plan: %v", err)
	}
	if err := k.engine.DeleteOwner(root(t0), billing.Customer(20)); !errors.Is(err, billing.Conflict) {
		t.Errorf("a customer that owns a plan is deleted: %v", err)
	}
	if _, err := k.engine.CreateOwner(asCustomer(20, t0), p); err != nil {
		t.Errorf("its own: %v", err)
	}
}

// A block of the customer, or of one above it, is told with its login, and what it
// lets through follows from its cause.
func TestBlockedLogin(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Owner(billing.OwnerLine{Owner: billing.Customer(11), Parent: billing.To(int64(10)), Name: billing.To("North"), Currency: billing.To("USD")})
	}))
	k.ok(k.engine.AddLogin(root(t0), "ops", billing.Root, "x"))
	k.ok(k.engine.AddLogin(root(t0), "acme", billing.Customer(10), "x"))
	k.ok(k.engine.AddLogin(root(t0), "north", billing.Customer(11), "x"))
	want := func(ops, acme, north billing.Block) {
		t.Helper()
		for name, want := range map[string]billing.Block{"ops": ops, "acme": acme, "north": north} {
			if c, err := k.engine.Credential(t.Context(), name); err != nil || c.Blocked != want {
				t.Errorf("%s: blocked for %q, %v, want %q", name, c.Blocked, err, want)
			}
		}
	}
	want(0, 0, 0)
	k.ok(k.engine.BlockOwner(root(t0), billing.Account(100), true))
	want(0, 0, 0)
	k.ok(k.engine.BlockOwner(root(t0), billing.Customer(11), true))
	want(0, 0, billing.BlockOperator)
	k.ok(k.store.Update(t.Context(), func(tx billing.Tx) error { return tx.SetBlocked(billing.Customer(10), billing.BlockBilling, t0) }))
	want(0, billing.BlockBilling, billing.BlockOperator|billing.BlockBilling)
	k.ok(k.engine.BlockOwner(root(t0), billing.Customer(11), false))
	want(0, billing.BlockBilling, billing.BlockBilling)

	for _, c := range []struct {
		blocked              billing.Block
		changes, reads, pays bool
	}{
		{0, true, true, true},
		{billing.BlockBilling, false, true, true},
		{billing.BlockDispute | billing.BlockBilling, false, true, true},
		{billing.BlockOperator, false, false, false},
		{billing.BlockFraud, false, false, false},
		{billing.BlockOperator | billing.BlockBilling, false, false, false},
	} {
		a := billing.Actor{Customer: billing.Customer(10), Blocked: c.blocked}
		for use, want := range map[billing.Use]bool{billing.UseChanges: c.changes, billing.UseReads: c.reads, billing.UsePays: c.pays} {
			if err := a.May(use); (err == nil) != want || err != nil && billing.ErrorCode(err) != billing.Blocked {
				t.Errorf("blocked for %q, use %d: %v", c.blocked, use, err)
			}
		}
	}
}

// A text that is too long is named by its own member, and nothing changes.
func TestLongNames(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.audits()
	fits := billing.To(strings.Repeat("é", 255))
	long := billing.To(strings.Repeat("é", 256))
	for _, c := range []struct {
		field string
		line  billing.OwnerLine
	}{
		{"username", billing.OwnerLine{Owner: billing.Account(100), Username: long}},
		{"description", billing.OwnerLine{Owner: billing.Account(100), Name: long}},
		{"email", billing.OwnerLine{Owner: billing.Account(100), Email: billing.To(strings.Repeat("a", 250) + "@b.example")}},
		{"name", billing.OwnerLine{Owner: billing.Customer(10), Name: long}},
		{"email", billing.OwnerLine{Owner: billing.Customer(10), Email: billing.To(strings.Repeat("a", 250) + "@b.example")}},
	} {
		err := k.engine.UpdateOwner(root(t0), billing.UpdateOwnerParams{Terms: c.line})
		if billing.ErrorCode(err) != billing.Invalid || billing.ErrorField(err) != c.field {
			t.Errorf("%s of %s: %v", c.field, c.line.Owner, err)
		}
	}
	if rows := k.acted(); len(rows) != 0 {
		t.Errorf("it changed %q", rows)
	}
	k.ok(k.engine.UpdateOwner(root(t0), billing.UpdateOwnerParams{Terms: billing.OwnerLine{Owner: billing.Account(100), Name: fits}}))
}
