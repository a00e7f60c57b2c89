package billing_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"topupd/billing"
)

// simDebt is what was told last about a customer's debt, between two moments.
type simDebt struct {
	told        int64
	begun, done time.Time
	// begins and busy count the calls that tell, all and those under way; muddled: the
	// last two crossed.
	begins, busy int
	muddled      bool
}

// simOrder is a payment that was made at the gateway, for a subscription.
type simOrder struct {
	owner  *simOwner
	params billing.EnableAutoTopupParams
	paid   int64
	acked  bool
}

// simPool is a top-up of the pool that was asked for under a key of its own.
type simPool struct {
	key    string
	id     billing.PoolTopUpID
	charge int64
	sms    int64
}

// simOffer is the pool plan of the first customer, which is never deleted.
const simOffer billing.OfferID = 500

// minDays are the cool-downs of the simulator's profiles.
var minDays = map[billing.ProfileID]int64{1: 0, 2: 3}

// importTopups gives the two customers debts and a profile each, the accounts
// subscriptions, and the first customer a pool.
func (s *simulation) importTopups(im *billing.Importer) error {
	scale := s.owners[0].scale
	profile := func(id billing.ProfileID, p billing.ProfileParams) error {
		p.Name, p.AutoCollect, p.MinDays = billing.To(fmt.Sprint("P", id)), billing.To(true), billing.To(minDays[id])
		p.LetterExpected, p.LetterCard = billing.To("Auto Top-up Expected"), billing.To("Auto Top-up Card")
		return im.Profile(billing.ProfileLine{ID: id, ProfileParams: p})
	}
	err := errors.Join(
		profile(1, billing.ProfileParams{TriggerValue: billing.To(10 * scale), TopupValue: billing.To(12 * scale)}),
		profile(2, billing.ProfileParams{
			Trigger: billing.To("Percent of Limit"), TriggerValue: billing.To(int64(80 * usd)), Mode: billing.To("To Percent Of Limit"), TopupValue: billing.To(int64(20 * usd)),
		}))
	s.debts = map[billing.OwnerID]*simDebt{}
	for i, o := range s.owners {
		switch {
		case err != nil:
			return err
		case o.id.IsAccount():
			err = im.Subscription(billing.SubscriptionLine{ID: billing.SubscriptionID(o.id.Number()), Owner: o.id, PhoneNumber: billing.To("1555")})
		default:
			id := int64(1)
			if i > 0 {
				id = 2
			}
			s.debts[o.id] = &simDebt{told: 95 * scale, begun: time.Now(), done: time.Now()}
			err = im.Owner(billing.OwnerLine{Owner: o.id, Topup: billing.TopupTermsParams{
				Profile: billing.To(id), Outstanding: billing.To(95 * scale), Limits: billing.To([]billing.NamedLimit{{Name: "Credit Limit", Micros: 100 * scale}}),
			}})
		}
	}
	if err != nil {
		return err
	}
	return im.PoolPlan(billing.PoolPlanLine{
		Offer: simOffer, Customer: billing.To(s.owners[0].id.Number()), Name: billing.To("Pool"), Currency: billing.To(string(s.owners[0].unit)),
		Subscribers: billing.To([]string{"310150123456789"}), Balances: billing.To([]billing.Allowance{{Word: "SMS"}}),
	})
}

// drawTopup is one of them; those that change a policy come one at a time.
func (s *simulation) drawTopup(lonely bool) simOp {
	switch n := s.rng.IntN(10); {
	case n < 3:
		return s.drawPool()
	case n < 5:
		return s.drawProfilesNight()
	case n < 8:
		return s.drawDebt()
	case lonely && n == 8:
		return s.drawWithdraw()
	case lonely:
		return s.drawOrder()
	}
	return simOp{name: "profiles", run: func(p *process) error {
		_, _, err := p.engine.RunProfiles(p.ctx, billing.RunParams{Trigger: "command"})
		return err
	}}
}

// drawProfilesNight is the profile run of today, again if it ran already.
func (s *simulation) drawProfilesNight() simOp {
	key := time.Now().Format(time.DateOnly)
	return simOp{name: "profiles of " + key, refused: []billing.Code{billing.Busy}, run: func(p *process) error {
		return p.engine.Fire(p.ctx, billing.JobProfiles, key)
	}}
}

