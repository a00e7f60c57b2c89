package billing_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"topupd/billing"
)

// working starts the workers of an engine; they end with the test, or when end is
// called, which waits for what they are about.
func (k *kit) working(e *billing.Engine) (end func()) {
	k.t.Helper()
	ctx, stop := context.WithCancel(root(t0))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.Work(ctx)
	}()
	end = func() { stop(); <-ended }
	k.t.Cleanup(end)
	return end
}

// ten is a payment of 10 by the primary card of account 100.
func ten(change ...func(*billing.MakePaymentParams)) billing.MakePaymentParams {
	p := billing.MakePaymentParams{Owner: billing.Account(100), Amount: 10 * usd, Currency: "USD", Payer: "192.0.2.7"}
	for _, c := range change {
		c(&p)
	}
	return p
}

func key(name string) func(*billing.MakePaymentParams) {
	return func(p *billing.MakePaymentParams) { p.IdempotencyKey = name }
}

func (k *kit) pay(at time.Time, p billing.MakePaymentParams) billing.MadePayment {
	k.t.Helper()
	made, err := k.engine.MakePayment(root(at), p)
	k.ok(err)
	return made
}

func (k *kit) payment(id billing.PaymentID) billing.Payment {
	k.t.Helper()
	p, err := k.engine.PaymentInfo(root(t0), billing.Account(100), id)
	k.ok(err)
	return p
}

func noWait(c *billing.Config)   { c.Settings.PaymentWait = 0 }
func noWindow(c *billing.Config) { c.Settings.DuplicateWindow = 0 }

func TestPaymentResults(t *testing.T) {
	for _, tt := range []struct {
		token  string
		result billing.PaymentResult
		state  billing.ChargeState
		err    string
		card   billing.CardState
		mails  []string
	}{
		{"tok_ok", billing.PaymentOK, billing.ChargeSucceeded, "", billing.CardUsable, []string{"Receipt: 10.00 USD charged to Visa 4242"}},
		{"tok_declined", billing.PaymentFailed, billing.ChargeFailed, "insufficient_funds", billing.CardUsable, []string{"Your card Visa 4242 was declined"}},
		{"tok_lost", billing.PaymentFailed, billing.ChargeFailed, "lost_card", billing.CardAside, []string{"Your card Visa 4242 was declined"}},
		{"tok_authentication_required", billing.PaymentFailed, billing.ChargeFailed, "authentication_required", billing.CardUsable, []string{"Your card Visa 4242 was declined"}},
	} {
		t.Run(tt.token, func(t *testing.T) {
			k := newKit(t)
			k.seed(tt.token)
			before := k.policy().State
			end := k.working(k.engine)
			made := k.pay(t0, ten())
			row := k.wantStates(tt.state)[0]
			if made.Result != tt.result || made.Repeated || made.ID != billing.ChargePayment(row.Charge.ID) || len(row.Attempts) != 1 {
				t.Fatalf("made %+v, charge %+v", made, row)
			}
			if by := row.Charge.By; by.Customer != billing.Root || by.Login != "root" || by.Payer != "192.0.2.7" || row.Charge.Mandate != 0 {
				t.Errorf("made by %+v, mandate %d", by, row.Charge.Mandate)
			}
			p := k.payment(made.ID)
			if p.Result() != tt.result || p.Micros != 10*usd || !p.ByCard() || p.Card != "Visa 4242" || (p.Error() == "") != (tt.err == "") {
				t.Errorf("payment %+v, error %q", p, p.Error())
			}
			end() // or the mail may still be on its way
			k.drain(t0)
			k.wantMails(tt.mails...)
			if tt.result == billing.PaymentOK {
				k.wantBalance(30 * usd)
			} else {
				k.wantBalance(20 * usd)
			}
			if now := k.policy().State; now.Suspended != "" || now.BRSuspended != "" || now.MailedAt != before.MailedAt {
				t.Errorf("the policy's state is %+v", now)
			}
			k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) error {
				c, err := r.Card(1000)
				if c.State != tt.card {
					t.Errorf("the card is %s", c.State)
				}
				return err
			}))
			// There is no plan of retries.
			k.later(t0.Add(100 * time.Hour))
			k.wantStates(tt.state)
			k.verify()
		})
	}
}

