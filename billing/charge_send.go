package billing

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// sending is a claimed charge on its way to the gateway.
type sending struct {
	charge  Charge
	n       int
	lookup  bool      // ask what became of it, instead of sending
	startAt time.Time // its turn at the gateway
	req     GatewayCharge
}

// chargeOne takes one due charge through one step of its life: cancelled by
// the last look, or sent (or asked about) and settled by the answer. It is claimed
// before it has its place, which it leaves when the gateway has had its say.
func (e *Engine) chargeOne(ctx context.Context, due DueCharge, p *seat) error {
	s, err := e.claim(ctx, due)
	if err != nil || s == nil {
		return err
	}
	awaitTurn(ctx, s.startAt)
	if !p.take(ctx, placeWait) {
		return e.giveBack(context.WithoutCancel(ctx), s)
	}
	// A stopping server lets what is in flight finish: the call is bounded by
	// its own time-out, not by the context of the loop.
	ctx = context.WithoutCancel(ctx)
	g := e.gateways[s.charge.Gateway]
	if two, ok := g.(Preparer); ok && !s.lookup && s.req.GatewayRef == "" {
		if wanted, err := e.prepare(ctx, two, s); err != nil || !wanted {
			return err
		}
	}
	call, cancel := context.WithTimeout(ctx, e.timeout(g))
	defer cancel()
	var res GatewayResult
	if s.lookup {
		res = g.Lookup(call, s.req)
	} else {
		res = g.Charge(call, s.req)
	}
	p.leave()
	return e.settle(ctx, s, res)
}

// placeWait is how long a claimed charge waits for its place: no longer than for its
// turn, and well within the lease.
const placeWait = paceAhead

// giveBack returns a claimed charge that was not sent: all places stayed taken, by
// calls that hang, or the process stops.
func (e *Engine) giveBack(ctx context.Context, s *sending) error {
	if s.lookup {
		return nil // nothing was asked; it is when the lease is over
	}
	return e.settle(ctx, s, GatewayResult{Outcome: OutcomeNotAttempted, Code: CodePaused, Message: "no place came free at the gateway"})
}

