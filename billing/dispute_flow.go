package billing

import (
	"errors"
	"fmt"
)

// disputeTold acts on a dispute. Its events come in any order, so each makes the
// row if it is the first. Open or closed, the dispute holds the owner's and the
// card's automatic charges until a person lifts it.
func (u *unitOfWork) disputeTold(c *Charge, ev *GatewayEvent) error {
	if ev.DisputeRef == "" {
		return Errorf(Invalid, "dispute", "a dispute's event needs the gateway's id of it")
	}
	if c.State != ChargeSucceeded {
		return Errorf(Busy, "", "the charge of this dispute is not settled yet")
	}
	d, err := u.dispute(c, ev)
	if err != nil {
		return err
	}
	if ev.Amount.Micros != 0 && ev.Amount.Unit != c.Unit {
		// A gateway that converts takes another currency from the operator than
		// the card paid: what the charge is worth is what counts here.
		ev.Amount = Money(d.Amount, c.Unit)
	}
	cause := "dispute:" + c.Gateway + ":" + ev.ID
	switch ev.Kind {
	case EventDisputeWithdrawn:
		if _, err := u.giveBack(c, PostDispute, cause, "dispute "+d.Ref, ev.Amount.Micros); err != nil {
			return err
		}
		d.Withdrawn += ev.Amount.Micros
		err = u.disputeFee(c, &d, cause, ev.Fee, 1)
	case EventDisputeReinstated:
		back := min(ev.Amount.Micros, d.Withdrawn-d.Reinstated)
		if back <= 0 {
			// Its withdrawal was not told yet; the gateway tells again.
			return Errorf(Busy, "", "the withdrawal of this dispute was not told yet")
		}
		if _, err := u.giveBack(c, PostDispute, cause, "dispute "+d.Ref, -back); err != nil {
			return err
		}
		d.Reinstated += back
		err = u.disputeFee(c, &d, cause, ev.Fee, -1)
	case EventDisputeClosed:
		d.State, d.ClosedAt = DisputeLost, u.now
		if ev.Result.Outcome == OutcomeSucceeded {
			d.State = DisputeWon
		}
		err = u.history(c, ReasonDisputed, string(d.State))
	}
	if err != nil {
		return err
	}
	return u.tx.PutDispute(&d)
}

// dispute is the row of a dispute, made with its hold when it is first told.
func (u *unitOfWork) dispute(c *Charge, ev *GatewayEvent) (Dispute, error) {
	d, err := u.tx.DisputeByRef(c.Gateway, ev.DisputeRef)
	if !errors.Is(err, NotFound) {
		return d, err
	}
	d = Dispute{
		Charge: c.ID, Owner: c.Owner, Top: c.Top, Gateway: c.Gateway, Ref: ev.DisputeRef, Unit: c.Unit,
		Amount: ev.Amount.Micros, Reason: ev.DisputeReason, State: DisputeOpen, OpenedAt: u.now,
	}
	if d.Amount <= 0 || ev.Amount.Unit != c.Unit {
		d.Amount = c.Gross
	}
	if err := u.tx.PutDispute(&d); err != nil {
		return d, err
	}
	o, err := u.tx.Owner(c.Owner)
	if err != nil {
		return d, err
	}
	if o.Blocked&BlockDispute == 0 {
		if err := u.setBlocked(&o, o.Blocked|BlockDispute); err != nil {
			return d, err
		}
	}
	if err := u.putAside(c.Card, asideDispute); err != nil {
		return d, err
	}
	if err := u.history(c, ReasonDisputed, d.Reason); err != nil {
		return d, err
	}
	return d, u.alarm(AlarmDispute, d.Ref, c.Top, fmt.Sprintf("charge %d of %s is disputed", c.ID, c.Owner),
		fmt.Sprintf("%s by the gateway %s, dispute %s (%s). Automatic charges of the owner and the card are held;\n"+
			"`topupd charges resume` with the owner lifts that.", Money(d.Amount, c.Unit), c.Gateway, d.Ref, d.Reason))
}

// disputeFee books what the gateway takes for the work, or gives back: the
// operator's cost, not the owner's.
func (u *unitOfWork) disputeFee(c *Charge, d *Dispute, cause string, fee Amount, sign int64) error {
	if fee.Micros <= 0 {
		return nil
	}
	if fee.Unit == c.Unit {
		d.Fee += sign * fee.Micros
	}
	return u.post(&Posting{
		Top: c.Top, Kind: PostDisputeFee, Cause: cause + ":fee", Charge: c.ID, Notes: "dispute " + d.Ref,
		Actor: u.actor.Name(), BookedAt: u.real, EffectiveAt: u.now,
		Entries: []Entry{
			{Account: AccountDispute, Unit: fee.Unit, Micros: -sign * fee.Micros},
			{Account: CashAccount(c.Gateway), Unit: fee.Unit, Micros: sign * fee.Micros},
		},
	})
}
