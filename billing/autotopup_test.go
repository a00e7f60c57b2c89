package billing_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"topupd/billing"
)

// subscribe gives account 100 the subscriptions 1 and 2 and the payments 1 (30), 2 (7.50),
// 3 (not paid), 4 (no card), 5 (EUR) and 6 (a deleted card).
func (k *kit) subscribe() {
	k.t.Helper()
	k.importCard(func(l *billing.CardLine) {
		l.ID, l.Token, l.Last4 = 1001, billing.To(billing.Secret("tok_ok")), billing.To("1881")
	})
	k.importCard(func(l *billing.CardLine) { l.ID, l.Deleted = 1002, billing.To(true) })
	alice, card, second, gone := billing.Account(100), billing.CardID(1000), billing.CardID(1001), billing.CardID(1002)
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		for id := range billing.SubscriptionID(3) {
			l := billing.SubscriptionLine{ID: id + 1, Owner: alice, PhoneNumber: billing.To("15551230100"), Category: billing.To(int64(4))}
			if id == 2 {
				l.State = billing.To("terminated")
			}
			if err := im.Subscription(l); err != nil {
				return err
			}
		}
		for _, l := range []billing.GatewayPaymentLine{
			{ID: 1, Amount: billing.To(int64(30 * usd)), Card: billing.To(card)},
			{ID: 2, Amount: billing.To(int64(7_500_000)), Card: billing.To(second)},
			{ID: 3, Status: billing.To("pending"), Card: billing.To(card)},
			{ID: 4},
			{ID: 5, Currency: billing.To("EUR"), Card: billing.To(card)},
			{ID: 6, Card: billing.To(gone)},
			{ID: 7, Owner: billing.Customer(10)},
		} {
			if l.Owner == 0 {
				l.Owner = alice
			}
			if !l.Amount.Given {
				l.Amount = billing.To(int64(5 * usd))
			}
			if !l.Currency.Given {
				l.Currency = billing.To("USD")
			}
			if !l.Status.Given {
				l.Status = billing.To("paid")
			}
			if err := im.GatewayPayment(l); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (k *kit) enable(at time.Time, p billing.EnableAutoTopupParams) billing.Order {
	k.t.Helper()
	if p.Subscription == 0 {
		p.Subscription = 1
	}
	o, err := k.engine.EnableAutoTopup(root(at), p)
	k.ok(err)
	return o
}

// One call credits what was paid, makes the order, sets the policy and records the
// consent; the payment is in the owner's list, and the ledger holds.
func TestEnableAutoTopup(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.subscribe()
	k.audits()
	o := k.enable(t0, billing.EnableAutoTopupParams{Payment: 1, Amount: 12 * usd, Threshold: 3 * usd})
	if o.ID != 1 || o.Subscription != 1 || o.Payment != 1 || o.Type != billing.OrderTopup || o.Status != billing.OrderCompleted ||
		!o.CreatedAt.Equal(t0) || !o.EffectiveAt.Equal(t0) || o.PhoneNumber != "15551230100" || *o.Category != 4 || o.SalesCode != nil {
		t.Errorf("%+v", o)
	}
	k.wantBalance(50 * usd)
	p := k.policy()
	if *p.Threshold != 3*usd || !p.ChargeCard || p.ChargeAmount != 12*usd || p.Card == nil || *p.Card != 1000 || !p.NotifyByEmail {
		t.Errorf("%+v", p)
	}
	k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) error {
		m, err := r.ActiveMandate(billing.Account(100), billing.PurposeLowBalance)
		if m.Text != "subscription-autotopup-1" || m.Card != 1000 || m.Amount != 12*usd {
			t.Errorf("the mandate is %+v", m)
		}
		if err != nil {
			return err
		}
		post, err := r.PostingByCause("gateway_payment:1")
		if post.ID != o.Posting || post.Kind != billing.PostPrepaid || post.Entries[1].Account != "cash:sandbox" || post.Entries[1].Micros != -30*usd {
			t.Errorf("the posting is %+v", post)
		}
		return err
	}))
	list, err := k.engine.Payments(root(t0), billing.PaymentFilter{Owner: billing.Account(100)})
	k.ok(err)
	if len(list) != 1 || list[0].Micros != 30*usd || !list[0].ByCard() || list[0].Result() != billing.PaymentOK {
		t.Errorf("the payments are %+v", list)
	}
	k.wantAudits("enabled",
		`U low_balance:i_account=100 {"threshold":"5.0 to 3.0","charge_amount":"10.0 to 12.0","i_debit_credit_card":"nil to 1000"}`,
		`FUNDS add:i_account=100 {"balance":"20.0 to 50.0","currency":"USD"}`, `A orders:id=1 {"subscription":"1","payment":"1"}`)

	// The same payment again: the first order, another policy, no credit.
	again := k.enable(t0.Add(time.Hour), billing.EnableAutoTopupParams{Payment: 1, Threshold: 0})
	if again.ID != o.ID || !again.CreatedAt.Equal(o.CreatedAt) || again.Posting != o.Posting {
		t.Errorf("again: %+v", again)
	}
	if p := k.policy(); *p.Threshold != 0 || p.ChargeAmount != 30*usd {
		t.Errorf("again: %+v", p)
	}
	k.wantBalance(50 * usd)
	// Another payment is another order, and its card.
	if o := k.enable(t0, billing.EnableAutoTopupParams{Payment: 2}); o.ID != 2 {
		t.Errorf("%+v", o)
	}
	if p := k.policy(); *p.Card != 1001 || p.ChargeAmount != 7_500_000 {
		t.Errorf("%+v", p)
	}
	k.wantBalance(57_500_000)
	k.wantStates()
	k.verify()
	s, err := k.engine.AutoTopup(root(t0), 1)
	k.ok(err)
	if !s.Enabled || s.Amount != 7_500_000 || *s.Threshold != 0 || s.Payment != 2 {
		t.Errorf("%+v", s)
	}
}

