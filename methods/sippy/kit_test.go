package sippy_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
	"topupd/billing/seal"
	"topupd/db/dbtest"
	"topupd/methods/sippy"
	"topupd/methods/xmlrpc"
)

// kit is the interface over a real engine and database, with a small
// world in it:
//
//	plans 1 and 2, USD 20, and 3, EUR 20
//	customer 1 root
//	customer 10 Acme, USD 250, login acme, card 1010
//	  account 100, USD 20, card 1000 (primary) and 1001
//	  account 101, USD 20, no card
//	  customer 11 North, USD 50, login north
//	    account 110, USD 20, card 1100, which is declined
//	    customer 12 Far North, USD 0
//	  customer 13 Acme EU, EUR 0
//	customer 20 Other, USD 0, login other
//	  account 200, USD 20, card 2000
//	plans: see plans, account 102 has plan 1
//	vouchers: PLAIN-CODE USD 7.5, PINNED-CODE USD 5 with PIN 0042, EURO-CODE EUR 5, OLD-CODE-1 USD 5 expired
type kit struct {
	engine  *billing.Engine
	handler http.Handler
	want    string // the answer that a script holds for the call
}

func newKit(t testing.TB) *kit {
	t.Helper()
	ring, err := seal.ParseRing(seal.Generate())
	must(t, err)
	k := &kit{engine: billing.New(billing.Config{
		Store: dbtest.Open(t), Gateways: []billing.Gateway{sandbox.New()}, Sealer: ring, Settings: billing.DefaultSettings(),
	})}
	must(t, k.engine.Import(as("root"), false, world))
	k.handler, err = xmlrpc.NewHandler(
		sippy.Methods(k.engine, sippy.Options{Log: func(context.Context, string, []string) {}}),
		xmlrpc.Options{Fault: func(_ context.Context, method string, err error) xmlrpc.Fault {
			f := sippy.Fault(err)
			if f.Code == xmlrpc.CodeFatal {
				t.Errorf("%s: %v", method, err)
			}
			return f
		}})
	must(t, err)
	return k
}

// work starts the workers, which the other scripts do without.
func (k *kit) work(t testing.TB) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.engine.Work(ctx)
	}()
	t.Cleanup(func() { stop(); <-ended })
}

// scripts are the wire scripts of this interface.
const scripts = "../../testdata/wire/sippy/*.txt"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// actors are those a script may call as; their passwords are their names.
var actors = map[string]billing.Actor{
	"root":  {Login: "root", Customer: billing.Root, API: "xmlrpc"},
	"acme":  {Login: "acme", Customer: billing.Customer(10), API: "xmlrpc"},
	"north": {Login: "north", Customer: billing.Customer(11), API: "xmlrpc"},
	"other": {Login: "other", Customer: billing.Customer(20), API: "xmlrpc"},
	// A customer that is blocked for billing; no run does that to one yet.
	"owing":   {Login: "owing", Customer: billing.Customer(20), API: "xmlrpc", Blocked: billing.BlockBilling},
	"trusted": {Trusted: true, Customer: billing.Root, API: "xmlrpc"},
}

// today is the moment of all scripts: some answers tell dates.
var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func as(actor string) context.Context {
	ctx := billing.WithActor(context.Background(), actors[actor])
	return billing.AsOf(ctx, today)
}

// loggedIn is as of a login, which is as blocked as its customer is now.
func (k *kit) loggedIn(name string) context.Context {
	ctx := as(name)
	a := billing.ActorFrom(ctx)
	if c, err := k.engine.Credential(ctx, a.Login); err == nil {
		a.Blocked = c.Blocked
	}
	return billing.WithActor(ctx, a)
}

func world(im *billing.Importer) error {
	for id, currency := range map[billing.PlanID]string{1: "USD", 2: "USD", 3: "EUR"} {
		err := im.Plan(billing.PlanLine{ID: id, Name: billing.To("Monthly"), Price: billing.To(int64(20 * billing.Micro)), Currency: billing.To(currency)})
		if err != nil {
			return err
		}
	}
	for _, line := range []billing.OwnerLine{
		customer(10, 1, "Acme", "USD", 250, "acme"),
		customer(11, 10, "North", "USD", 50, "north"),
		customer(12, 11, "Far North", "USD", 0, ""),
		customer(13, 10, "Acme EU", "EUR", 0, ""),
		customer(20, 1, "Other", "USD", 0, "other"),
		account(100, 10), account(101, 10), account(110, 11), account(200, 20),
	} {
		if err := im.Owner(line); err != nil {
			return err
		}
	}
	if err := im.Owner(billing.OwnerLine{Owner: billing.Root, Login: billing.To("root"), Password: billing.To(billing.Secret("root"))}); err != nil {
		return err
	}
	for _, line := range []billing.CardLine{
		{ID: 1000, Owner: billing.Account(100), Primary: billing.To(true)},
		{ID: 1001, Owner: billing.Account(100)},
		{ID: 1010, Owner: billing.Customer(10), Primary: billing.To(true)},
		{ID: 2000, Owner: billing.Account(200), Primary: billing.To(true)},
		{ID: 1100, Owner: billing.Account(110), Token: billing.To(billing.Secret("tok_declined"))},
	} {
		if !line.Token.Given {
			line.Token = billing.To(billing.Secret("tok_ok"))
		}
		if err := im.Card(line); err != nil {
			return err
		}
	}
	if err := plans(im); err != nil {
		return err
	}
	return vouchers(im)
}

func customer(n, parent int64, name, currency string, whole int64, login string) billing.OwnerLine {
	line := billing.OwnerLine{
		Owner: billing.Customer(n), Parent: billing.To(parent), Name: billing.To(name),
		Currency: billing.To(currency), Balance: billing.To(whole * billing.Micro),
	}
	if login != "" {
		line.Login, line.Password = billing.To(login), billing.To(billing.Secret(login))
	}
	return line
}

func account(n, customer int64) billing.OwnerLine {
	return billing.OwnerLine{
		Owner: billing.Account(n), Parent: billing.To(customer), Currency: billing.To("USD"),
		Balance: billing.To(int64(20 * billing.Micro)),
	}
}

// balance is what an owner has, as text.
func (k *kit) balance(t testing.TB, o billing.OwnerID) string {
	t.Helper()
	var text string
	must(t, k.engine.Snapshot(as("root"), func(r billing.Reader) error {
		owner, err := r.Owner(o)
		if err != nil {
			return err
		}
		b, err := r.Bucket(o, owner.Currency)
		text = billing.Money(b.Balance, owner.Currency).String()
		return err
	}))
	return text
}
