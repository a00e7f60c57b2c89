package billing_test

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"testing"

	"topupd/billing"
)

func as(customer int64) context.Context {
	return billing.WithActor(root(t0), billing.Actor{Login: "reseller", Customer: billing.Customer(customer), API: "test"})
}

// tree is root > 10 > 11 and root > 20, with an account each: 100, 110, 200.
func (k *kit) tree() {
	k.t.Helper()
	k.seed("tok_ok")
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		for _, c := range [][2]int64{{11, 10}, {20, 1}} {
			if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(c[0]), Parent: billing.To(c[1]), Currency: billing.To("USD"), Balance: billing.To(int64(50 * usd))}); err != nil {
				return err
			}
		}
		for _, a := range [][2]int64{{110, 11}, {200, 20}} {
			l := accountLine(a[0])
			l.Parent = billing.To(a[1])
			if err := im.Owner(l); err != nil {
				return err
			}
		}
		return nil
	}))
}

func TestScope(t *testing.T) {
	k := newKit(t)
	k.tree()
	direct := func(n int64) context.Context {
		a := billing.ActorFrom(as(n))
		a.Direct = true
		return billing.WithActor(as(n), a)
	}
	tests := []struct {
		name  string
		ctx   context.Context
		owner billing.OwnerID
		sees  bool
	}{
		{"root, any account", root(t0), billing.Account(200), true},
		{"itself", as(10), billing.Customer(10), true},
		{"its account", as(10), billing.Account(100), true},
		{"its sub-customer", as(10), billing.Customer(11), true},
		{"its sub-customer's account", as(10), billing.Account(110), true},
		{"its sub-customer's account, by the switch's rule", direct(10), billing.Account(110), false},
		{"its sub-customer, by the switch's rule", direct(10), billing.Customer(11), true},
		{"its parent", as(11), billing.Customer(10), false},
		{"root", as(10), billing.Root, false},
		{"a stranger", as(10), billing.Account(200), false},
		{"nobody", context.Background(), billing.Account(100), false},
		{"unknown", root(t0), billing.Account(999), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := k.engine.GetLowBalance(tt.ctx, tt.owner)
			set := k.engine.SetLowBalance(tt.ctx, billing.SetLowBalanceParams{Owner: tt.owner, NotifyByEmail: billing.To(true)})
			if tt.sees && (err != nil || set != nil) {
				t.Fatalf("get: %v, set: %v", err, set)
			}
			if !tt.sees && (!errors.Is(err, billing.NotFound) || !errors.Is(set, billing.NotFound) || billing.ErrorField(err) != tt.owner.Field()) {
				t.Fatalf("get: %v, set: %v", err, set)
			}
		})
	}
}

func TestSetLowBalanceRefusesAndChangesNothing(t *testing.T) {
	p := func(change func(*billing.SetLowBalanceParams)) billing.SetLowBalanceParams {
		s := billing.SetLowBalanceParams{Owner: billing.Account(100), Threshold: billing.To(int64(1))}
		change(&s)
		return s
	}
	type params = billing.SetLowBalanceParams
	tests := []struct {
		name  string
		p     params
		code  billing.Code
		field string
	}{
		{"nothing given", params{Owner: billing.Account(100)}, billing.Missing, "threshold"},
		{"null notify", p(func(s *params) { s.NotifyByEmail = billing.ToNull[bool]() }), billing.Invalid, "notify_by_email"},
		{"null charge_card", p(func(s *params) { s.ChargeCard = billing.ToNull[bool]() }), billing.Invalid, "charge_card"},
		{"null amount", p(func(s *params) { s.ChargeAmount = billing.ToNull[int64]() }), billing.Invalid, "charge_amount"},
		{"negative amount", p(func(s *params) { s.ChargeAmount = billing.To(int64(-usd)) }), billing.Invalid, "charge_amount"},
		{"a third decimal of USD", p(func(s *params) { s.ChargeAmount = billing.To(int64(usd/100 + 1)) }), billing.Invalid, "charge_amount"},
		{"negative br amount", p(func(s *params) { s.BRChargeAmount = billing.To(int64(-usd)) }), billing.Invalid, "br_charge_amount"},
		{"null br flag", p(func(s *params) { s.BRChargeCard = billing.ToNull[bool]() }), billing.Invalid, "br_charge_card"},
		{"unknown card", p(func(s *params) { s.Card = billing.To(billing.CardID(5)) }), billing.NotFound, "i_debit_credit_card"},
		{"unknown br card", p(func(s *params) { s.BRCard = billing.To(billing.CardID(5)) }), billing.NotFound, "br_i_debit_credit_card"},
		{"reminders below 0", p(func(s *params) { s.RetryCount = billing.To(int64(-1)) }), billing.Invalid, "notification_retry_count"},
		{"no hour", p(func(s *params) { s.RetryInterval = billing.To(int64(0)) }), billing.Invalid, "notification_retry_interval"},
	}
	k := newKit(t)
	k.seed("tok_ok")
	before := k.policy()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := k.engine.SetLowBalance(root(t0), tt.p)
			if billing.ErrorCode(err) != tt.code || billing.ErrorField(err) != tt.field {
				t.Fatalf("got %v (%s %s), want %s %s", err, billing.ErrorCode(err), billing.ErrorField(err), tt.code, tt.field)
			}
			after := k.policy()
			if *after.Threshold != *before.Threshold || after.State != before.State {
				t.Fatalf("the refused call changed %+v to %+v", before, after)
			}
		})
	}
}