func TestPaymentIsRefusedAndNothingChanges(t *testing.T) {
	k := newKit(t, noWait)
	k.tree()
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		for id, l := range map[billing.CardID]billing.CardLine{
			1001: {Owner: billing.Account(100)},                                                                           // no token
			1002: {Owner: billing.Account(100), Token: billing.To(billing.Secret("tok_ok")), Gateway: billing.To("none")}, // a gateway that is not set up
			1100: {Owner: billing.Account(110), Token: billing.To(billing.Secret("tok_ok"))},
		} {
			l.ID = id
			if err := im.Card(l); err != nil {
				return err
			}
		}
		return nil
	}))
	card := func(id billing.CardID) func(*billing.MakePaymentParams) {
		return func(p *billing.MakePaymentParams) { p.Card = &id }
	}
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		change func(*billing.MakePaymentParams)
		code   billing.Code
		field  string
	}{
		{"nothing", root(t0), func(p *billing.MakePaymentParams) { p.Amount = 0 }, billing.Invalid, "amount"},
		{"less", root(t0), func(p *billing.MakePaymentParams) { p.Amount = -usd }, billing.Invalid, "amount"},
		{"half a cent", root(t0), func(p *billing.MakePaymentParams) { p.Amount = usd / 200 }, billing.Invalid, "amount"},
		{"too much", root(t0), func(p *billing.MakePaymentParams) { p.Amount = billing.MaxCharge + usd }, billing.Invalid, "amount"},
		{"another currency", root(t0), func(p *billing.MakePaymentParams) { p.Currency = "EUR" }, billing.WrongCurrency, "currency"},
		{"no payer", root(t0), func(p *billing.MakePaymentParams) { p.Payer = "" }, billing.Missing, "payer_ip_address"},
		{"a payer that is no address", root(t0), func(p *billing.MakePaymentParams) { p.Payer = "4242424242424242" }, billing.Invalid, "payer_ip_address"},
		{"a foreign account", as(20), func(*billing.MakePaymentParams) {}, billing.NotFound, "i_account"},
		{"an unknown account", root(t0), func(p *billing.MakePaymentParams) { p.Owner = billing.Account(999) }, billing.NotFound, "i_account"},
		{"an unknown card", root(t0), card(999), billing.NotFound, "i_debit_credit_card"},
		{"another's card", root(t0), card(1100), billing.NotFound, "i_debit_credit_card"},
		{"a card without a token", root(t0), card(1001), billing.NotFound, "i_debit_credit_card"},
		{"a card of a gateway that is gone", root(t0), card(1002), billing.NotFound, "i_debit_credit_card"},
		{"no primary card", root(t0), func(p *billing.MakePaymentParams) { p.Owner = billing.Customer(10) }, billing.NotFound, "i_debit_credit_card"},
		{"a long key", root(t0), key(string(make([]byte, 256))), billing.Invalid, "idempotency_key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := k.engine.MakePayment(tt.ctx, ten(tt.change))
			if billing.ErrorCode(err) != tt.code || billing.ErrorField(err) != tt.field || err == nil {
				t.Errorf("got %v (%s %s)", err, billing.ErrorCode(err), billing.ErrorField(err))
			}
			k.wantStates()
		})
	}
}

