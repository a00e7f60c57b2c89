package billing_test

import (
	"context"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

// servers is a kit and another server on its database, with the same gateway. The kit's
// store holds functions to the owners that they declared.
func servers(t *testing.T, change ...func(*billing.Config)) (k *kit, other *billing.Engine) {
	t.Helper()
	k = newKit(t, change...)
	k.ok(k.store.Close())
	address := dbtest.Address(t)
	open := func() *db.Store {
		s, err := db.Open(context.Background(), address, dbtest.Options())
		k.ok(err)
		return s
	}
	k.store = open()
	k.config.Store = k.store
	k.engine = billing.New(k.config)
	second := k.config
	store := open()
	t.Cleanup(func() { store.Close() })
	second.Store = store
	return k, billing.New(second)
}

// What happens all day stays within the owners that it declares: on a database with many
// writers nothing of it has to be run again, alone.
func TestCommonChangesStayWithinTheirOwners(t *testing.T) {
	k, _ := servers(t)
	k.tree()
	account, another := billing.Account(100), billing.Account(110)
	k.plan()
	begun := k.store.Beyond()
	later, night := t0.Add(time.Hour), t0.AddDate(0, 1, 1)
	steps := []struct {
		name string
		do   func()
	}{
		{"usage", func() { k.debit(t0, 16*usd) }},
		{"its charge and receipt", func() { k.drain(t0) }},
		{"funds", func() { k.move(t0, billing.PostAddFunds, 3*usd) }},
		{"a policy", func() { k.set(t0, billing.SetLowBalanceParams{Threshold: billing.To(int64(40 * usd))}) }},
		{"a declined card", func() { k.swapToken("tok_declined") }},
		{"a sweep", func() { k.sweep(later) }},
		{"a card without an answer", func() { k.swapToken("tok_timeout") }},
		{"retries", func() { k.later(t0.AddDate(0, 0, 2)) }},
		{"a night", func() { k.bill(night) }},
		{"a correction", func() {
			_, err := k.engine.Adjust(root(t0), billing.AdjustParams{Owner: account, Unit: "USD", Amount: 5 * usd})
			k.ok(err)
		}},
		{"a transfer", func() {
			_, err := k.engine.Transfer(root(t0), billing.TransferParams{From: account, To: another, Unit: "USD", Amount: usd})
			k.ok(err)
		}},
		{"a reservation that ends by itself", func() {
			_, err := k.engine.Reserve(root(t0), billing.ReserveParams{Owner: account, Unit: "USD", Amount: usd, EndsAt: t0.Add(time.Minute)})
			k.ok(err)
			k.drain(later)
		}},
		{"a voucher", func() {
			made, err := k.engine.CreateVouchers(root(t0), billing.CreateVouchersParams{Amount: usd, Currency: "USD", Count: 1})
			k.ok(err)
			_, err = k.engine.Recharge(root(t0), billing.RechargeParams{Account: account, Code: made[0].Code})
			k.ok(err)
		}},
	}
	for _, step := range steps {
		step.do()
		if n := k.store.Beyond(); n != begun {
			t.Errorf("%s: %d changes went beyond what they declared", step.name, n-begun)
			begun = n
		}
	}
	if n := len(k.charges()); n < 2 {
		t.Errorf("%d charges: the test shows less than it says", n)
	}
	k.verify()
}

// What goes further is done all the same, and counted.
func TestChangeBeyondItsOwnersIsDone(t *testing.T) {
	k, _ := servers(t)
	k.tree()
	begun := k.store.Beyond()
	_, err := k.engine.Recharge(root(t0), billing.RechargeParams{Account: billing.Account(100), Code: "1234567890123456"})
	if billing.ErrorCode(err) != billing.NotFound {
		t.Fatalf("a voucher that is not there: %v", err)
	}
	if n := k.store.Beyond() - begun; n != 1 {
		t.Errorf("%d changes were run again, want the one that counts a wrong code", n)
	}
}

// The global breaker counts over all servers, however many of them claim at once.
func TestBreakerCountsOverServers(t *testing.T) {
	const most, accounts = 5, 24
	k, other := servers(t, func(c *billing.Config) { c.Settings.Breaker.Charges = most })
	k.seed("tok_ok")
	k.lowAccounts(root(t0), 200, 200+accounts-1)
	_, _, err := k.engine.RunLowBalance(root(t0), billing.RunParams{Trigger: "command"})
	k.ok(err)
	done := make(chan error, 2)
	for _, e := range []*billing.Engine{k.engine, other} {
		go func() { done <- e.Drain(root(t0)) }()
	}
	for range 2 {
		k.ok(<-done)
	}
	if n := len(k.gateway.Captures()); n != most {
		t.Errorf("%d charges were sent, the breaker allows %d", n, most)
	}
	if stop, err := other.SendingStopped(root(t0)); err != nil || stop.At.IsZero() {
		t.Errorf("the other server is not stopped: %v", err)
	}
}

// A payment that another server settled is heard of where the call waits.
func TestPaymentIsSettledByAnotherServer(t *testing.T) {
	k, other := servers(t)
	k.seed("tok_ok")
	k.working(other)
	if made := k.pay(t0, ten()); made.Result != billing.PaymentOK {
		t.Errorf("the call was answered %d", made.Result)
	}
}