// What the credit lifts is not charged, what it does not lift is left to the sweep, and a
// call without a credit judges as a save does.
func TestAutoTopupIsJudgedAfterTheCredit(t *testing.T) {
	for name, tt := range map[string]struct {
		debit, threshold int64
		states           []billing.ChargeState // after a sweep
		balance          int64
	}{
		"lifted":         {48 * usd, 2 * usd, nil, 2 * usd},
		"to the line":    {40 * usd, 10 * usd, nil, 10 * usd},
		"still below":    {60 * usd, 3 * usd, []billing.ChargeState{billing.ChargeSucceeded}, -10*usd + 12*usd},
		"below a nought": {51 * usd, 0, []billing.ChargeState{billing.ChargeSucceeded}, -1*usd + 12*usd},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			k.seed("tok_ok")
			k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false), NotifyByEmail: billing.To(false)})
			k.subscribe()
			k.debit(t0, tt.debit)
			p := billing.EnableAutoTopupParams{Payment: 1, Amount: 12 * usd, Threshold: tt.threshold}
			k.enable(t0, p)
			k.wantStates()
			k.drain(t0)
			k.wantStates()
			k.sweep(t0.Add(time.Minute))
			k.wantStates(tt.states...)
			k.wantBalance(tt.balance)
			k.verify()
		})
	}
	k := newKit(t)
	k.seed("tok_ok")
	k.subscribe()
	p := billing.EnableAutoTopupParams{Payment: 1, Amount: 12 * usd, Threshold: 3 * usd}
	k.enable(t0, p)
	k.enable(t0, p)
	k.wantStates()
	p.Threshold = 60 * usd
	k.enable(t0, p)
	k.wantStates(billing.ChargeCreated)
	k.drain(t0)
	k.wantBalance(62 * usd)
}

// A policy that was charged before is not charged with its old terms in between, and its
// suspension ends: somebody paid.
func TestAutoTopupEndsSuspensions(t *testing.T) {
	k := newKit(t)
	k.seed("tok_lost")
	k.subscribe()
	k.debit(t0, 18*usd)
	k.drain(t0)
	if k.policy().State.Suspended == "" {
		t.Fatal("not suspended")
	}
	k.enable(t0, billing.EnableAutoTopupParams{Payment: 2, Threshold: 3 * usd})
	if s := k.policy().State; s.Suspended != "" {
		t.Errorf("%+v", s)
	}
	k.wantStates(billing.ChargeFailed)
	k.debit(t0.Add(time.Hour), 9*usd)
	k.drain(t0.Add(time.Hour))
	k.wantStates(billing.ChargeFailed, billing.ChargeSucceeded)
	k.wantBalance(8 * usd)
}

// What was sent is settled, what was not is not sent; the consent ends.
func TestDisableAutoTopup(t *testing.T) {
	for token, want := range map[string]struct {
		sent  bool
		state billing.ChargeState
	}{"tok_ok": {false, billing.ChargeCancelled}, "tok_timeout": {true, billing.ChargeSucceeded}} {
		k := newKit(t)
		k.seed(token)
		k.subscribe()
		k.debit(t0, 18*usd)
		k.wantStates(billing.ChargeCreated)
		if want.sent {
			k.drain(t0)
		}
		k.audits()
		for range 2 {
			k.ok(k.engine.DisableAutoTopup(root(t0), 1))
		}
		k.wantAudits("off once", `U low_balance:i_account=100 {"charge_card":"1 to 0"}`)
		if p := k.policy(); p.ChargeCard || p.ChargeAmount != 10*usd || *p.Threshold != 5*usd {
			t.Errorf("%+v", p)
		}
		k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) error {
			if _, err := r.ActiveMandate(billing.Account(100), billing.PurposeLowBalance); !errors.Is(err, billing.NotFound) {
				t.Errorf("the mandate: %v", err)
			}
			return nil
		}))
		k.later(t0.Add(time.Minute))
		k.wantStates(want.state)
		k.verify()
	}
}

