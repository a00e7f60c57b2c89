package billing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"topupd/billing"
)

// simPayment is a payment that a person asked for, under an amount that no other
// payment has.
type simPayment struct {
	owner  *simOwner
	params billing.MakePaymentParams
	// token is the card that came with the call; empty: a stored one.
	token billing.Secret
	actor billing.Actor
	// answers are what was acknowledged, in the order of the asking.
	answers []billing.MadePayment
}

func (m *simPayment) String() string {
	how := "by hand"
	if m.token != "" {
		how = "with " + m.token.Reveal()
	}
	return fmt.Sprintf("payment %s of %s, %s, key %q", billing.FormatMicros(m.params.Amount), m.owner.id, how, m.params.IdempotencyKey)
}

// newPayment is somebody who wants to pay.
func (s *simulation) newPayment(o *simOwner) *simPayment {
	s.named++
	minor := o.scale / 100
	m := &simPayment{owner: o, actor: billing.Actor{Login: "root", Customer: billing.Root, API: "test"}}
	m.params = billing.MakePaymentParams{
		Owner: o.id, Amount: o.scale + minor*int64(s.named), Currency: o.unit, Payer: "192.0.2.7",
	}
	if s.oneIn(2) {
		m.actor = billing.Actor{Login: "acme", Customer: billing.Customer(10), API: "test"}
	}
	if s.oneIn(2) {
		m.params.IdempotencyKey = fmt.Sprintf("payment-%d", s.named)
	}
	switch {
	case s.oneIn(4) && s.hopeless == "": // the networks know its declines only once the bank told who it is
		m.token = s.token(s.rng)
	case s.oneIn(2) && len(o.cards) > 0:
		card := o.cards[s.rng.IntN(len(o.cards))]
		m.params.Card = &card
	}
	s.payments = append(s.payments, m)
	return m
}

func (s *simulation) drawPayment(o *simOwner) simOp { return s.pay(s.newPayment(o)) }

// pay asks for a payment once; who has a key asks until there is an answer. Now and
// then the caller goes away.
func (s *simulation) pay(m *simPayment) simOp {
	leaves := time.Duration(0)
	if s.oneIn(4) {
		leaves = []time.Duration{time.Millisecond, 100 * time.Millisecond, 2 * time.Second}[s.rng.IntN(3)]
	}
	var got billing.MadePayment
	return simOp{
		name: m.String(), owner: m.owner, again: m.params.IdempotencyKey != "",
		// No such card any more, or none that is usable; the network's limit.
		refused: []billing.Code{billing.NotFound, billing.Conflict},
		run: func(p *process) (err error) {
			ctx, cancel := context.WithCancel(billing.WithActor(p.ctx, m.actor))
			defer cancel()
			if leaves > 0 {
				defer time.AfterFunc(leaves, cancel).Stop()
			}
			if m.token == "" {
				got, err = p.engine.MakePayment(ctx, m.params)
			} else {
				by := billing.MakePaymentByCardParams{MakePaymentParams: m.params, Terms: terms(number(m.token.Reveal()))}
				got, err = p.engine.MakePaymentByCard(ctx, by)
			}
			code, field := billing.ErrorCode(err), billing.ErrorField(err)
			if code == billing.Conflict && field != "i_debit_credit_card" || code == billing.NotFound && field != "i_debit_credit_card" && field != m.owner.id.Field() {
				s.find("%s was refused: %v", m, err)
			}
			return err
		},
		acked: func() {
			s.counts[fmt.Sprintf("payment %s, repeated %t", paymentWords[got.Result], got.Repeated)]++
			if m.token != "" {
				s.counts["payment with a card of its own"]++
			}
			m.answers = append(m.answers, got)
		},
	}
}

var paymentWords = map[billing.PaymentResult]string{billing.PaymentPending: "pending", billing.PaymentOK: "ok", billing.PaymentFailed: "failed"}