func TestSamePaymentAgain(t *testing.T) {
	other := billing.CardID(1001)
	for _, tt := range []struct {
		name   string
		first  func(*billing.MakePaymentParams)
		after  time.Duration
		as     context.Context
		second func(*billing.MakePaymentParams)
		again  bool
		code   billing.Code
	}{
		{name: "at once", again: true},
		{name: "just within the window", after: 120*time.Second - time.Microsecond, again: true},
		{name: "after the window", after: 120 * time.Second},
		{name: "another amount", second: func(p *billing.MakePaymentParams) { p.Amount = 11 * usd }},
		{name: "another card", second: func(p *billing.MakePaymentParams) { p.Card = &other }},
		{name: "another login", as: as(10)},
		{name: "another address", second: func(p *billing.MakePaymentParams) { p.Payer = "::1" }, again: true},
		{name: "the primary card by its number", second: func(p *billing.MakePaymentParams) { p.Card = billing.To(billing.CardID(1000)).Value }, again: true},
		{name: "the same key a year later", first: key("a"), second: key("a"), after: 365 * 24 * time.Hour, again: true},
		{name: "two keys", first: key("a"), second: key("b")},
		{name: "a key, then none", first: key("a"), again: true},
		{name: "none, then a key", second: key("a")},
		{name: "a key of another login", first: key("a"), as: as(10), second: key("a")},
		{name: "a key with another amount", first: key("a"), second: func(p *billing.MakePaymentParams) { key("a")(p); p.Amount++; p.Amount += usd - 1 }, code: billing.KeyReused},
		{name: "a key with another card", first: key("a"), second: func(p *billing.MakePaymentParams) { key("a")(p); p.Card = &other }, code: billing.KeyReused},
		{name: "a key with another payer", first: key("a"), second: func(p *billing.MakePaymentParams) { key("a")(p); p.Payer = "::1" }, code: billing.KeyReused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newKit(t, noWait)
			k.seed("tok_ok")
			k.importCard(func(l *billing.CardLine) { l.ID, l.Token = other, billing.To(billing.Secret("tok_ok")) })
			if tt.first == nil {
				tt.first = func(*billing.MakePaymentParams) {}
			}
			if tt.second == nil {
				tt.second = func(*billing.MakePaymentParams) {}
			}
			if tt.as == nil {
				tt.as = root(t0)
			}
			first := k.pay(t0, ten(tt.first))
			k.drain(t0)
			second, err := k.engine.MakePayment(billing.AsOf(tt.as, t0.Add(tt.after)), ten(tt.second))
			if tt.code != billing.Internal {
				if !errors.Is(err, tt.code) {
					t.Errorf("got %v, want %s", err, tt.code)
				}
				k.wantStates(billing.ChargeSucceeded)
				return
			}
			k.ok(err)
			if second.Repeated != tt.again || (second.ID == first.ID) != tt.again {
				t.Errorf("first %+v, second %+v", first, second)
			}
			if tt.again && second.Result != billing.PaymentOK {
				t.Errorf("the repeat's answer is %d", second.Result)
			}
		})
	}
	t.Run("a window of 0", func(t *testing.T) {
		k := newKit(t, noWait, noWindow)
		k.seed("tok_ok")
		if first, second := k.pay(t0, ten()), k.pay(t0, ten()); second.Repeated || first.ID == second.ID {
			t.Errorf("%+v %+v", first, second)
		}
	})
	t.Run("after the card was lost", func(t *testing.T) {
		k := newKit(t, noWait)
		k.seed("tok_lost")
		first := k.pay(t0, ten())
		k.drain(t0)
		if second := k.pay(t0, ten()); second.ID != first.ID || second.Result != billing.PaymentFailed {
			t.Errorf("%+v %+v", first, second)
		}
	})
}