// drawDebt tells what a customer owes; now and then how it pays.
func (s *simulation) drawDebt() simOp {
	var list []*simOwner
	for _, o := range s.alive() {
		if s.debts[o.id] != nil {
			list = append(list, o)
		}
	}
	o := list[s.rng.IntN(len(list))]
	told := s.rng.Int64N(160) * o.scale
	p := billing.TopupTermsParams{Owner: o.id, Outstanding: billing.To(told)}
	switch s.rng.IntN(4) {
	case 0:
		p.PaymentType = billing.To([]string{"card", "card", "other", "direct_debit"}[s.rng.IntN(4)])
	case 1:
		p.Profile = billing.To(1 + s.rng.Int64N(2))
	}
	d := s.debts[o.id]
	begun, alone := time.Time{}, 0
	return simOp{
		name: fmt.Sprintf("%s owes %s", o.id, billing.FormatMicros(told)), owner: o, again: true,
		run: func(proc *process) error {
			s.mu.Lock()
			if begun.IsZero() {
				begun = time.Now()
				d.begins++
				if d.busy++; d.busy == 1 {
					alone = d.begins
				}
				d.muddled = true
			}
			s.mu.Unlock()
			_, err := proc.engine.UpdateTopupTerms(proc.ctx, p)
			return err
		},
		acked: func() {
			d.busy--
			d.told, d.begun, d.done = told, begun, time.Now()
			d.muddled = alone != d.begins
		},
	}
}

// drawWithdraw takes an expected payment back.
func (s *simulation) drawWithdraw() simOp {
	var open []billing.ExpectedPayment
	err := s.store.View(context.Background(), func(r billing.Reader) (err error) {
		open, err = r.ExpectedPayments(billing.ExpectedFilter{Open: true})
		return err
	})
	if err != nil || len(open) == 0 {
		return simOp{name: "nothing to withdraw", run: func(*process) error { return err }}
	}
	ep := open[s.rng.IntN(len(open))]
	return simOp{
		name: fmt.Sprint("withdraw expected payment ", ep.ID), refused: []billing.Code{billing.NotFound, billing.Conflict},
		run: func(p *process) error { return p.engine.DeleteExpected(p.ctx, ep.ID) },
	}
}

// drawOrder is a customer who paid at the gateway and lets the card be charged from then
// on; now and then an order that was made is asked for again.
func (s *simulation) drawOrder() simOp {
	if len(s.orders) > 0 && s.oneIn(3) {
		return s.order(s.orders[s.rng.IntN(len(s.orders))])
	}
	o := s.anAccount()
	if len(o.cards) == 0 {
		return s.drawAddCard(o)
	}
	s.named++
	d := &simOrder{owner: o, paid: (1 + s.rng.Int64N(9)) * o.scale}
	d.params = billing.EnableAutoTopupParams{
		Subscription: billing.SubscriptionID(o.id.Number()), Payment: billing.GatewayPaymentID(s.named),
		Amount: s.rng.Int64N(9) * o.scale, Threshold: s.rng.Int64N(9) * o.scale,
	}
	card := o.cards[s.rng.IntN(len(o.cards))]
	s.do(simOp{name: fmt.Sprintf("payment %d with card %d", s.named, card), owner: o, again: true, refused: []billing.Code{billing.NotFound}, run: func(p *process) error {
		return p.engine.Import(p.ctx, false, func(im *billing.Importer) error {
			if err := im.Subscription(billing.SubscriptionLine{ID: d.params.Subscription, Owner: o.id, PhoneNumber: billing.To("1555")}); err != nil {
				return err
			}
			return im.GatewayPayment(billing.GatewayPaymentLine{
				ID: d.params.Payment, Owner: o.id, Amount: billing.To(d.paid), Currency: billing.To(string(o.unit)), Card: billing.To(card), Status: billing.To("paid"),
			})
		})
	}})
	s.orders = append(s.orders, d)
	return s.order(d)
}