// prepare makes the payment of a two-step gateway and commits its id, so that
// the second step, which captures, can be looked up for ever. It reports whether
// that step is to be made.
func (e *Engine) prepare(ctx context.Context, p Preparer, s *sending) (wanted bool, err error) {
	call, cancel := context.WithTimeout(ctx, e.timeout(e.gateways[s.charge.Gateway]))
	defer cancel()
	ref, res := p.Prepare(call, s.req)
	if ref == "" {
		if res.Outcome != OutcomeDeclined {
			// Nothing captures before the second step, whatever became of this one.
			res.Outcome = OutcomeNotAttempted
		}
		return false, e.settle(ctx, s, res)
	}
	s.req.GatewayRef = ref
	err = e.updateOwners(ctx, []OwnerID{s.charge.Owner}, func(u *unitOfWork) error {
		wanted = false
		c, err := u.tx.Charge(s.charge.ID)
		if err != nil {
			return err
		}
		a, err := u.attemptN(c.ID, s.n)
		if err != nil {
			return err
		}
		if c.State != ChargeSubmitted || c.Attempt != s.n || a.State != AttemptSubmitted || !c.LeaseUntil.Equal(s.charge.LeaseUntil) {
			return nil // it took longer than the lease, and somebody else is on it
		}
		a.Ref = ref
		look, err := u.lastLook(&c)
		if err != nil {
			return err
		}
		if look.reason != "" {
			a.State = AttemptNotSent
			if err := u.tx.SetAttempt(&a); err != nil {
				return err
			}
			return u.notWanted(&look, &c)
		}
		wanted = true
		return u.tx.SetAttempt(&a)
	})
	return wanted && err == nil, err
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
func (e *Engine) claim(ctx context.Context, due DueCharge) (*sending, error) {
	var s *sending
	var stopped bool
	var hold time.Time
	var gateway string
	err := e.updateOwners(ctx, []OwnerID{due.Owner}, func(u *unitOfWork) error {
		s, stopped, hold = nil, false, zeroTime
		c, err := u.tx.Charge(due.ID)
		if err != nil {
			return err
		}
		if c.DueAt.IsZero() || c.DueAt.After(u.now) || c.LeaseUntil.After(u.real) {
			return nil // another worker was faster
		}
		gateway = c.Gateway
		g, listed := e.gateways[gateway]
		if !listed {
			return u.unlisted(&c)
		}
		if paused(g, u.real) {
			return nil // the worker spares it from its next look on
		}
		switch c.State {
		case ChargeCreated:
			s, stopped, hold, err = u.submit(&c, g)
		case ChargeSubmitted, ChargeUnknown:
			s, hold, err = u.ask(&c, g)
		}
		return err
	})
	if err == nil && stopped {
		e.gate.stop(realNow().Add(stopLook))
	}
	if err == nil && !hold.IsZero() {
		e.gate.hold(gateway, hold)
	}
	return s, err
}

// unlisted goes on with a charge whose gateway is not set up any more: what was
// not sent is cancelled, so that another card can be charged, and what was sent
// grows old like any unknown outcome, until it is for a person.
func (u *unitOfWork) unlisted(c *Charge) error {
	if c.State != ChargeCreated {
		a, err := u.attemptN(c.ID, c.Attempt)
		if err != nil {
			return err
		}
		return u.unknown(c, &a, GatewayResult{Code: "gateway_not_set_up", Message: "the gateway " + c.Gateway + " is not set up"})
	}
	look, err := u.lastLook(c)
	if err != nil {
		return err
	}
	if look.reason == "" { // a payment by hand waits for its gateway
		u.askLater(c, time.Hour)
		return u.tx.SetCharge(c)
	}
	return u.notWanted(&look, c)
}

// look is what the last look saw.
type look struct {
	j      Judged
	card   Card
	reason string // why the charge is no longer needed, or empty
	waits  bool   // reason holds it, and does not end it
}

func (u *unitOfWork) lastLook(c *Charge) (l look, err error) {
	if l.j, err = judgedOf(u.tx, c.Owner); err != nil {
		return l, err
	}
	if l.card, err = u.tx.Card(c.Card); err != nil {
		return l, err
	}
	if c.Purpose == PurposeRecurring {
		if l.reason, l.waits, err = u.periodStands(&l.j, c); err != nil || l.reason != "" {
			return l, err
		}
	}
	l.reason, err = u.stillWanted(&l.j, c, &l.card)
	return l, err
}

// submit takes the last look and commits the attempt. hold is set when it is not
// the gateway's turn, stopped when the global breaker holds everything.
func (u *unitOfWork) submit(c *Charge, g Gateway) (s *sending, stopped bool, hold time.Time, err error) {
	look, err := u.lastLook(c)
	switch {
	case err != nil:
		return nil, false, hold, err
	case look.reason != "":
		return nil, false, hold, u.notWanted(&look, c)
	case u.tooLarge(c):
		return nil, false, hold, u.holdTooLarge(c)
	}
	if stopped, err = u.stopped(c); err != nil || stopped {
		return nil, stopped, hold, err
	}
	a, err := u.attemptN(c.ID, c.Attempt)
	if err != nil {
		return nil, false, hold, err
	}
	req, err := u.request(c, &look.card, &a)
	if err != nil {
		return nil, false, hold, u.noToken(c, err)
	}
	at, ok, err := u.turn(g, callsPerCharge(g))
	if err != nil || !ok {
		return nil, false, at, err
	}
	a.Key, a.Gateway, a.Print = req.Key, c.Gateway, look.card.Print()
	a.State, a.SubmittedAt = AttemptSubmitted, u.real
	if a.FirstAt.IsZero() {
		a.FirstAt = u.real
	}
	if a.Charge == 0 {
		a.Charge, a.N = c.ID, c.Attempt
		err = u.tx.AddAttempt(&a)
	} else {
		err = u.tx.SetAttempt(&a)
	}
	if err != nil {
		return nil, false, hold, err
	}
	c.Reason = "" // why it waited
	u.lease(c, g, ChargeSubmitted, at)
	return &sending{charge: *c, n: c.Attempt, startAt: at, req: req}, false, hold, u.tx.SetCharge(c)
}

// lease marks the charge as being worked on. When the lease runs out, whoever
// finds it treats the attempt as unknown.
func (u *unitOfWork) lease(c *Charge, g Gateway, s ChargeState, start time.Time) {
	c.State = s
	calls := time.Duration(1)
	if _, ok := g.(Preparer); ok {
		calls = 2
	}
	c.LeaseUntil = start.Add(calls*u.e.timeout(g) + leaseSlack)
	moved := *c
	u.tell(func(o Observer) { o.ChargeMoved(moved, "") })
}

// ask prepares a lookup of an attempt whose outcome is not known; one found
// submitted with its lease over is treated as unknown (DESIGN section 6).
func (u *unitOfWork) ask(c *Charge, g Gateway) (s *sending, hold time.Time, err error) {
	a, err := u.attemptN(c.ID, c.Attempt)
	if err != nil {
		return nil, hold, err
	}
	if _, twoStep := g.(Preparer); twoStep && a.Ref == "" {
		// The id is committed before the step that captures: there was none.
		return nil, hold, u.notSent(c, &a, GatewayResult{Code: "not_prepared", Message: "the process ended before the payment was made"}, true)
	}
	card, err := u.tx.Card(c.Card)
	if err != nil {
		return nil, hold, err
	}
	req, err := u.request(c, &card, &a)
	if err != nil {
		u.tell(func(o Observer) { o.Failed("the card's token cannot be opened", err) })
		return nil, hold, u.unknown(c, &a, GatewayResult{Code: "token_not_opened", Message: "the card's token cannot be opened: bring its key back"})
	}
	at, ok, err := u.turn(g, 1)
	if err != nil || !ok {
		return nil, at, err
	}
	a.State = AttemptUnknown
	if err := u.tx.SetAttempt(&a); err != nil {
		return nil, hold, err
	}
	u.lease(c, g, ChargeUnknown, at)
	return &sending{charge: *c, n: c.Attempt, lookup: true, startAt: at, req: req}, hold, u.tx.SetCharge(c)
}

// noToken leaves a charge whose token does not open for an hour: the key has to
// be brought back. A cancelled one would be made again at once.
func (u *unitOfWork) noToken(c *Charge, err error) error {
	u.tell(func(o Observer) { o.Failed("the card's token cannot be opened", err) })
	u.askLater(c, time.Hour)
	return u.tx.SetCharge(c)
}

// attemptN is an attempt of a charge; zero when it was not made yet.
func (u *unitOfWork) attemptN(id ChargeID, n int) (Attempt, error) {
	all, err := u.tx.Attempts(id)
	if err != nil {
		return Attempt{}, err
	}
	for _, a := range all {
		if a.N == n {
			return a, nil
		}
	}
	return Attempt{}, nil
}

// request is what the gateway is sent. An attempt that was made before keeps
// its key (C2), also in a restored copy, whose new keys have another name.
func (u *unitOfWork) request(c *Charge, card *Card, a *Attempt) (GatewayCharge, error) {
	if len(a.Token) == 0 {
		a.Token, a.Customer = card.Token, card.GatewayCustomer
	}
	token, err := u.e.sealer.Open(a.Token, cardAAD(card.ID))
	if err != nil {
		return GatewayCharge{}, err
	}
	key := a.Key
	if key == "" {
		key = c.Key(u.e.store.Instance(), c.Attempt)
	}
	return GatewayCharge{
		Key: key, GatewayRef: a.Ref, Amount: Money(c.Gross, c.Unit),
		GatewayCustomer: a.Customer, Token: token,
		Recurring: c.Purpose == PurposeBillingRun || c.Purpose == PurposeRecurring, MandateID: c.Mandate,
		SubmittedAt: a.SubmittedAt, ChargeID: c.ID, Owner: c.Owner, Description: fmt.Sprintf("Top-up of %s", c.Owner),
	}, nil
}

// cardAAD binds a sealed token to its card.
func cardAAD(id CardID) string { return causeOf("card", int64(id)) }

// stillWanted is the last look: the reason why a charge is no longer needed,
// or empty.
func (u *unitOfWork) stillWanted(j *Judged, c *Charge, card *Card) (string, error) {
	if card.Gateway != c.Gateway {
		return "card_changed", nil
	}
	if !c.Purpose.Automatic() {
		if len(card.Token) == 0 {
			return string(ReasonCardGone), nil
		}
		return "", nil
	}
	choice, err := u.e.takes(u.tx, u.e.usable(*card, u.now), j, c.Credit, c.Tax, c.Fee, u.now)
	if err != nil {
		return "", err
	}
	if choice.Reason != ReasonCharge {
		return string(choice.Reason), nil
	}
	standing, err := u.e.standing(u.tx, &j.Owner, u.now)
	if err != nil {
		return "", err
	}
	if r, _ := standing.hold(); r != ReasonCharge {
		return string(r), nil
	}
	switch c.Purpose {
	case PurposeBillingRun:
		return u.billingStillWanted(j, c)
	case PurposeProfile:
		return u.topupStillWanted(j, c)
	case PurposeRecurring:
		return u.ruleStillWanted(j, c)
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
	a, err := u.attemptN(c.ID, c.Attempt)
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
	if err := u.history(c, ReasonCancelled, reason); err != nil {
		return err
	}
	if err := u.topupNotPaid(j, c, nil, false); err != nil {
		return err
	}
	if !c.Purpose.Automatic() {
		return nil
	}
	if c.Purpose == PurposeProfile {
		if err := u.expectedCancelled(c, Reason(reason)); err != nil {
			return err
		}
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
	if err := u.tx.SetCharge(c); err != nil {
		return err
	}
	return u.forgetOneTime(c)
}
