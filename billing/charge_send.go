package billing

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// sending is a claimed charge on its way to the gateway.
type sending struct {
	charge Charge
	n      int
	lookup bool // ask what became of it, instead of sending
	req    GatewayCharge
}

// chargeOne takes one due charge through one step of its life: cancelled by
// the last look, or sent (or asked about) and settled by the answer.
func (e *Engine) chargeOne(ctx context.Context, id ChargeID) error {
	s, err := e.claim(ctx, id)
	if err != nil || s == nil {
		return err
	}
	g := e.gateways[s.charge.Gateway]
	timeout := e.timeout(g)
	// A stopping server lets what is in flight finish: the call is bounded by
	// its own time-out, not by the context of the loop.
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	var res GatewayResult
	if s.lookup {
		res = g.Lookup(call, s.req)
	} else {
		res = g.Charge(call, s.req)
	}
	return e.settle(context.WithoutCancel(ctx), s, res)
}

func (e *Engine) timeout(g Gateway) time.Duration {
	if t := g.Traits().Timeout; t > 0 {
		return t
	}
	if e.set.GatewayTimeout > 0 {
		return e.set.GatewayTimeout
	}
	return 30 * time.Second
}

// claim leases a charge and commits its attempt before anything is sent (C1).
// It returns nil when there is nothing to send.
func (e *Engine) claim(ctx context.Context, id ChargeID) (*sending, error) {
	var s *sending
	err := e.update(ctx, func(u *unitOfWork) error {
		s = nil
		c, err := u.tx.Charge(id)
		if err != nil {
			return err
		}
		if c.DueAt.IsZero() || c.DueAt.After(u.now) || c.LeaseUntil.After(u.real) {
			return nil // another worker was faster
		}
		g, listed := e.gateways[c.Gateway]
		if !listed {
			// Set up again, it goes on; nothing is known to have been sent twice.
			u.askLater(&c, time.Hour)
			return u.tx.SetCharge(&c)
		}
		switch c.State {
		case ChargeCreated:
			s, err = u.submit(&c, g)
		case ChargeSubmitted, ChargeUnknown:
			s, err = u.ask(&c, g)
		}
		return err
	})
	return s, err
}

// submit takes the last look and commits the attempt.
func (u *unitOfWork) submit(c *Charge, g Gateway) (*sending, error) {
	j, err := judgedOf(u.tx, c.Owner)
	if err != nil {
		return nil, err
	}
	card, err := u.tx.Card(c.Card)
	if err != nil {
		return nil, err
	}
	reason, err := u.stillWanted(&j, c, &card)
	if err != nil {
		return nil, err
	}
	if reason != "" {
		return nil, u.cancel(&j, c, reason)
	}
	a, err := u.attempt(c)
	if err != nil {
		return nil, err
	}
	req, err := u.request(c, &card, &a)
	if err != nil {
		return nil, u.noToken(c, err)
	}
	a.Key, a.State, a.SubmittedAt = req.Key, AttemptSubmitted, u.real
	if a.Charge == 0 {
		a.Charge, a.N = c.ID, c.Attempt
		err = u.tx.AddAttempt(&a)
	} else {
		err = u.tx.SetAttempt(&a)
	}
	if err != nil {
		return nil, err
	}
	u.lease(c, g, ChargeSubmitted)
	return &sending{charge: *c, n: c.Attempt, req: req}, u.tx.SetCharge(c)
}

// lease marks the charge as being worked on. When the lease runs out, whoever
// finds it treats the attempt as unknown.
func (u *unitOfWork) lease(c *Charge, g Gateway, s ChargeState) {
	c.State = s
	c.LeaseUntil = u.real.Add(u.e.timeout(g) + leaseSlack)
	moved := *c
	u.tell(func(o Observer) { o.ChargeMoved(moved, "") })
}

// ask prepares a lookup of an attempt whose outcome is not known; one found
// submitted with its lease over is treated as unknown (DESIGN section 6).
func (u *unitOfWork) ask(c *Charge, g Gateway) (*sending, error) {
	a, err := u.attempt(c)
	if err != nil {
		return nil, err
	}
	card, err := u.tx.Card(c.Card)
	if err != nil {
		return nil, err
	}
	req, err := u.request(c, &card, &a)
	if err != nil {
		return nil, u.noToken(c, err)
	}
	a.State = AttemptUnknown
	if err := u.tx.SetAttempt(&a); err != nil {
		return nil, err
	}
	u.lease(c, g, ChargeUnknown)
	return &sending{charge: *c, n: c.Attempt, lookup: true, req: req}, u.tx.SetCharge(c)
}

// noToken leaves a charge whose token does not open for an hour: the key has to
// be brought back. A cancelled one would be made again at once.
func (u *unitOfWork) noToken(c *Charge, err error) error {
	u.tell(func(o Observer) { o.Failed("the card's token cannot be opened", err) })
	u.askLater(c, time.Hour)
	return u.tx.SetCharge(c)
}