func (s *simulation) order(d *simOrder) simOp {
	var got billing.Order
	return simOp{
		name: fmt.Sprintf("payment %d tops up %s", d.params.Payment, d.owner.id), owner: d.owner, again: true,
		refused: []billing.Code{billing.NotFound, billing.Conflict}, // its card is gone, or the payment was refused
		run: func(p *process) (err error) {
			got, err = p.engine.EnableAutoTopup(p.ctx, d.params)
			if err == nil && got.Payment != d.params.Payment {
				s.find("the order of payment %d is about payment %d", d.params.Payment, got.Payment)
			}
			return err
		},
		acked: func() {
			d.acked = true
			s.counts["subscription order"]++
			amount := d.params.Amount
			if amount == 0 {
				amount = d.paid
			}
			d.owner.remember(billing.SetLowBalanceParams{
				Threshold: billing.To(d.params.Threshold), ChargeCard: billing.To(true), ChargeAmount: billing.To(amount), Card: billing.To(s.paidBy(d)),
			})
		},
	}
}

// paidBy is the card of a payment, as it was told.
func (s *simulation) paidBy(d *simOrder) (card billing.CardID) {
	err := s.store.View(context.Background(), func(r billing.Reader) error {
		p, err := r.GatewayPayment(d.params.Payment)
		if err == nil {
			card = *p.Card
		}
		return err
	})
	if err != nil {
		s.found = append(s.found, fmt.Sprintf("payment %d: %v", d.params.Payment, err))
	}
	return card
}

// drawPool is a client with an Idempotency-Key that asks again until it is answered.
func (s *simulation) drawPool() simOp {
	s.named++
	o := s.owners[0]
	t := &simPool{key: fmt.Sprintf("pool-%d", s.named), charge: s.rng.Int64N(5) * o.scale, sms: 1 + s.rng.Int64N(50)}
	s.pools = append(s.pools, t)
	return simOp{
		name: t.key, again: true, acked: func() { s.counts["pool top-up"]++ },
		run: func(p *process) error {
			a, err := p.engine.Once(p.ctx, billing.OnceParams{Key: t.key, Input: sha256.Sum256([]byte(t.key))}, func(ctx context.Context) (billing.Answer, error) {
				id, err := p.engine.TopUpPoolPlan(ctx, billing.TopUpPoolPlanParams{
					Customer: o.id, Offer: simOffer, Charge: t.charge, Currency: string(o.unit), Allowances: []billing.Allowance{messages(t.sms)},
				})
				return billing.Answer{Status: 200, Body: []byte(id)}, err
			})
			if err != nil {
				return err
			}
			id := billing.PoolTopUpID(a.Body)
			s.mu.Lock()
			before := t.id
			t.id = id
			s.mu.Unlock()
			if before != "" && before != id {
				s.find("%s was answered %s and then %s", t.key, before, id)
			}
			return nil
		},
	}
}

// judgeTopups holds what profiles, subscriptions and pools led to against what was asked
// for and what the bank did.
func (s *simulation) judgeTopups(b *books) {
	var all []billing.ExpectedPayment
	letters := map[billing.ExpectedID]int{}
	err := s.store.View(context.Background(), func(r billing.Reader) (err error) {
		if all, err = r.AllExpected(0, 1<<20); err != nil {
			return err
		}
		list, err := r.Letters(0, 0, 1<<20)
		for _, l := range list {
			letters[l.Expected]++
		}
		if err == nil {
			err = s.judgePools(r, b)
		}
		return err
	})
	if err != nil {
		s.find("what profiles led to cannot be read: %v", err)
	}
	s.judgeExpected(b, all, letters)
	s.judgeDebts(b)
	s.judgeOrders(b)
	for id := range minDays {
		p := s.procs[0]
		list, err := p.engine.Evaluate(p.ctx, id, 0, 0)
		if err != nil {
			s.find("evaluate: %v", err)
		}
		for _, d := range list {
			if d.Topup.Amount > 0 {
				s.find("%s could be topped up, and no run did it: %+v", d.Owner, d.Topup)
			}
		}
	}
}