func TestMoveFundsBooksAgainstTheParent(t *testing.T) {
	k := newKit(t)
	k.tree()
	move := func(ctx context.Context, o billing.OwnerID, kind billing.PostingKind) error {
		_, err := k.engine.MoveFunds(ctx, billing.MoveFundsParams{Owner: o, Kind: kind, Amount: 30 * usd, Currency: "USD", FromParent: true})
		return err
	}
	k.ok(move(as(10), billing.Customer(11), billing.PostAddFunds))
	if a, b := k.balance(billing.Customer(10)), k.balance(billing.Customer(11)); a != 470*usd || b != 80*usd {
		t.Fatalf("parent %d, child %d", a/usd, b/usd)
	}
	k.ok(move(as(10), billing.Customer(11), billing.PostDebit))
	if a, b := k.balance(billing.Customer(10)), k.balance(billing.Customer(11)); a != 500*usd || b != 50*usd {
		t.Fatalf("parent %d, child %d", a/usd, b/usd)
	}
	k.ok(move(root(t0), billing.Customer(11), billing.PostCredit)) // root is no bucket's other side
	if a, b := k.balance(billing.Customer(10)), k.balance(billing.Customer(11)); a != 500*usd || b != 80*usd {
		t.Fatalf("parent %d, child %d", a/usd, b/usd)
	}
	if err := move(as(10), billing.Customer(10), billing.PostAddFunds); !errors.Is(err, billing.NotFound) {
		t.Fatalf("a customer moved its own funds: %v", err)
	}
	k.verify()
}

func TestIdempotencyKey(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	p := billing.MoveFundsParams{Owner: billing.Account(100), Kind: billing.PostDebit, Amount: 3 * usd, Currency: "USD", IdempotencyKey: "cdr-1"}
	first, err := k.engine.MoveFunds(root(t0), p)
	k.ok(err)
	again, err := k.engine.MoveFunds(root(t0), p)
	k.ok(err)
	if !again.Repeated || again.Posting != first.Posting {
		t.Fatalf("first %+v, again %+v", first, again)
	}
	k.wantBalance(17 * usd)
	p.Amount++
	if _, err := k.engine.MoveFunds(root(t0), p); !errors.Is(err, billing.KeyReused) {
		t.Fatalf("another input: %v", err)
	}
	k.wantBalance(17 * usd)
}

func TestMoveFundsRefuses(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	tests := []struct {
		name     string
		amount   int64
		currency billing.Unit
		code     billing.Code
	}{
		{"zero", 0, "USD", billing.Invalid},
		{"negative", -1, "USD", billing.Invalid},
		{"another currency", usd, "EUR", billing.WrongCurrency},
		{"beyond what can be kept", 1<<63 - 1, "USD", billing.Overflow},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := k.engine.MoveFunds(root(t0), billing.MoveFundsParams{Owner: billing.Account(100), Kind: billing.PostCredit, Amount: tt.amount, Currency: tt.currency})
			if billing.ErrorCode(err) != tt.code {
				t.Fatalf("got %v, want %s", err, tt.code)
			}
			k.wantBalance(20 * usd)
		})
	}
	k.verify()
}

