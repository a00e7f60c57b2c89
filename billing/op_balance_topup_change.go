package billing

import "context"

// ChangeBalanceTopupParams changes a top-up.
type ChangeBalanceTopupParams struct {
	ID TopupID
	// Cancel ends a rule: nothing more of it is charged, and what was is not undone. One
	// that is no rule's is withdrawn, as long as its charge was not sent.
	Cancel bool
	// Extra makes what the interface keeps of what it kept; nil leaves it.
	Extra func(stored string) (string, error)
}

// ChangeBalanceTopup changes what an interface keeps with a top-up, or cancels it.
// Errors: NotFound, Invalid, Conflict where there is nothing to cancel any more.
func (e *Engine) ChangeBalanceTopup(ctx context.Context, p ChangeBalanceTopupParams) (v BalanceTopupView, err error) {
	err = e.update(ctx, func(u *unitOfWork) error {
		t, err := visibleTopup(u.tx, u.actor, p.ID)
		if err != nil {
			return err
		}
		if p.Cancel {
			if err := u.cancelTopup(&t); err != nil {
				return err
			}
		}
		if p.Extra != nil {
			if err := u.changeTopupExtra(&t, p.Extra); err != nil {
				return err
			}
		}
		v, err = (&topupViewer{r: u.tx}).view(t)
		return err
	})
	return v, err
}

func (u *unitOfWork) changeTopupExtra(t *BalanceTopup, change func(string) (string, error)) error {
	after, err := change(t.Extra)
	switch {
	case err != nil:
		return err
	case len(after) > MaxExtra:
		return Errorf(Invalid, "extra", "at most %d bytes", MaxExtra)
	case after == t.Extra:
		return nil
	}
	t.Extra = after
	if err := u.tx.SetBalanceTopup(t); err != nil {
		return err
	}
	if err := u.topupEvent(EventChange, t); err != nil {
		return err
	}
	return u.audit(AuditUpdate, t.Top, auditKey("topups", "id", int64(t.ID)), newAudit().set("extra", "changed"))
}

// cancelTopup ends the rule that a top-up stands for, or withdraws a top-up that was asked
// for once. One that was cancelled stays it.
func (u *unitOfWork) cancelTopup(t *BalanceTopup) error {
	if t.Rule != t.ID {
		return u.cancelOnce(t)
	}
	r, err := u.tx.TopupRule(t.Rule)
	switch {
	case err != nil:
		return err
	case r.State == RuleCancelled:
		return nil
	case r.State != RuleActive:
		return Errorf(Conflict, "status", "nothing more of this top-up was to come")
	}
	if err := u.withdrawExecution(t); err != nil {
		return err
	}
	return u.cancelRule(t, &r, ReasonOff)
}

// cancelRule ends a rule that is active, and the top-up that stands for it unless that was
// executed.
func (u *unitOfWork) cancelRule(t *BalanceTopup, r *TopupRule, why Reason) error {
	if err := u.endRule(r, RuleCancelled); err != nil {
		return err
	}
	if t.Charge == 0 && t.State == TopupCreated { // imported, and never executed
		t.State, t.SettledAt, t.Reason = TopupCancelled, u.now, string(why)
		if err := u.tx.SetBalanceTopup(t); err != nil {
			return err
		}
	}
	return u.topupEvent(EventCancel, t)
}

// endRule closes a rule; the consent ends with the owner's last one.
func (u *unitOfWork) endRule(r *TopupRule, s RuleState) error {
	was := r.State
	r.end(s)
	if err := u.setRule(r); err != nil {
		return err
	}
	info := newAudit().change("state", string(was), string(s))
	if err := u.audit(AuditUpdate, r.Top, auditKey("topup_rules", "id", int64(r.ID)), info); err != nil {
		return err
	}
	return u.consentEnds(r.Owner)
}

// consentEnds revokes the consent to recurring top-ups once no rule is left.
func (u *unitOfWork) consentEnds(o OwnerID) error {
	rules, err := u.tx.TopupRulesOf(o)
	if err != nil {
		return err
	}
	for i := range rules {
		if rules[i].State == RuleActive {
			return nil
		}
	}
	return u.tx.RevokeMandates(o, PurposeRecurring, u.now)
}

func (u *unitOfWork) setRule(r *TopupRule) error {
	r.UpdatedAt = u.now
	return u.tx.SetTopupRule(r)
}

// DeleteBalanceTopup takes a top-up out of all lists. A rule ends with it. Errors:
// NotFound, Conflict for one that was paid or is being paid.
func (e *Engine) DeleteBalanceTopup(ctx context.Context, id TopupID) error {
	return e.update(ctx, func(u *unitOfWork) error {
		t, err := visibleTopup(u.tx, u.actor, id)
		if err != nil {
			return err
		}
		switch {
		case t.State == TopupCreated && t.Charge != 0: // whoever waits for it must find it
			return Errorf(Conflict, "", "the top-up is being paid")
		case t.Rule == t.ID:
			r, err := u.tx.TopupRule(t.Rule)
			if err != nil {
				return err
			}
			if r.State == RuleActive {
				if err := u.cancelTopup(&t); err != nil {
					return err
				}
			}
		case t.State == TopupCompleted:
			return Errorf(Conflict, "", "a top-up that was paid is not deleted")
		}
		t.DeletedAt = u.now
		if err := u.tx.SetBalanceTopup(&t); err != nil {
			return err
		}
		if err := u.topupEvent(EventDelete, &t); err != nil {
			return err
		}
		return u.audit(AuditDelete, t.Top, auditKey("topups", "id", int64(t.ID)), nil)
	})
}
