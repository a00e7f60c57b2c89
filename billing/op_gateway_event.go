package billing

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// GatewayEvent acts on what a gateway told on its own. The same event, however
// often and late it comes, acts once. Errors: NotFound when it is about nothing
// of ours, Busy.
func (e *Engine) GatewayEvent(ctx context.Context, gateway string, ev GatewayEvent) error {
	if ev.ID == "" {
		return Errorf(Missing, "id", "an event needs an id")
	}
	return e.update(ctx, func(u *unitOfWork) error {
		if ev.Kind == EventCardUpdated {
			return u.cardUpdated(gateway, &ev)
		}
		a, err := u.attemptOf(gateway, &ev)
		if err != nil {
			return err
		}
		c, err := u.tx.Charge(a.Charge)
		if err != nil {
			return err
		}
		err = u.tx.NoteGatewayEvent(gateway, &ev, &c, u.real)
		if errors.Is(err, Exists) {
			return nil // told before
		}
		if err != nil {
			return err
		}
		if a.Code == codeCapturedTwice && ev.Kind != EventCharge {
			return u.aboutUncredited(&c, &a, &ev)
		}
		switch ev.Kind {
		case EventCharge:
			return u.chargeTold(&c, &a, &ev)
		case EventRefund:
			return u.refundTold(&c, &ev)
		case EventDisputeOpened, EventDisputeWithdrawn, EventDisputeReinstated, EventDisputeClosed:
			return u.disputeTold(&c, &ev)
		case EventFraudWarning:
			return u.fraudWarned(&c, &ev)
		}
		return Errorf(Invalid, "kind", "there is no event of kind %s", ev.Kind)
	})
}

// attemptOf finds the attempt that an event is about: by our own key, which is
// there before the gateway's id is committed, or by that id.
func (u *unitOfWork) attemptOf(gateway string, ev *GatewayEvent) (a Attempt, err error) {
	err = NotFound
	if ev.Key != "" {
		a, err = u.tx.AttemptByKey(ev.Key)
	}
	if errors.Is(err, NotFound) && ev.Ref != "" {
		a, err = u.tx.AttemptByRef(gateway, ev.Ref)
	}
	if err == nil && a.Gateway != gateway {
		err = NotFound
	}
	if errors.Is(err, NotFound) {
		err = Errorf(NotFound, "ref", "the event is about no charge of ours")
	}
	return a, err
}

// chargeTold acts on an outcome. One of another payment than the attempt's own, or
// of another amount, is no word about the attempt: a person has to look.
func (u *unitOfWork) chargeTold(c *Charge, a *Attempt, ev *GatewayEvent) error {
	if ev.Result.Outcome != OutcomeSucceeded && ev.Result.Outcome != OutcomeDeclined {
		return nil // nothing definite: a lookup asks
	}
	other := ev.Ref != "" && a.Ref != "" && ev.Ref != a.Ref
	wrong := ev.Amount.Unit != "" && ev.Amount != Money(c.Gross, c.Unit)
	switch {
	case !other && !wrong:
		if a.Ref == "" {
			a.Ref = ev.Ref
		}
		return u.answered(c, a, ev.Result, false)
	case ev.Result.Outcome == OutcomeDeclined:
		return nil // nothing moved
	}
	return u.alarm(AlarmStrayCapture, causeOf("charge", int64(c.ID), int64(a.N))+":"+ev.Ref, c.Top,
		fmt.Sprintf("the gateway captured a payment that charge %d of %s does not know", c.ID, c.Owner),
		fmt.Sprintf("%s by the gateway %s, payment %s, under the key %s; the charge is %s, payment %s. It is not credited: look at the gateway,\n"+
			"then give it back there, or say `topupd charges resolve %d --captured` while the charge is unknown.",
			ev.Amount, c.Gateway, ev.Ref, a.Key, Money(c.Gross, c.Unit), a.Ref, c.ID))
}

// aboutUncredited: what happens to a capture that was never credited moves nobody's
// balance.
func (u *unitOfWork) aboutUncredited(c *Charge, a *Attempt, ev *GatewayEvent) error {
	reason := ReasonDisputed
	if ev.Kind == EventRefund {
		reason = ReasonRefunded
	}
	return u.history(c, reason, fmt.Sprintf("%s of the capture %s, which was not credited", ev.Kind, a.Ref))
}