func TestLogins(t *testing.T) {
	k := newKit(t)
	k.tree()
	k.ok(k.engine.AddLogin(root(t0), "acme", billing.Customer(10), "secret"))
	c, err := k.engine.Credential(root(t0), "acme")
	k.ok(err)
	if c.Customer != billing.Customer(10) || c.HA1.Reveal() != "19c1f4c24f44798993f47f1ea456d765" {
		t.Fatalf("credential %+v", c)
	}
	for _, name := range []string{"acme\x00", "\x00", "\xff", "acm\xc3"} {
		if _, err := k.engine.Credential(root(t0), name); !errors.Is(err, billing.NotFound) {
			t.Errorf("the login %q: %v", name, err)
		}
	}
	if err := k.engine.AddLogin(root(t0), "acme", billing.Customer(20), "x"); !errors.Is(err, billing.Exists) {
		t.Fatalf("the same name: %v", err)
	}
	k.ok(k.engine.DisableLogin(root(t0), "acme"))
	if _, err := k.engine.Credential(root(t0), "acme"); !errors.Is(err, billing.NotFound) {
		t.Fatalf("a disabled login: %v", err)
	}
	// What somebody stopped stays stopped: neither a new password nor an import lifts it.
	if disabled, err := k.engine.SetPassword(root(t0), "acme", "other"); err != nil || !disabled {
		t.Fatalf("a disabled login's password: disabled %v, %v", disabled, err)
	}
	k.importLogin(billing.Customer(10), "acme", "third")
	if _, err := k.engine.Credential(root(t0), "acme"); !errors.Is(err, billing.NotFound) {
		t.Fatalf("a disabled login with a new password: %v", err)
	}
	k.ok(k.engine.EnableLogin(root(t0), "acme"))
	k.ok(k.engine.EnableLogin(root(t0), "acme")) // again is no error
	if c, err := k.engine.Credential(root(t0), "acme"); err != nil || c.HA1.Reveal() != "de78242485f21e5a988596fc6392ee25" {
		t.Fatalf("enabled again, with the last password: %+v, %v", c, err)
	}
	if disabled, err := k.engine.SetPassword(root(t0), "acme", "other"); err != nil || disabled {
		t.Fatalf("an enabled login's password: disabled %v, %v", disabled, err)
	}
	for _, switchTo := range []func(context.Context, string) error{k.engine.EnableLogin, k.engine.DisableLogin} {
		if err := switchTo(root(t0), "nobody"); !errors.Is(err, billing.NotFound) {
			t.Fatalf("a login that is not there: %v", err)
		}
	}
	k.config.Settings.Realm = "another"
	if _, err := billing.New(k.config).Credential(root(t0), "acme"); !errors.Is(err, billing.NotFound) {
		t.Fatalf("a password of another realm: %v", err)
	}
}

// The login of the settings is how an operator gets back in.
func TestEnsureLoginEnables(t *testing.T) {
	k := newKit(t)
	k.ok(k.engine.EnsureLogin(root(t0), "ops", "one"))
	k.ok(k.engine.DisableLogin(root(t0), "ops"))
	k.ok(k.engine.EnsureLogin(root(t0), "ops", "two"))
	if _, err := k.engine.Credential(root(t0), "ops"); err != nil {
		t.Fatal(err)
	}
}

// Of servers that start together on a new database one makes the login, and its password
// is the one that works.
func TestFirstLoginIsMadeOnce(t *testing.T) {
	k := newKit(t)
	if made, err := k.engine.FirstLogin(root(t0), "admin", "one"); err != nil || !made {
		t.Fatalf("made %v, %v", made, err)
	}
	if made, err := k.engine.FirstLogin(root(t0), "admin", "two"); err != nil || made {
		t.Fatalf("a second one: made %v, %v", made, err)
	}
	got, err := k.engine.Credential(root(t0), "admin")
	k.ok(err)
	if want := fmt.Sprintf("%x", md5.Sum([]byte("admin:topupd:one"))); got.HA1.Reveal() != want {
		t.Error("the password is not the first one")
	}
}

// A login that was imported without a password has none; it was not disabled.
func TestImportedLoginGetsItsPasswordLater(t *testing.T) {
	k := newKit(t)
	k.tree()
	k.importLogin(billing.Customer(10), "acme", "")
	if _, err := k.engine.Credential(root(t0), "acme"); !errors.Is(err, billing.NotFound) {
		t.Fatalf("a login without a password: %v", err)
	}
	if disabled, err := k.engine.SetPassword(root(t0), "acme", "first"); err != nil || disabled {
		t.Fatalf("disabled %v, %v", disabled, err)
	}
	if _, err := k.engine.Credential(root(t0), "acme"); err != nil {
		t.Fatal(err)
	}
}

// importLogin imports a customer's login; an empty password is left out.
func (k *kit) importLogin(customer billing.OwnerID, name, password string) {
	k.t.Helper()
	l := billing.OwnerLine{Owner: customer, Login: billing.To(name)}
	if password != "" {
		l.Password = billing.To(billing.Secret(password))
	}
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error { return im.Owner(l) }))
}

func TestCheckKeyFindsAnotherKey(t *testing.T) {
	k := newKit(t)
	k.ok(k.engine.CheckKey(root(t0))) // nothing is sealed yet
	k.seed("tok_ok")
	k.ok(k.engine.CheckKey(root(t0)))
	k.config.Sealer = otherSealer{}
	if err := billing.New(k.config).CheckKey(root(t0)); !errors.Is(err, billing.Conflict) {
		t.Fatalf("another key: %v", err)
	}
}

type otherSealer struct{ plainSealer }

func (otherSealer) Open([]byte, string) (billing.Secret, error) {
	return "", errors.New("another key")
}