// judgeExpected: one a day and customer, not within a cool-down and not while another was
// open, each decided above its threshold, with one letter, and fulfilled if and only if its
// charge was captured.
func (s *simulation) judgeExpected(b *books, all []billing.ExpectedPayment, letters map[billing.ExpectedID]int) {
	last := map[billing.OwnerID]billing.ExpectedPayment{}
	for _, ep := range all {
		before, again := last[ep.Owner]
		last[ep.Owner] = ep
		if again {
			from, _ := time.Parse(time.DateOnly, before.Date)
			to, _ := time.Parse(time.DateOnly, ep.Date)
			if days := int64(to.Sub(from) / (24 * time.Hour)); days < max(1, minDays[ep.Profile]) {
				s.find("expected payment %d came %d days after %d", ep.ID, days, before.ID)
			}
			ended := before.FulfilledAt
			if ended.IsZero() || !before.DeletedAt.IsZero() && before.DeletedAt.Before(ended) {
				ended = before.DeletedAt
			}
			if !s.settings.StackExpected && (ended.IsZero() || ended.After(ep.CreatedAt)) {
				s.find("expected payment %d came while %d was open", ep.ID, before.ID)
			}
		}
		if letters[ep.ID] != 1 {
			s.find("expected payment %d has %d letters", ep.ID, letters[ep.ID])
		}
		needed := slices.ContainsFunc(b.decisions, func(d billing.Decision) bool {
			return d.Owner == ep.Owner && d.Purpose == billing.PurposeProfile && d.At.Equal(ep.CreatedAt) && d.Available != nil && d.Threshold != nil && *d.Available < *d.Threshold
		})
		if !needed {
			s.find("expected payment %d was made without a need", ep.ID)
		}
		c := b.charges[ep.Charge]
		switch {
		case ep.Charge == 0 && ep.Payment != 0:
			s.find("expected payment %d was paid by nobody", ep.ID)
		case ep.Charge != 0 && (c.State == billing.ChargeSucceeded) != (ep.Payment == billing.ChargePayment(ep.Charge)):
			s.find("expected payment %d has payment %d and charge %d is %s", ep.ID, ep.Payment, c.ID, c.State)
		}
		switch {
		case ep.Payment != 0:
			s.count("expected and paid")
		case !ep.DeletedAt.IsZero():
			s.count("expected and withdrawn")
		default:
			s.count("expected and open")
		}
		s.count("expected by " + string(ep.Method))
	}
}

// judgeDebts: a debt is what was told last, less what profiles' charges brought since.
func (s *simulation) judgeDebts(b *books) {
	p := s.procs[0]
	for _, o := range s.alive() {
		d := s.debts[o.id]
		if d == nil || d.muddled || d.busy > 0 {
			continue
		}
		want, sure := d.told, true
		for _, c := range b.charges {
			switch {
			case c.Owner != o.id || c.Purpose != billing.PurposeProfile || c.State != billing.ChargeSucceeded || c.SettledAt.Before(d.begun):
			case c.SettledAt.After(d.done):
				want -= c.Credit
			default:
				sure = false // while somebody told
			}
		}
		got, err := p.engine.TopupCustomer(p.ctx, o.id)
		if err != nil || sure && got.Terms.Outstanding != want {
			s.find("%s owes %s, want %s (%v)", o.id, billing.FormatMicros(got.Terms.Outstanding), billing.FormatMicros(want), err)
		}
		if sure {
			s.count("debt judged")
		}
	}
}

// judgeOrders: a payment is credited once if its order was acknowledged, else at most once.
func (s *simulation) judgeOrders(b *books) {
	credited := map[string][]int64{}
	for _, p := range b.postings {
		if p.Kind == billing.PostPrepaid {
			credited[p.Cause] = append(credited[p.Cause], p.Entries[0].Micros)
		}
	}
	for _, d := range s.orders {
		cause := fmt.Sprintf("gateway_payment:%d", d.params.Payment)
		list := credited[cause]
		delete(credited, cause)
		if len(list) > 1 || d.acked && len(list) != 1 || len(list) == 1 && list[0] != d.paid {
			s.find("payment %d over %d was credited as %v, acknowledged %t", d.params.Payment, d.paid, list, d.acked)
		}
	}
	for cause := range credited {
		s.find("%s was credited, and nobody asked for it", cause)
	}
}