func TestAutoTopupRefusals(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.subscribe()
	k.enable(t0, billing.EnableAutoTopupParams{Payment: 2, Threshold: 1})
	k.audits()
	before := k.policy()
	good := billing.EnableAutoTopupParams{Subscription: 1, Payment: 1, Amount: 10 * usd, Threshold: 3 * usd}
	for name, tt := range map[string]struct {
		change func(*billing.EnableAutoTopupParams)
		code   billing.Code
		field  string
	}{
		"no subscription":     {func(p *billing.EnableAutoTopupParams) { p.Subscription = 9 }, billing.NotFound, "subscription"},
		"a negative one":      {func(p *billing.EnableAutoTopupParams) { p.Subscription = -1 }, billing.NotFound, "subscription"},
		"a terminated one":    {func(p *billing.EnableAutoTopupParams) { p.Subscription = 3 }, billing.Conflict, "subscription"},
		"no payment":          {func(p *billing.EnableAutoTopupParams) { p.Payment = 0 }, billing.NotFound, "payment"},
		"not paid":            {func(p *billing.EnableAutoTopupParams) { p.Payment = 3 }, billing.Conflict, "payment"},
		"no card":             {func(p *billing.EnableAutoTopupParams) { p.Payment = 4 }, billing.Conflict, "payment"},
		"a deleted card":      {func(p *billing.EnableAutoTopupParams) { p.Payment = 6 }, billing.Conflict, "payment"},
		"another currency":    {func(p *billing.EnableAutoTopupParams) { p.Payment = 5 }, billing.WrongCurrency, "payment"},
		"the customer's":      {func(p *billing.EnableAutoTopupParams) { p.Payment = 7 }, billing.NotFound, "payment"},
		"used elsewhere":      {func(p *billing.EnableAutoTopupParams) { p.Subscription, p.Payment = 2, 2 }, billing.Conflict, "payment"},
		"a negative line":     {func(p *billing.EnableAutoTopupParams) { p.Threshold = -1 }, billing.Invalid, "threshold"},
		"a negative amount":   {func(p *billing.EnableAutoTopupParams) { p.Amount = -1 }, billing.Invalid, "charge_amount"},
		"a part of a cent":    {func(p *billing.EnableAutoTopupParams) { p.Amount = 1 }, billing.Invalid, "charge_amount"},
		"too much":            {func(p *billing.EnableAutoTopupParams) { p.Amount = billing.MaxCharge + usd }, billing.Invalid, "charge_amount"},
		"again, wrong amount": {func(p *billing.EnableAutoTopupParams) { p.Payment, p.Amount = 2, 1 }, billing.Invalid, "charge_amount"},
	} {
		p := good
		tt.change(&p)
		_, err := k.engine.EnableAutoTopup(root(t0), p)
		if billing.ErrorCode(err) != tt.code || billing.ErrorField(err) != tt.field || err == nil {
			t.Errorf("%s: %v (%s)", name, err, billing.ErrorField(err))
		}
	}
	for _, customer := range []billing.OwnerID{billing.Customer(99), 0} {
		stranger := billing.WithActor(context.Background(), billing.Actor{Login: "x", Customer: customer})
		_, err := k.engine.EnableAutoTopup(stranger, good)
		_, read := k.engine.AutoTopup(stranger, 1)
		for _, err := range []error{err, read, k.engine.DisableAutoTopup(stranger, 1)} {
			if billing.ErrorCode(err) != billing.NotFound || billing.ErrorField(err) != "subscription" {
				t.Errorf("a stranger: %v", err)
			}
		}
	}
	k.wantBalance(27_500_000)
	k.wantAudits("refused")
	if after := k.policy(); after.ChargeAmount != before.ChargeAmount || *after.Threshold != *before.Threshold || *after.Card != *before.Card {
		t.Errorf("%+v", after)
	}
}

