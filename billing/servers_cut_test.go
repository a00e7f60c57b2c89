package billing_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
	"topupd/db"
	"topupd/db/dbtest"
)

// The network between a server and its database is cut while it charges cards: another
// server finishes its work, and nobody is charged twice, also after it is back.
func TestServerIsCutOffWhileCharging(t *testing.T) {
	const accounts = 60
	server := dbtest.OwnServer(t)
	proxy := dbtest.NewProxy(t, server.Socket())
	gateway := sandbox.New(sandbox.WithLatency(50 * time.Millisecond))
	engine := func(address string) *billing.Engine {
		store, err := db.Open(t.Context(), address, db.Options{BusyTimeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		settings := billing.DefaultSettings()
		settings.GatewayTimeout, settings.ChargeConcurrency = time.Second, 4
		return billing.New(billing.Config{Store: store, Gateways: []billing.Gateway{gateway}, Sealer: plainSealer{}, Mailer: &mailbox{}, Settings: settings})
	}
	// What waits for a silent connection is freed after a second and a half.
	cut := engine(proxy.Address("postgres") + "&idle_in_transaction_session_timeout=1500")
	other := engine(server.Address())
	ctx := billing.WithActor(t.Context(), billing.Actor{Customer: billing.Root, API: "test"})
	err := other.Import(ctx, false, func(im *billing.Importer) error {
		if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(10), Currency: billing.To("USD")}); err != nil {
			return err
		}
		for n := int64(1); n <= accounts; n++ {
			o := billing.Account(n)
			if err := im.Owner(billing.OwnerLine{Owner: o, Parent: billing.To(int64(10)), Currency: billing.To("USD"), Balance: billing.To(int64(3 * usd))}); err != nil {
				return err
			}
			if err := im.Card(billing.CardLine{ID: billing.CardID(n), Owner: o, Token: billing.To(billing.Secret("tok_ok")), Last4: billing.To("4242"), Primary: billing.To(true)}); err != nil {
				return err
			}
			if err := im.LowBalance(billing.SetLowBalanceParams{Owner: o, Threshold: billing.To(int64(5 * usd)), ChargeCard: billing.To(true), ChargeAmount: billing.To(int64(10 * usd))}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := other.RunLowBalance(ctx, billing.RunParams{Trigger: "command"}); err != nil {
		t.Fatal(err)
	}
	life, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { cut.Work(life) })
	until(t, 20*time.Second, "a few charges", func() bool { return len(gateway.Captures()) >= 8 })
	proxy.Silent()
	wg.Go(func() { other.Work(life) })
	settled := func() (n int) {
		err := other.Snapshot(ctx, func(r billing.Reader) error {
			n = 0
			for i := int64(1); i <= accounts; i++ {
				b, err := r.Bucket(billing.Account(i), "USD")
				if err != nil {
					return err
				}
				if b.Balance == 13*usd {
					n++
				}
			}
			return nil
		})
		if billing.ErrorCode(err) == billing.Busy {
			return 0
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	until(t, 60*time.Second, "the other server to finish", func() bool { return settled() == accounts })
	proxy.Mend()
	time.Sleep(time.Second) // what the first still had to say is heard
	captured := 0
	for _, times := range gateway.Captures() {
		captured += times
	}
	if captured != accounts {
		t.Errorf("%d captures for %d accounts", captured, accounts)
	}
	if n := settled(); n != accounts {
		t.Errorf("%d of %d accounts have what was captured", n, accounts)
	}
	if found, err := other.Verify(ctx, 5); err != nil || len(found) > 0 {
		t.Errorf("verify: %v %v", found, err)
	}
}

func until(t *testing.T, patience time.Duration, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}