// A key belongs to one call of its login, whichever method took it first.
func TestOneKeyForPaymentsAndMovements(t *testing.T) {
	k := newKit(t, noWait)
	k.seed("tok_ok")
	move := func(name string) error {
		_, err := k.engine.MoveFunds(root(t0), billing.MoveFundsParams{
			Owner: billing.Account(100), Kind: billing.PostAddFunds, Amount: 10 * usd, Currency: "USD", IdempotencyKey: name,
		})
		return err
	}
	k.ok(move("moved"))
	if _, err := k.engine.MakePayment(root(t0), ten(key("moved"))); !errors.Is(err, billing.KeyReused) {
		t.Errorf("a payment with a movement's key: %v", err)
	}
	k.pay(t0, ten(key("paid")))
	if err := move("paid"); !errors.Is(err, billing.KeyReused) {
		t.Errorf("a movement with a payment's key: %v", err)
	}
	k.ok(move("moved"))
	k.wantStates(billing.ChargeCreated)
	k.wantBalance(30 * usd)
}

func TestParallelPaymentsMakeOneCharge(t *testing.T) {
	for name, change := range map[string]func(*billing.MakePaymentParams){
		"with a key":    key("once"),
		"within window": func(*billing.MakePaymentParams) {},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			k.seed("tok_slow")
			k.working(k.engine)
			var wg sync.WaitGroup
			made := make([]billing.MadePayment, 10)
			for i := range made {
				wg.Go(func() {
					var err error
					if made[i], err = k.engine.MakePayment(root(t0), ten(change)); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			k.wantStates(billing.ChargeSucceeded)
			k.wantBalance(30 * usd)
			first := 0
			for _, m := range made {
				if !m.Repeated {
					first++
				}
				if m.Result != billing.PaymentOK || m.ID != made[0].ID {
					t.Errorf("%+v", m)
				}
			}
			if first != 1 {
				t.Errorf("%d calls made the charge", first)
			}
			k.verify()
		})
	}
}

// What holds automatic charges does not hold a person.
func TestPaymentByHandWhileAutomaticChargesWait(t *testing.T) {
	k := newKit(t, noWait)
	k.seed("tok_declined")
	k.debit(t0, 16*usd)
	k.drain(t0) // declined, an hour to the next try
	k.wantMails("Your card Visa 4242 was declined")
	k.importOwner(func(l *billing.OwnerLine) { l.Blocked = billing.To(true) })
	k.importCard(func(l *billing.CardLine) { l.ID, l.Token = 1001, billing.To(billing.Secret("tok_ok")) })
	card := billing.CardID(1001)
	made := k.pay(t0, ten(func(p *billing.MakePaymentParams) { p.Card = &card }))
	if made.Result != billing.PaymentPending {
		t.Errorf("nobody worked, and the result is %d", made.Result)
	}
	k.drain(t0)
	k.wantStates(billing.ChargeCreated, billing.ChargeSucceeded)
	k.wantBalance(14 * usd)
	// The automatic one is not needed any more.
	k.later(t0.Add(2 * time.Hour))
	k.wantStates(billing.ChargeCancelled, billing.ChargeSucceeded)
	k.verify()
}

// A payment that leaves the owner low re-arms and charges nothing by itself.
func TestPaymentByHandNeverChargesMore(t *testing.T) {
	k := newKit(t, noWait)
	k.seed("tok_ok")
	active := func(on bool) { // behind the engine's back: saving judges
		k.ok(k.store.Update(t.Context(), func(tx billing.Tx) error {
			p, err := tx.OwnerPolicy(billing.Account(100))
			p.Policy.ChargeCard, p.Policy.NotifyByEmail = on, on
			return errors.Join(err, tx.PutLowBalanceTerms(&p.Policy))
		}))
	}
	active(false)
	k.debit(t0, 40*usd)
	active(true)
	k.pay(t0, ten())
	k.drain(t0)
	k.wantStates(billing.ChargeSucceeded)
	k.wantMails("Receipt: 10.00 USD charged to Visa 4242")
	k.sweep(t0.Add(15 * time.Minute)) // the next judgement does
	k.wantStates(billing.ChargeSucceeded, billing.ChargeSucceeded)
}

// A person's word about a payment by hand leaves the automatic charge alone (C6).
func TestResolvedPaymentByHand(t *testing.T) {
	for _, captured := range []bool{true, false} {
		k := newKit(t, noWait)
		k.seed("tok_timeout_lost")
		made := k.pay(t0, ten())
		k.drain(t0)
		k.wantStates(billing.ChargeUnknown)
		k.debit(t0, 16*usd)
		_, err := k.engine.ResolveCharge(root(t0.Add(time.Hour)), billing.ResolveParams{
			Charge: made.ID.Charge(), Captured: captured, Reference: "ref", Reason: "seen",
		})
		k.ok(err)
		want := billing.ChargeFailed
		if captured {
			want = billing.ChargeSucceeded
		}
		k.wantStates(want, billing.ChargeCreated)
		k.verify()
	}
}

func TestPaymentSurvivesARestart(t *testing.T) {
	k := newKit(t, noWait)
	k.seed("tok_ok")
	made := k.pay(t0, ten(key("a")))
	if made.Result != billing.PaymentPending {
		t.Fatalf("%+v", made)
	}
	k.restart()
	k.drain(t0)
	if again := k.pay(t0, ten(key("a"))); again.ID != made.ID || again.Result != billing.PaymentOK {
		t.Errorf("%+v, then %+v", made, again)
	}
	k.wantBalance(30 * usd)
	k.wantStates(billing.ChargeSucceeded)
}

// A card that is gone before its payment was sent ends the payment.
func TestPaymentOfACardThatIsGone(t *testing.T) {
	k := newKit(t, noWait)
	k.seed("tok_ok")
	made := k.pay(t0, ten())
	k.ok(k.store.Update(t.Context(), func(tx billing.Tx) error {
		c, err := tx.Card(1000)
		c.State, c.Token = billing.CardDeleted, nil
		return errors.Join(err, tx.PutCard(&c))
	}))
	k.drain(t0)
	k.wantStates(billing.ChargeCancelled)
	p := k.payment(made.ID)
	if p.Result() != billing.PaymentFailed || p.Error() != "cancelled: card_gone" {
		t.Errorf("%+v %q", p, p.Error())
	}
}

// In a bubble time costs nothing, and shows what woke the call.
func TestPaymentWait(t *testing.T) {
	elapsed := func(t *testing.T, token string, work func(*kit)) (billing.PaymentResult, time.Duration) {
		var res billing.PaymentResult
		var took time.Duration
		synctest.Test(t, func(t *testing.T) {
			k := newKit(t)
			k.config.Store = deaf{k.store}
			k.engine = billing.New(k.config)
			k.seed(token)
			work(k)
			start := time.Now()
			res = k.pay(t0, ten()).Result
			took = time.Since(start)
		})
		return res, took
	}
	t.Run("told by this process", func(t *testing.T) {
		res, took := elapsed(t, "tok_slow", func(k *kit) { k.working(k.engine) })
		if res != billing.PaymentOK || took >= 250*time.Millisecond {
			t.Errorf("%d after %s", res, took)
		}
	})
	t.Run("settled by another server", func(t *testing.T) {
		res, took := elapsed(t, "tok_ok", func(k *kit) { k.working(billing.New(k.config)) })
		if res != billing.PaymentOK || took > 2*time.Second {
			t.Errorf("%d after %s", res, took)
		}
	})
	t.Run("settled by nobody", func(t *testing.T) {
		res, took := elapsed(t, "tok_ok", func(*kit) {})
		if res != billing.PaymentPending || took != 20*time.Second {
			t.Errorf("%d after %s", res, took)
		}
	})
	t.Run("many payments of one request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := newKit(t, noWindow)
			k.seed("tok_ok")
			start := time.Now()
			asked := billing.ActorFrom(root(t0))
			asked.At = start
			for range 3 {
				time.Sleep(time.Second)
				made, err := k.engine.MakePayment(billing.WithActor(root(t0), asked), ten())
				if err != nil || made.Result != billing.PaymentPending {
					t.Errorf("%+v %v", made, err)
				}
			}
			if took := time.Since(start); took != 22*time.Second {
				t.Errorf("%s", took)
			}
			k.drain(t0)
			k.wantStates(billing.ChargeSucceeded, billing.ChargeSucceeded, billing.ChargeSucceeded)
		})
	})
	t.Run("the caller is gone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := newKit(t)
			k.seed("tok_ok")
			ctx, cancel := context.WithTimeout(root(t0), time.Second)
			defer cancel()
			start := time.Now()
			made, err := k.engine.MakePayment(ctx, ten())
			if took := time.Since(start); err != nil || made.Result != billing.PaymentPending || took != time.Second {
				t.Errorf("%+v %v after %s", made, err, took)
			}
			k.drain(t0)
			k.wantStates(billing.ChargeSucceeded)
		})
	})
}