// judgePools: each acknowledged top-up took its cost and granted its messages once, and
// none is open.
func (s *simulation) judgePools(r billing.Reader, b *books) error {
	booked := map[string]billing.Posting{}
	for _, p := range b.postings {
		if p.Kind == billing.PostPoolTopUp {
			booked[p.Cause] = p
		}
	}
	sms := int64(0)
	for _, t := range s.pools {
		p, there := booked["pool_topup:"+string(t.id)]
		delete(booked, "pool_topup:"+string(t.id))
		if !there {
			s.find("%s was acknowledged as %q and not applied", t.key, t.id)
			continue
		}
		took, gave := int64(0), int64(0)
		for _, e := range p.Entries {
			switch {
			case e.Owner != 0 && e.Unit == s.owners[0].unit:
				took -= e.Micros
			case e.Owner != 0:
				gave += e.Micros
			}
		}
		if took != t.charge || gave != t.sms*billing.Micro {
			s.find("%s took %d and gave %d, want %d and %d", t.key, took, gave, t.charge, t.sms*billing.Micro)
		}
		sms += gave
	}
	for cause := range booked {
		s.find("%s was applied, and nobody asked for it", cause)
	}
	balances, err := r.PoolBalances(simOffer)
	if err != nil {
		return err
	}
	if len(balances) != 1 || balances[0].Left != sms {
		s.find("the pool has %+v, want %d", balances, sms)
	}
	open, err := r.DuePoolTopUps(time.Now().AddDate(1, 0, 0), 9)
	if len(open) > 0 {
		s.find("pool top-ups stay open: %v", open)
	}
	return err
}

// topupMutations are mistakes about top-ups that the oracle has to find.
var topupMutations = []mutation{
	{"cool-downs see no history", "days after", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return forgetfulDays{tx} })}
	}},
	{"open expected payments hold nothing back", "was open", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return impatientTx{tx} })}
	}},
	{"a letter is lost", "has 0 letters", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return wordlessTx{tx} })}
	}},
	{"what is expected stays open after it was paid", "has payment 0 and charge", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return ungratefulTx{tx} })}
	}},
	{"a debt does not fall with its payment", " owes ", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return greedyTx{tx} })}
	}},
	{"an order is acknowledged and not kept", "O1", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return disorderlyTx{tx} })}
	}},
	{"a pool top-up is acknowledged and lost", "not applied", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return leakyPool{tx} })}
	}},
}

type forgetfulDays struct{ billing.Tx }

func (forgetfulDays) LastExpected(billing.OwnerID) (string, error) { return "", nil }
func (forgetfulDays) OpenExpected(billing.OwnerID) (bool, error)   { return false, nil }

type impatientTx struct{ billing.Tx }

func (impatientTx) OpenExpected(billing.OwnerID) (bool, error) { return false, nil }

type wordlessTx struct{ billing.Tx }

func (wordlessTx) CreateLetter(*billing.Letter) error { return nil }

type ungratefulTx struct{ billing.Tx }

func (t ungratefulTx) SetExpectedPayment(ep *billing.ExpectedPayment) error {
	was := *ep
	was.Payment, was.FulfilledAt = 0, time.Time{}
	return t.Tx.SetExpectedPayment(&was)
}

type greedyTx struct{ billing.Tx }

// PutTopupTerms forgets what is smaller than before.
func (t greedyTx) PutTopupTerms(terms *billing.TopupTerms) error {
	before, err := t.TopupTerms(terms.Owner)
	if err == nil && before.Profile == terms.Profile {
		kept := *terms
		kept.Outstanding = max(before.Outstanding, terms.Outstanding)
		return t.Tx.PutTopupTerms(&kept)
	}
	return t.Tx.PutTopupTerms(terms)
}

type disorderlyTx struct{ billing.Tx }

func (disorderlyTx) CreateOrder(*billing.Order) error { return nil }

type leakyPool struct{ billing.Tx }

func (leakyPool) CreatePoolTopUp(*billing.PoolTopUp) error { return nil }
