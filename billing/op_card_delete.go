package billing

import "context"

// DeleteCard takes a card away: its token and what is personal about it are gone,
// and it looks unknown afterwards. What was sent already is settled with the token
// that it was sent with; what was not is cancelled by its last look. A policy that
// leads to the card pauses and a recurring top-up that names it ends, which the owner is
// told. Errors: NotFound.
func (e *Engine) DeleteCard(ctx context.Context, o OwnerID, id CardID) error {
	return e.update(ctx, func(u *unitOfWork) error {
		j, err := u.judged(o)
		if err != nil {
			return err
		}
		c, err := cardOf(u.tx, o, id)
		if err != nil {
			return err
		}
		leads, was := j.Policy.leadsTo(&c), c
		// Brand and last four stay: charges and receipts are named by them.
		if !c.heldForDispute() { // who adds it again meets the hold
			c.Aside = ""
		}
		c.State, c.Token, c.Primary, c.UpdatedAt = CardDeleted, nil, false, u.now
		c.Alias, c.Holder, c.CardAddress = "", "", CardAddress{}
		if err := u.tx.PutCard(&c); err != nil {
			return err
		}
		if err := u.auditCard(AuditDelete, j.Owner.Top, &was, &c); err != nil {
			return err
		}
		if err := u.endRulesOf(&j, &c); err != nil {
			return err
		}
		if err := u.lookAgain(j.OpenCharge, c.ID); err != nil {
			return err
		}
		if leads {
			paused := newAudit().set("paused", "i_debit_credit_card "+idText(c.ID)+" was deleted")
			if err := u.audit(AuditUpdate, j.Owner.Top, auditOwner("low_balance", o), paused); err != nil {
				return err
			}
			if err := u.tellDeleted(&j, &c); err != nil {
				return err
			}
		}
		_, err = u.judge(&j, TriggerSave)
		return err
	})
}

// lookAgain makes a charge of a card due that waits for its first try or its next one,
// so that the last look ends it, and not an hour or a day later.
func (u *unitOfWork) lookAgain(id ChargeID, card CardID) error {
	if id == 0 {
		return nil
	}
	c, err := u.tx.Charge(id)
	if err != nil || c.Card != card || c.State != ChargeCreated {
		return err
	}
	c.DueAt, u.work = u.now, true
	return u.tx.SetCharge(&c)
}

func (u *unitOfWork) tellDeleted(j *Judged, c *Card) error {
	if s, err := u.e.standing(u.tx, &j.Owner, u.now); err != nil || s.Held {
		return err
	}
	return u.notice(j, NoticeCardDeleted, causeOf("card_deleted", int64(c.ID)), noticeFacts{Card: c})
}

// leadsTo reports whether a policy that is switched on charges the card.
func (p *LowBalance) leadsTo(c *Card) bool {
	leads := func(on bool, named *CardID) bool {
		return on && (named == nil && c.Primary || named != nil && *named == c.ID)
	}
	return leads(p.ChargeCard && p.Threshold != nil, p.Card) || leads(p.BRChargeCard, p.BRCard)
}