// Automatic charges and every movement are payments too, newest first.
func TestPayments(t *testing.T) {
	k := newKit(t, noWait)
	k.seed("tok_ok")
	k.debit(t0.Add(time.Minute), 16*usd) // a crossing
	k.drain(t0.Add(time.Minute))
	k.move(t0.Add(2*time.Minute), billing.PostAddFunds, 3*usd)
	made := k.pay(t0.Add(3*time.Minute), ten())
	list, err := k.engine.Payments(root(t0), billing.PaymentFilter{Owner: billing.Account(100)})
	k.ok(err)
	var kinds []billing.PostingKind
	for _, p := range list {
		kinds = append(kinds, p.Kind)
		if one := k.payment(p.ID); one != p {
			t.Errorf("one is %+v, listed as %+v", one, p)
		}
	}
	if want := []billing.PostingKind{billing.PostCharge, billing.PostAddFunds, billing.PostCharge, billing.PostDebit}; !slices.Equal(kinds, want) {
		t.Fatalf("%v", kinds)
	}
	if list[0].ID != made.ID || list[0].Result() != billing.PaymentPending {
		t.Errorf("the open one: %+v", list[0])
	}
	if auto := list[2]; auto.Purpose != billing.PurposeLowBalance || auto.Ref == "" || auto.Result() != billing.PaymentOK || auto.Micros != 10*usd {
		t.Errorf("the automatic one: %+v", auto)
	}
	if list[3].Micros != -16*usd || list[3].ByCard() {
		t.Errorf("the debit: %+v", list[3])
	}
}