// The money of a payment is there: the least payment is not asked. A card that was put
// aside may be named; the judgement says why it is not charged.
func TestAutoTopupTakesWhatWasPaid(t *testing.T) {
	k := newKit(t)
	k.seed("tok_lost")
	k.subscribe()
	k.importOwner(func(l *billing.OwnerLine) { l.MinPayment = billing.To(int64(100 * usd)) })
	k.debit(t0, 18*usd)
	k.drain(t0) // a hard decline puts card 1000 aside
	k.enable(t0, billing.EnableAutoTopupParams{Payment: 1, Threshold: 3 * usd})
	k.wantBalance(32 * usd)
	k.debit(t0.Add(time.Hour), 31*usd)
	k.drain(t0.Add(time.Hour))
	k.wantStates(billing.ChargeFailed)
	k.wantReason(billing.ReasonCardGone)
	k.verify()
}

// A repeat is answered also when the card was deleted since, as long as the policy names
// it; it names no deleted card anew.
func TestRepeatAfterTheCardIsGone(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.subscribe()
	p := billing.EnableAutoTopupParams{Subscription: 1, Payment: 2, Threshold: 3 * usd}
	first := k.enable(t0, p)
	k.ok(k.engine.DeleteCard(root(t0), billing.Account(100), 1001))
	if again := k.enable(t0, p); again.ID != first.ID {
		t.Errorf("%+v", again)
	}
	k.enable(t0, billing.EnableAutoTopupParams{Payment: 1, Threshold: 3 * usd})
	if _, err := k.engine.EnableAutoTopup(root(t0), p); billing.ErrorCode(err) != billing.Conflict || billing.ErrorField(err) != "payment" {
		t.Errorf("a deleted card: %v", err)
	}
	k.wantBalance(57_500_000)
	// An imported order may be of a payment whose card nobody knows.
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Order(billing.OrderLine{ID: 9, Subscription: 2, Payment: 4, Type: billing.OrderTopup, Status: billing.OrderCompleted, Created: t0, Effective: t0})
	}))
	k.set(t0, billing.SetLowBalanceParams{Card: billing.ToNull[billing.CardID]()})
	p = billing.EnableAutoTopupParams{Subscription: 2, Payment: 4}
	if _, err := k.engine.EnableAutoTopup(root(t0), p); billing.ErrorCode(err) != billing.Conflict {
		t.Errorf("no card: %v", err)
	}
}

// Ten at once with one payment: one credit, one order.
func TestPaymentIsUsedOnce(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.subscribe()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			o, err := k.engine.EnableAutoTopup(root(t0), billing.EnableAutoTopupParams{Subscription: 1, Payment: 1, Threshold: 1})
			if err != nil || o.ID != 1 {
				t.Errorf("%+v %v", o, err)
			}
		})
	}
	all.Wait()
	k.wantBalance(50 * usd)
	k.verify()
}

// Whatever the order of calls, repeats, uses and ends: a payment is credited once, by the
// first call that took it, and the ledger holds.
func TestPaymentsAreCreditedOnceInAnyOrder(t *testing.T) {
	for seed := range uint64(8) {
		k := newKit(t)
		k.seed("tok_ok")
		k.subscribe()
		rnd := rand.New(rand.NewPCG(seed, 7))
		usedBy := map[billing.GatewayPaymentID]billing.Order{}
		paid := map[billing.GatewayPaymentID]int64{1: 30 * usd, 2: 7_500_000}
		want, at := int64(20*usd), t0
		for range 40 {
			at = at.Add(time.Duration(rnd.IntN(20)) * time.Minute)
			switch rnd.IntN(6) {
			case 0:
				n := int64(1+rnd.IntN(40)) * usd
				k.debit(at, n)
				want -= n
			case 1:
				k.ok(k.engine.DisableAutoTopup(root(at), billing.SubscriptionID(1+rnd.IntN(2))))
			case 2:
				k.sweep(at)
			default:
				p := billing.EnableAutoTopupParams{
					Subscription: billing.SubscriptionID(1 + rnd.IntN(2)), Payment: billing.GatewayPaymentID(1 + rnd.IntN(2)),
					Amount: int64(rnd.IntN(3)) * 10 * usd, Threshold: int64(rnd.IntN(3)) * 10 * usd,
				}
				o, err := k.engine.EnableAutoTopup(root(at), p)
				first, used := usedBy[p.Payment]
				switch {
				case used && first.Subscription != p.Subscription:
					if billing.ErrorCode(err) != billing.Conflict {
						t.Fatalf("seed %d: another subscription: %v", seed, err)
					}
				case err != nil:
					t.Fatalf("seed %d: %v", seed, err)
				case used && o.ID != first.ID:
					t.Fatalf("seed %d: order %d, the first was %d", seed, o.ID, first.ID)
				case !used:
					usedBy[p.Payment] = o
					want += paid[p.Payment]
				}
			}
		}
		k.drain(at)
		for _, c := range k.charges() {
			if c.Charge.State == billing.ChargeSucceeded {
				want += c.Charge.Credit
			}
		}
		k.wantBalance(want)
		k.verify()
	}
}