// attempt is the charge's current attempt; zero when it was not made yet.
func (u *unitOfWork) attempt(c *Charge) (Attempt, error) {
	all, err := u.tx.Attempts(c.ID)
	if err != nil {
		return Attempt{}, err
	}
	for _, a := range all {
		if a.N == c.Attempt {
			return a, nil
		}
	}
	return Attempt{}, nil
}

// request is what the gateway is sent. An attempt that was made before keeps
// its key (C2), also in a restored copy, whose new keys have another name.
func (u *unitOfWork) request(c *Charge, card *Card, a *Attempt) (GatewayCharge, error) {
	token, err := u.e.sealer.Open(card.Token, cardAAD(card.ID))
	if err != nil {
		return GatewayCharge{}, err
	}
	key := a.Key
	if key == "" {
		key = c.Key(u.e.store.Instance(), c.Attempt)
	}
	return GatewayCharge{
		Key: key, GatewayRef: a.Ref, Amount: Money(c.Gross, c.Unit),
		GatewayCustomer: card.GatewayCustomer, Token: token,
		Recurring: c.Purpose == PurposeBillingRun, MandateID: c.Mandate,
		ChargeID: c.ID, Owner: c.Owner, Description: fmt.Sprintf("Top-up of %s", c.Owner),
	}, nil
}

// cardAAD binds a sealed token to its card.
func cardAAD(id CardID) string { return causeOf("card", int64(id)) }

// stillWanted is the last look: the reason why a charge is no longer needed,
// or empty.
func (u *unitOfWork) stillWanted(j *Judged, c *Charge, card *Card) (string, error) {
	if !c.Purpose.Automatic() {
		return "", nil
	}
	if choice := u.e.usable(*card, u.now); choice.Reason != ReasonCharge {
		return string(choice.Reason), nil
	}
	standing, err := u.e.standing(u.tx, &j.Owner)
	if err != nil {
		return "", err
	}
	if r, _ := standing.hold(); r != ReasonCharge {
		return string(r), nil
	}
	if c.Purpose == PurposeBillingRun {
		return u.billingStillWanted(j, c)
	}
	return u.lowBalanceStillWanted(j, c)
}

func (u *unitOfWork) lowBalanceStillWanted(j *Judged, c *Charge) (string, error) {
	p := &j.Policy
	f := LowBalanceFacts{Policy: *p, Available: j.Available()}
	switch {
	case !p.ChargeCard:
		return string(ReasonOff), nil
	case !f.Low():
		return string(ReasonNotLow), nil
	case p.ChargeAmount != c.Credit:
		return "amount_changed", nil
	}
	return u.cardStillNamed(j.Owner.ID, p.Card, c.Card)
}

func (u *unitOfWork) billingStillWanted(j *Judged, c *Charge) (string, error) {
	period, err := u.tx.Period(c.Owner, c.Period)
	switch {
	case err != nil:
		return "", err
	case !j.Policy.BRChargeCard:
		return string(ReasonOff), nil
	case c.Attempt > 1 && period.State.Settled():
		return "paid_meanwhile", nil
	}
	return u.cardStillNamed(j.Owner.ID, j.Policy.BRCard, c.Card)
}

func (u *unitOfWork) cardStillNamed(o OwnerID, named *CardID, frozen CardID) (string, error) {
	choice, err := u.e.chooseCard(u.tx, o, named, u.now)
	if err != nil {
		return "", err
	}
	if choice.Reason != ReasonCharge {
		return string(choice.Reason), nil
	}
	if choice.Card.ID != frozen {
		return "card_changed", nil
	}
	return "", nil
}

// cancel ends a charge that was not submitted, or whose attempts were declined.
func (u *unitOfWork) cancel(j *Judged, c *Charge, reason string) error {
	a, err := u.attempt(c)
	if err != nil {
		return err
	}
	last := a.State
	if last == "" && c.Attempt > 1 {
		last = AttemptDeclined
	}
	if err := u.end(c, last, EndCancelled, reason); err != nil {
		return err
	}
	j.OpenCharge = 0
	if last != AttemptDeclined {
		j.Policy.State.Armed = true // nobody was told of this crossing
	}
	return u.afterSettled(j, c)
}

// end moves a charge to a closed state.
func (u *unitOfWork) end(c *Charge, last AttemptState, how ChargeEnd, reason string) error {
	state, ok := ChargeStateOf(last, how)
	if !ok {
		return errors.New("a charge cannot end like this: " + string(last))
	}
	c.State, c.Reason = state, reason
	c.DueAt, c.LeaseUntil, c.SettledAt = zeroTime, zeroTime, u.now
	u.chargeMoved(*c, reason)
	return u.tx.SetCharge(c)
}