// impatient pays, and asks again: at once, within the duplicate window, when the
// payment may have its end, and long after.
func (s *simulation) impatient() {
	o := s.someone()
	if len(o.cards) == 0 {
		s.do(s.drawAddCard(o))
	}
	m := s.newPayment(o)
	waits := []time.Duration{0, 20 * time.Second, 119 * time.Second, 2 * time.Minute, 3 * time.Minute, 26 * time.Hour}
	for range 2 + s.rng.IntN(3) {
		s.do(s.pay(m))
		if s.oneIn(2) {
			s.do(s.drawWork())
		}
		time.Sleep(waits[s.rng.IntN(len(waits))])
	}
}

// judgePayments: a payment that was acknowledged is there, once for its key or
// within the duplicate window, with the result that was told; and nobody pays who
// did not want to.
func (s *simulation) judgePayments(b *books) {
	made := map[int64][]billing.Charge{}
	for _, c := range b.charges {
		if c.Purpose == billing.PurposeManual && !strings.HasPrefix(c.Cause, "topup:") {
			made[c.Credit] = append(made[c.Credit], c)
		}
	}
	for _, m := range s.payments {
		list := made[m.params.Amount]
		delete(made, m.params.Amount)
		slices.SortFunc(list, func(a, b billing.Charge) int { return int(a.ID - b.ID) })
		for _, c := range list {
			if c.Owner != m.owner.id || c.Gross != c.Credit+c.Tax+c.Fee || m.params.Card != nil && c.Card != *m.params.Card {
				s.find("%s became charge %d of %s, card %d, over %d", m, c.ID, c.Owner, c.Card, c.Gross)
			}
		}
		if m.params.IdempotencyKey != "" && len(list) > 1 {
			s.find("%s was made %d times", m, len(list))
		}
		s.judgeWindow(m, list)
		s.judgeAnswers(b, m, list)
	}
	for credit, list := range made {
		s.find("nobody asked for charge %d over %d", list[0].ID, credit)
	}
}

// judgeWindow: what is not cancelled holds the same payment off for two minutes.
func (s *simulation) judgeWindow(m *simPayment, list []billing.Charge) {
	for i, c := range list {
		for _, next := range list[i+1:] {
			sameCard := c.Card == next.Card || m.token != ""
			if gap := next.CreatedAt.Sub(c.CreatedAt); sameCard && c.State != billing.ChargeCancelled && gap < s.settings.DuplicateWindow {
				s.find("%s was made again after %s: charges %d and %d", m, gap, c.ID, next.ID)
			}
		}
	}
}

func (s *simulation) judgeAnswers(b *books, m *simPayment, list []billing.Charge) {
	first := map[billing.PaymentID]int{}
	for _, a := range m.answers {
		c, known := b.charges[a.ID.Charge()]
		if !known || !slices.ContainsFunc(list, func(l billing.Charge) bool { return l.ID == c.ID }) {
			s.find("%s was acknowledged as %d and is lost", m, a.ID)
			continue
		}
		if !a.Repeated {
			first[a.ID]++
		}
		switch end := c.State.Result(); {
		case a.Result == billing.PaymentOK && end != billing.PaymentOK:
			s.find("%s was told as paid, and charge %d is %s", m, c.ID, c.State)
		case a.Result == billing.PaymentFailed && end != billing.PaymentFailed && !s.confirmedByHand(c.ID):
			s.find("%s was told as failed, and charge %d is %s", m, c.ID, c.State)
		}
	}
	for id, n := range first {
		if n > 1 {
			s.find("%s: %d was told as new %d times", m, id, n)
		}
	}
}

// confirmedByHand: the customer did at the bank what had failed.
func (s *simulation) confirmedByHand(id billing.ChargeID) bool {
	return slices.ContainsFunc(s.bank.list, func(p *payment) bool { return p.byHand && p.first.ChargeID == id })
}