// refundTold acts on a refund that the gateway tells of: one of ours, or one that
// was made there by hand.
func (u *unitOfWork) refundTold(c *Charge, ev *GatewayEvent) error {
	res := ev.Result
	res.Ref = ev.RefundRef
	f, err := Refund{}, error(NotFound)
	if ev.RefundRef != "" {
		f, err = u.tx.RefundByRef(c.Gateway, ev.RefundRef)
	}
	if errors.Is(err, NotFound) && ev.RefundKey != "" {
		f, err = u.tx.RefundByKey(ev.RefundKey)
	}
	switch {
	case err == nil && f.Charge != c.ID:
		return Errorf(NotFound, "refund", "the refund is of another charge")
	case err == nil:
		return u.refundAnswered(&f, res)
	case !errors.Is(err, NotFound):
		return err
	case ev.RefundRef == "":
		return Errorf(Invalid, "refund", "the event of a refund that is not ours needs the gateway's id of it")
	case c.State != ChargeSucceeded:
		// The capture is not booked yet: the gateway tells again, after it is.
		return Errorf(Busy, "", "the charge of this refund is not settled yet")
	case ev.Amount.Unit != c.Unit || ev.Amount.Micros <= 0:
		return Errorf(Invalid, "amount", "a refund is above 0, in %s", c.Unit)
	}
	if waits, err := u.refundWithoutRef(c); err != nil || waits {
		if err == nil {
			err = Errorf(Busy, "", "a refund of this charge does not know its id yet, and may be this one")
		}
		return err
	}
	f = Refund{
		Charge: c.ID, Owner: c.Owner, Top: c.Top, Gateway: c.Gateway, Ref: ev.RefundRef, Unit: c.Unit, Amount: ev.Amount.Micros,
		State: RefundUnknown, Reason: "made at the gateway", Actor: c.Gateway, DueAt: u.now, CreatedAt: u.now,
		LeaseUntil: u.real.Add(time.Hour),
	}
	if err := u.tx.CreateRefund(&f); err != nil {
		return err
	}
	if res.Outcome != OutcomeSucceeded && res.Outcome != OutcomeDeclined {
		return nil // pending: the gateway tells more
	}
	return u.refundAnswered(&f, res)
}

// refundWithoutRef reports whether a refund of ours is under way whose id at the
// gateway is not known: the gateway tells again when it is.
func (u *unitOfWork) refundWithoutRef(c *Charge) (bool, error) {
	all, err := u.tx.RefundsOf(c.ID)
	for i := range all {
		if all[i].State.Open() && all[i].Key != "" && all[i].Ref == "" {
			return true, err
		}
	}
	return false, err
}

// cardUpdated takes over what the network changed of a card, under its token.
func (u *unitOfWork) cardUpdated(gateway string, ev *GatewayEvent) error {
	cards, err := u.tx.CardsOfCustomer(gateway, ev.Card.Customer)
	if err != nil {
		return err
	}
	if ev.Card.Customer != "" {
		// A card that was imported without the gateway's customer.
		others, err := u.tx.CardsOfCustomer(gateway, "")
		if err != nil {
			return err
		}
		cards = append(cards, others...)
	}
	found := false
	for i := range cards {
		card := &cards[i]
		if len(card.Token) == 0 || card.State == CardDeleted {
			continue
		}
		token, err := u.e.sealer.Open(card.Token, cardAAD(card.ID))
		if err != nil || token != ev.Token {
			continue // sealed with a key that is not set: its charges say so
		}
		if !found {
			found = true
			err := u.tx.NoteGatewayEvent(gateway, ev, nil, u.real)
			if errors.Is(err, Exists) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		if err := u.renewed(card, ev.Card); err != nil {
			return err
		}
	}
	if !found {
		return Errorf(NotFound, "token", "the event is about no card of ours")
	}
	return nil
}

// renewed takes over what changed of a card. To the issuer it is another card: it
// is charged again although the old one was refused for good, and suspensions for
// that end.
func (u *unitOfWork) renewed(card *Card, told GatewayCard) error {
	before := *card
	if !card.learn(told) {
		return nil
	}
	card.UpdatedAt = u.now
	other := before.Last4 != card.Last4 || before.ExpYear != card.ExpYear || before.ExpMonth != card.ExpMonth || before.Fingerprint != card.Fingerprint
	if other && card.State == CardAside && !card.asideByDispute() {
		card.State, card.Aside = CardUsable, ""
	}
	if err := u.tx.PutCard(card); err != nil {
		return err
	}
	if err := u.auditAside(&before, card); err != nil {
		return err
	}
	j, err := judgedOf(u.tx, card.Owner)
	if err != nil {
		return err
	}
	if s := &j.Policy.State; other && (s.Suspended == SuspendedHard || s.BRSuspended == SuspendedHard) {
		if err := u.resumed(&j); err != nil {
			return err
		}
	}
	return u.tx.JudgeWithin(card.Owner, u.now)
}

// fraudWarned puts the card aside: a dispute mostly follows, and refunding the
// charge first is cheaper. A person decides.
func (u *unitOfWork) fraudWarned(c *Charge, ev *GatewayEvent) error {
	if err := u.putAside(c.Card, asideFraud); err != nil {
		return err
	}
	if err := u.history(c, ReasonDisputed, "the card's issuer warns of fraud"); err != nil {
		return err
	}
	return u.alarm(AlarmFraudWarning, causeOf("charge", int64(c.ID))+":"+ev.ID, c.Top,
		fmt.Sprintf("the issuer of a card suspects fraud: charge %d of %s", c.ID, c.Owner),
		fmt.Sprintf("%s by the gateway %s. The card is put aside. `topupd charges refund %d` gives the money back before it is disputed.",
			Money(c.Gross, c.Unit), c.Gateway, c.ID))
}
