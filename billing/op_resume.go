package billing

import (
	"context"
	"errors"
)

// ResumeOwner lets an owner's automatic charges go on by a person's word: it ends
// suspensions, lifts disputes and the block that came with them, and brings cards
// back that a dispute or a fraud warning put aside. A card that was refused for
// good stays aside unless card names it. Errors: NotFound, Conflict when nothing
// held it.
func (e *Engine) ResumeOwner(ctx context.Context, o OwnerID, card CardID, reason string) error {
	return e.update(ctx, func(u *unitOfWork) error {
		j, err := u.judged(o)
		if err != nil {
			return err
		}
		was := j.Policy.State
		lifted := 0
		for _, step := range []func(*Judged) (bool, error){u.endSuspensions, u.liftDisputes, u.bringCardsBack,
			func(j *Judged) (bool, error) { return u.bringBack(j, card) }} {
			did, err := step(&j)
			if err != nil {
				return err
			}
			if did {
				lifted++
			}
		}
		if lifted == 0 {
			return Errorf(Conflict, "", "nothing of %s is suspended, disputed or put aside by a dispute", o)
		}
		info := newAudit().change("suspended", string(was.Suspended), "").change("br_suspended", string(was.BRSuspended), "").
			count("i_debit_credit_card", int64(card)).count("lifted", int64(lifted)).set("reason", reason)
		if err := u.audit(AuditResume, j.Owner.Top, auditOwner("low_balance", o), info); err != nil {
			return err
		}
		err = u.keep(&Decision{
			Owner: o, Top: j.Owner.Top, At: u.now, Trigger: TriggerSave, Purpose: PurposeLowBalance, Actor: u.actor.Name(),
			Available: j.Available(), Threshold: j.Policy.Threshold, Unit: j.Owner.Currency, Reason: ReasonResumed, Detail: reason,
			State: j.Policy.State,
		})
		if err != nil {
			return err
		}
		_, err = u.judge(&j, TriggerSave)
		return err
	})
}

func (u *unitOfWork) endSuspensions(j *Judged) (bool, error) {
	s := &j.Policy.State
	terms, err := u.topupTerms(&j.Owner)
	if err != nil {
		return false, err
	}
	rules, err := u.tx.SuspendedRules(j.Owner.ID)
	if err != nil {
		return false, err
	}
	did := s.Suspended != "" || s.BRSuspended != "" || terms.Suspended != "" || len(rules) > 0
	return did, u.resume(j)
}

func (u *unitOfWork) liftDisputes(j *Judged) (bool, error) {
	holding, err := u.tx.HoldingDisputes(j.Owner.ID)
	if err != nil {
		return false, err
	}
	for i := range holding {
		holding[i].LiftedAt, holding[i].LiftedBy = u.now, u.actor.Name()
		if err := u.tx.PutDispute(&holding[i]); err != nil {
			return false, err
		}
	}
	did := len(holding) > 0
	if j.Owner.Blocked&BlockDispute != 0 {
		did = true
		j.Owner.Blocked &^= BlockDispute
		if err := u.tx.SetBlocked(j.Owner.ID, j.Owner.Blocked, u.now); err != nil {
			return did, err
		}
	}
	return did, nil
}

func (u *unitOfWork) bringCardsBack(j *Judged) (did bool, err error) {
	cards, err := u.tx.CardsOf(j.Owner.ID)
	if err != nil {
		return false, err
	}
	for i := range cards {
		c := &cards[i]
		if !c.asideByDispute() {
			continue
		}
		did = true
		same := []Card{*c}
		if c.Fingerprint != "" {
			// Put aside with it, under whichever token and owner.
			if same, err = u.tx.CardsByFingerprint(c.Gateway, c.Fingerprint); err != nil {
				return did, err
			}
		}
		for k := range same {
			if !same[k].heldForDispute() {
				continue
			}
			if same[k].State == CardAside {
				same[k].State = CardUsable
			}
			same[k].Aside, same[k].UpdatedAt = "", u.now
			if err := u.tx.PutCard(&same[k]); err != nil {
				return did, err
			}
		}
	}
	return did, nil
}

// bringBack makes one named card usable again, whyever it was put aside.
func (u *unitOfWork) bringBack(j *Judged, id CardID) (bool, error) {
	if id == 0 {
		return false, nil
	}
	c, err := u.tx.Card(id)
	if errors.Is(err, NotFound) || err == nil && c.Owner != j.Owner.ID {
		return false, Errorf(NotFound, "i_debit_credit_card", "%s has no card %d", j.Owner.ID, id)
	}
	if err != nil || c.State != CardAside {
		return false, err
	}
	c.State, c.Aside, c.UpdatedAt = CardUsable, "", u.now
	return true, u.tx.PutCard(&c)
}

// The reasons for which a card is put aside that are no decline.
const (
	asideDispute = "dispute"
	asideFraud   = "fraud_warning"
)

func (c *Card) asideByDispute() bool { return c.State == CardAside && c.heldForDispute() }

// heldForDispute is asideByDispute for a card that was deleted since, too.
func (c *Card) heldForDispute() bool { return c.Aside == asideDispute || c.Aside == asideFraud }