func TestPaymentsScope(t *testing.T) {
	k := newKit(t, noWait)
	k.tree()
	made := k.pay(t0, ten())
	if own, err := k.engine.Payments(as(10), billing.PaymentFilter{}); err != nil || len(own) != 0 {
		t.Errorf("the customer's own: %v %v", own, err)
	}
	for _, tt := range []struct {
		name  string
		err   error
		field string
	}{
		{"a foreign account's list", second(k.engine.Payments(as(20), billing.PaymentFilter{Owner: billing.Account(100)})), "i_account"},
		{"a foreign account's payment", second(k.engine.PaymentInfo(as(20), billing.Account(100), made.ID)), "i_account"},
		{"an account's payment as the customer's", second(k.engine.PaymentInfo(as(10), billing.Customer(10), made.ID)), "i_payment"},
		{"none", second(k.engine.PaymentInfo(as(10), billing.Account(100), made.ID+2)), "i_payment"},
	} {
		if !errors.Is(tt.err, billing.NotFound) || billing.ErrorField(tt.err) != tt.field {
			t.Errorf("%s: %v", tt.name, tt.err)
		}
	}
	for _, f := range []billing.PaymentFilter{{Offset: -1}, {Limit: -1}} {
		if _, err := k.engine.Payments(as(10), f); !errors.Is(err, billing.Invalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
